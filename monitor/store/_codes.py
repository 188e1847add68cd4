"""The numbers that stand for enum values in the database. Append only: a used number keeps its meaning forever."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeVar

from monitor.domain.status import Status
from monitor.store._protocol import StoreError
from probes._model import Blame, ErrorClass, Task, Timing, TokensFrom

Word = TypeVar("Word", bound=Enum)

TASKS: Final[Mapping[Task, int]] = {
    Task.CHAT: 1,
    Task.TOOL_CALL: 2,
    Task.STRUCTURED_OUTPUT: 3,
    Task.EMBEDDING: 4,
    Task.REACH: 5,
}

ERRORS: Final[Mapping[ErrorClass, int]] = {
    ErrorClass.DNS: 1,
    ErrorClass.CONNECT: 2,
    ErrorClass.TLS: 3,
    ErrorClass.TIMEOUT_TTFT: 4,
    ErrorClass.TIMEOUT_TOTAL: 5,
    ErrorClass.STALLED: 6,
    ErrorClass.OVERLOADED: 7,
    ErrorClass.SERVER_ERROR: 8,
    ErrorClass.MALFORMED: 9,
    ErrorClass.TRUNCATED: 10,
    ErrorClass.STREAM_ERROR: 11,
    ErrorClass.EMPTY: 12,
    ErrorClass.WRONG_ANSWER: 13,
    ErrorClass.AUTH: 14,
    ErrorClass.PAYMENT: 15,
    ErrorClass.RATE_LIMITED: 16,
    ErrorClass.NOT_FOUND: 17,
    ErrorClass.BAD_REQUEST: 18,
    ErrorClass.CONTENT_FILTER: 19,
    ErrorClass.GEO: 20,
    ErrorClass.SKIPPED: 21,
    ErrorClass.CANCELLED: 22,
    ErrorClass.INTERNAL: 23,
    ErrorClass.OVERRUN: 24,
    ErrorClass.BUDGET: 25,
    ErrorClass.TAINTED: 26,
    ErrorClass.VANTAGE_OFFLINE: 27,
}

BLAME_AS_USUAL: Final = None
"""In place of a blame: the blame that follows from the error, as in nearly every sample."""
BLAME_NONE: Final = 0
"""In place of a blame: None, although one would follow from the error."""
BLAMES: Final[Mapping[Blame, int]] = {
    Blame.PROVIDER: 1,
    Blame.ACCOUNT: 2,
    Blame.MONITOR: 3,
    Blame.NETWORK: 4,
}

TIMINGS: Final[Mapping[Timing, int]] = {
    Timing.KERNEL: 1,
    Timing.LOOP: 2,
}

TOKEN_SOURCES: Final[Mapping[TokensFrom, int]] = {
    TokensFrom.USAGE: 1,
    TokensFrom.COUNTED: 2,
}

WORST: Final[Mapping[Status, int]] = {
    Status.DEGRADED: 1,
    Status.DOWN: 2,
}
"""The worst status of an incident."""


def words_of(numbers: Mapping[Word, int]) -> dict[int, Word]:
    """The enum values by their numbers, for `decode`."""
    return {number: word for word, number in numbers.items()}


def decode(words: Mapping[int, Word], number: int) -> Word:
    """The enum value of a stored number. Raises StoreError when a newer providerwatch wrote it."""
    try:
        return words[number]
    except KeyError:
        reason = f"store: unknown code {number}, written by a newer providerwatch: install that version"
        raise StoreError(reason) from None
