"""Parses reported outcomes: untrusted JSON to calls. Pure; the time is an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.schema.body import WrongBodyError, validated
from monitor.schema.place import quoted
from monitor.traffic.calls import AHEAD, OLDEST, Call, Rejected
from monitor.traffic.outcome import ERRORS, OK, Came, Outcome, Outcomes
from probes._model import ErrorClass

_ERRORS: Final[Mapping[Came, ErrorClass | None]] = {Came(OK): None, **{Came(error.value): error for error in ERRORS}}


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
        batch: Outcomes = validated(Outcomes, body)
        calls: list[Call] = []
        rejected: list[Rejected] = []
        for index, each in enumerate(batch["outcomes"]):
            try:
                calls.append(self._call(each, now))
            except WrongBodyError as error:
                rejected.append(Rejected(index=index, reason=str(error)))
        return ReadCalls(calls=calls, rejected=rejected)

    def _call(self, plain: object, now: datetime) -> Call:
        if isinstance(plain, dict) and None in plain.values():  # null counts as absent
            plain = {name: value for name, value in plain.items() if value is not None}
        given: Outcome = validated(Outcome, plain, whole="an outcome")
        return Call(
            key=key_of(given["id"]),
            endpoint=self._endpoint(given),
            at=_moment(given["at"], now),
            error=_ERRORS[given["outcome"]],
            status_code=given.get("status_code"),
            ttft_s=given.get("ttft_s"),
            e2e_s=given.get("e2e_s"),
            prompt_tokens=given.get("prompt_tokens") or 0,
            output_tokens=given.get("output_tokens") or 0,
            reasoning_tokens=given.get("reasoning_tokens") or 0,
            app=given.get("app") or "",
        )

    def _endpoint(self, given: Outcome) -> str:
        name, router_id = given.get("endpoint"), given.get("router_id")
        if (name is None) is (router_id is None):
            raise WrongBodyError(("endpoint",), "exactly one of endpoint and router_id is required")
        if router_id is not None:
            return self._routed_to([*router_id.items()])
        found = self._endpoints.get(name or "")
        if found is None:
            raise WrongBodyError(("endpoint",), f"unknown endpoint {quoted(name or '')}")
        return found

    def _routed_to(self, pairs: Sequence[tuple[str, str]]) -> str:
        if len(pairs) != 1:
            raise WrongBodyError(
                ("router_id",), 'must hold one router and its id of the endpoint, such as {"litellm": "dep-17"}'
            )
        found = self._routed.get(pairs[0], [])
        if len(found) != 1:
            many = "several endpoints have" if found else "no endpoint has"
            router, name = pairs[0]
            raise WrongBodyError(("router_id",), f"{many} the {quoted(router)} id {quoted(name)}")
        return found[0]


def key_of(call_id: str) -> int:
    """The 64-bit key of an id."""
    return int.from_bytes(hashlib.blake2b(call_id.encode(), digest_size=8).digest(), "big")


def _moment(at: datetime, now: datetime) -> datetime:
    if at < now - OLDEST:
        raise WrongBodyError(("at",), f"more than {OLDEST.total_seconds() / 60:g} minutes ago")
    if at > now + AHEAD:
        raise WrongBodyError(("at",), f"more than {AHEAD.total_seconds():g} s ahead of this clock")
    return min(at, now)  # a time in the future would become old too late
