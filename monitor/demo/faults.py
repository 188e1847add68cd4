"""The faults of the flaky provider: selects the fault of a request, and makes its bytes. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class InjectedFault(StrEnum):
    """The fault of one request."""

    NONE = "none"
    OVERLOADED = "overloaded"
    """Refused with 503."""
    RATE_LIMITED = "rate_limited"
    """Refused with 429 and `retry-after`."""
    STALL = "stall"
    """The stream falls silent after its first token; the connection stays open."""
    TRUNCATE = "truncate"
    """The connection closes after the first token, without `[DONE]`."""
    STREAM_ERROR = "stream_error"
    """The stream begins with HTTP 200, then contains an error and ends."""


WEIGHTS: Mapping[InjectedFault, int] = {
    InjectedFault.NONE: 5,
    InjectedFault.OVERLOADED: 1,
    InjectedFault.RATE_LIMITED: 1,
    InjectedFault.STALL: 1,
    InjectedFault.TRUNCATE: 1,
    InjectedFault.STREAM_ERROR: 1,
}
"""How often each fault occurs in as many requests as the sum of the weights. Half of the requests succeed."""


class Deck:
    """Selects the fault of each request, like cards from a deck that is filled again when it is empty.

    The faults are in random order, at even distances among the successes. With independent random numbers, or with a
    deck that is only shuffled, some runs would show no fault for a long time.
    """

    __slots__ = ("_cards", "_chance", "_dealt", "_weights")

    def __init__(self, chance: random.Random, weights: Mapping[InjectedFault, int]) -> None:
        """A fault with weight 0 never occurs. ValueError if all weights are 0. Weights may change between draws."""
        if not any(weights.values()):
            raise ValueError("all weights are 0; set at least one weight above 0")
        self._chance = chance
        self._weights = weights
        self._cards: list[InjectedFault] = []
        self._dealt: Mapping[InjectedFault, int] = {}

    def draw(self) -> InjectedFault:
        """Draw the next fault."""
        weights = dict(self._weights)
        if not self._cards or weights != self._dealt:
            self._dealt = weights
            self._cards = self._laid()
        return self._cards.pop(0)

    def _laid(self) -> list[InjectedFault]:
        faults = [
            fault for fault, weight in self._dealt.items() if fault is not InjectedFault.NONE for _ in range(weight)
        ]
        self._chance.shuffle(faults)
        size, begin = sum(self._dealt.values()), self._chance.random()
        places = {int((number + begin) * size / len(faults)): fault for number, fault in enumerate(faults)}
        return [places.get(place, InjectedFault.NONE) for place in range(size)]


def weight(text: str) -> tuple[InjectedFault, int]:
    """Parse `NAME=NUMBER`. Raises ValueError for other text."""
    name, _, number = text.partition("=")
    return InjectedFault(name), int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedRefusal:
    """A complete HTTP answer that refuses a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _error(status: int, kind: str, message: str) -> bytes:
    """An error body in OpenAI's form."""
    return json.dumps({"error": {"message": message, "type": kind, "code": status}}).encode()


def refusal(fault: InjectedFault) -> InjectedRefusal | None:
    """The answer to a refused request; None if the fault occurs later in the stream, or if there is no fault."""
    match fault:
        case InjectedFault.OVERLOADED:
            return InjectedRefusal(
                status=503, headers={}, body=_error(503, "overloaded_error", "The server is overloaded.")
            )
        case InjectedFault.RATE_LIMITED:
            body = _error(429, "rate_limit_error", "Too many requests.")
            return InjectedRefusal(status=429, headers={"Retry-After": "1"}, body=body)
        case _:
            return None


STREAM_ERROR_EVENT = b"data: %s\n\n" % _error(500, "server_error", "The backend went away.")
"""The last event of a stream with an error."""


class EventCount:
    """Finds the end of the n-th event of an SSE stream, which may arrive in any pieces."""

    __slots__ = ("_after_newline", "_left")

    def __init__(self, events: int) -> None:
        self._left = events
        self._after_newline = False

    def cut(self, data: bytes) -> int | None:
        """The offset in `data` after the n-th event; None if its end has not arrived."""
        for offset, byte in enumerate(data, start=1):
            if byte == ord("\n") and self._after_newline:
                self._left -= 1
                if not self._left:
                    return offset
            self._after_newline = byte == ord("\n") and not self._after_newline
        return None
