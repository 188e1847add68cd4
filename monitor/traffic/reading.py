"""Parses reported outcomes: untrusted JSON to calls. Pure; the time is an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from monitor.schema.strict import WrongBodyError
from monitor.traffic.calls import AHEAD, OLDEST, Call, Rejected
from probes._model import Blame, ErrorClass

MOST: Final = 1_000
"""Maximum number of outcomes in a batch."""
ID_LENGTH: Final = 200
APP_LENGTH: Final = 64
MOST_TOKENS: Final = 1_000_000_000
MOST_S: Final = 86_400
OK: Final = "ok"
ERRORS: Final = tuple(error for error in ErrorClass if error.blame in {Blame.PROVIDER, Blame.ACCOUNT})
"""The error classes that an outcome may have."""
_WORDS: Final[Mapping[str, ErrorClass | None]] = {OK: None, **{error.value: error for error in ERRORS}}
_LEAST_STATUS, _MOST_STATUS = 100, 599
_FIELDS: Final = frozenset(
    {
        *("id", "endpoint", "router_id", "at", "outcome", "status_code", "ttft_s", "e2e_s"),
        *("prompt_tokens", "output_tokens", "reasoning_tokens", "app"),
    }
)


class _InvalidOutcomeError(ValueError):
    """An invalid outcome; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCalls:
    """A parsed batch."""

    calls: Sequence[Call]
    rejected: Sequence[Rejected]


class CallReader:
    """Parses batches. Knows endpoints by their ids, their former ids, and their router ids."""

    def __init__(
        self, endpoints: Collection[str], aliases: Mapping[str, str], router_ids: Mapping[str, Mapping[str, str]]
    ) -> None:
        """`aliases`: former ids to present ones. `router_ids`: by endpoint, then by router."""
        self._endpoints = {**aliases, **{name: name for name in endpoints}}
        self._routed: dict[tuple[str, str], list[str]] = {}
        for name, named in router_ids.items():
            for pair in named.items():
                self._routed.setdefault(pair, []).append(name)

    def read(self, body: object, now: datetime) -> ReadCalls:
        """Parse a batch. Raises WrongBodyError."""
        outcomes = _outcomes(body)
        calls: list[Call] = []
        rejected: list[Rejected] = []
        for index, each in enumerate(outcomes):
            try:
                calls.append(self._call(each, now))
            except _InvalidOutcomeError as error:
                rejected.append(Rejected(index=index, reason=str(error)))
        return ReadCalls(calls=calls, rejected=rejected)

    def _call(self, plain: object, now: datetime) -> Call:
        if not isinstance(plain, dict):
            raise _InvalidOutcomeError("an outcome must be an object")
        given = {name: value for name, value in plain.items() if value is not None}
        unknown = sorted(given.keys() - _FIELDS)
        if unknown:
            raise _InvalidOutcomeError(f"{unknown[0][:ID_LENGTH]!r}: unknown field")
        return Call(
            key=key_of(_text(given, "id", ID_LENGTH)),
            endpoint=self._endpoint(given),
            at=_moment(given, now),
            error=_error(given),
            status_code=_whole(given, "status_code", low=_LEAST_STATUS, high=_MOST_STATUS),
            ttft_s=_seconds(given, "ttft_s"),
            e2e_s=_seconds(given, "e2e_s"),
            prompt_tokens=_whole(given, "prompt_tokens") or 0,
            output_tokens=_whole(given, "output_tokens") or 0,
            reasoning_tokens=_whole(given, "reasoning_tokens") or 0,
            app=_text(given, "app", APP_LENGTH) if "app" in given else "",
        )

    def _endpoint(self, given: Mapping[str, Any]) -> str:
        if ("endpoint" in given) is ("router_id" in given):
            raise _InvalidOutcomeError("endpoint: exactly one of endpoint and router_id is required")
        if "router_id" in given:
            return self._routed_to(given["router_id"])
        name = given["endpoint"]
        found = self._endpoints.get(name) if isinstance(name, str) else None
        if found is None:
            raise _InvalidOutcomeError(f"endpoint: unknown endpoint {_shown(name)}")
        return found

    def _routed_to(self, named: object) -> str:
        pairs = list(named.items()) if isinstance(named, dict) else []
        if len(pairs) != 1 or not isinstance(pairs[0][1], str):
            raise _InvalidOutcomeError(
                'router_id: must hold one router and its id of the endpoint, such as {"litellm": "dep-17"}'
            )
        found = self._routed.get(pairs[0], [])
        if len(found) != 1:
            many = "several endpoints have" if found else "no endpoint has"
            raise _InvalidOutcomeError(f"router_id: {many} the {_shown(pairs[0][0])} id {_shown(pairs[0][1])}")
        return found[0]


def key_of(call_id: str) -> int:
    """The 64-bit key of an id."""
    return int.from_bytes(hashlib.blake2b(call_id.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


def _outcomes(body: object) -> list[object]:
    if not isinstance(body, dict):
        raise WrongBodyError("", 'has to be an object: {"outcomes": [...]}')
    outcomes = body.get("outcomes")
    if not isinstance(outcomes, list):
        raise WrongBodyError("outcomes", "has to be a list")
    unknown = sorted(name for name in body if name != "outcomes")
    if unknown:
        raise WrongBodyError(_shown(unknown[0]), "is not a known field; known fields: outcomes")
    if len(outcomes) > MOST:
        raise WrongBodyError("outcomes", f"has {len(outcomes)} entries; at most {MOST} are allowed in a batch")
    return outcomes


def _text(given: Mapping[str, Any], name: str, most: int) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise _InvalidOutcomeError(f"{name}: must be a string of 1 to {most} characters")
    return value


def _moment(given: Mapping[str, Any], now: datetime) -> datetime:
    at = _time(given.get("at"))
    if at is None:
        raise _InvalidOutcomeError("at: must be a time with a time zone, such as 2026-11-24T07:00:00.123Z")
    if at < now - OLDEST:
        raise _InvalidOutcomeError(f"at: more than {OLDEST.total_seconds() / 60:g} minutes ago")
    if at > now + AHEAD:
        raise _InvalidOutcomeError(f"at: more than {AHEAD.total_seconds():g} s ahead of this clock")
    return min(at, now)  # a time in the future would become old too late


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return None if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _error(given: Mapping[str, Any]) -> ErrorClass | None:
    word = given.get("outcome")
    if not isinstance(word, str) or word not in _WORDS:
        raise _InvalidOutcomeError(f"outcome: must be one of {', '.join(_WORDS)}")
    return _WORDS[word]


def _whole(given: Mapping[str, Any], name: str, *, low: int = 0, high: int = MOST_TOKENS) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _InvalidOutcomeError(f"{name}: must be a whole number from {low} to {high}")
    return value


def _seconds(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= MOST_S:  # also false for NaN
        raise _InvalidOutcomeError(f"{name}: must be seconds from 0 to {MOST_S}")
    return float(value)


def _shown(value: object) -> str:
    """An untrusted value for a message, shortened."""
    return repr(value if not isinstance(value, str) else value[:ID_LENGTH])[: ID_LENGTH + 2]
