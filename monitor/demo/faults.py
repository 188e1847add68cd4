"""What a flaky provider does wrong: which fault strikes a request, and what it looks like on the wire. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class InjectedFault(StrEnum):
    """What becomes of one request."""

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
    """The stream, begun with HTTP 200, goes on with an error and ends."""


WEIGHTS: Mapping[InjectedFault, int] = {
    InjectedFault.NONE: 5,
    InjectedFault.OVERLOADED: 1,
    InjectedFault.RATE_LIMITED: 1,
    InjectedFault.STALL: 1,
    InjectedFault.TRUNCATE: 1,
    InjectedFault.STREAM_ERROR: 1,
}
"""How often each happens in as many requests as their sum: each kind is seen soon, and half of the requests pass."""


class Deck:
    """Which fault strikes the next request: as cards from a deck, laid anew when it is empty.

    The faults of a deck come in any order, and lie evenly among the requests that pass: with dice, or a deck that is
    merely shuffled, some runs would be lucky for so long that nothing is to be seen of a flaky provider.
    """

    __slots__ = ("_cards", "_chance", "_dealt", "_weights")

    def __init__(self, chance: random.Random, weights: Mapping[InjectedFault, int]) -> None:
        """A fault without a weight never strikes. ValueError where none has one. Weights may change between draws."""
        if not any(weights.values()):
            raise ValueError("no fault has a weight")
        self._chance = chance
        self._weights = weights
        self._cards: list[InjectedFault] = []
        self._dealt: Mapping[InjectedFault, int] = {}

    def draw(self) -> InjectedFault:
        """The next."""
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
    """Read `NAME=NUMBER`; ValueError if it is not that."""
    name, _, number = text.partition("=")
    return InjectedFault(name), int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedRefusal:
    """An answer that is a refusal and nothing else."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _error(status: int, kind: str, message: str) -> bytes:
    """An error body as OpenAI and its likes send it."""
    return json.dumps({"error": {"message": message, "type": kind, "code": status}}).encode()


def refusal(fault: InjectedFault) -> InjectedRefusal | None:
    """How a refused request is answered; None if the fault strikes later, in the stream, or not at all."""
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
"""What a stream with an error in it ends with."""


class EventCount:
    """Finds where the n-th event of an SSE stream ends, however the stream is cut."""

    __slots__ = ("_after_newline", "_left")

    def __init__(self, events: int) -> None:
        self._left = events
        self._after_newline = False

    def cut(self, data: bytes) -> int | None:
        """Offset in `data` of the byte after the n-th event; None if it is still to come."""
        for offset, byte in enumerate(data, start=1):
            if byte == ord("\n") and self._after_newline:
                self._left -= 1
                if not self._left:
                    return offset
            self._after_newline = byte == ord("\n") and not self._after_newline
        return None
