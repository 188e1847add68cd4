"""Column types: the fields of a sample in the database, mostly as small exact integers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Generic

from sqlalchemy import BigInteger, Dialect, Double, SmallInteger, Text
from sqlalchemy.types import TypeDecorator

from monitor.domain.epoch import EPOCH
from monitor.store._codes import Word, decode, words_of
from monitor.store._time import microseconds

LARGEST = 2**63 - 1
"""The largest integer of a column."""


class Moment(TypeDecorator[datetime]):
    """A datetime as microseconds since 1970-01-01T00:00Z. Naive datetimes raise ValueError."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Duration(TypeDecorator[float]):
    """Seconds as whole microseconds. Infinite and too long durations become None."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> int | None:
        if value is None or not math.isfinite(value):
            return None
        return _storable(round(value * 1_000_000))

    def process_result_value(self, value: int | None, dialect: Dialect) -> float | None:
        return None if value is None else value / 1_000_000


class Count(TypeDecorator[int]):
    """An integer. Numbers beyond 64 bits, which providers may send, become None."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else _storable(value)


class Real(TypeDecorator[float]):
    """A float. NaN and infinities become None."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return value if value is not None and math.isfinite(value) else None


class Note(TypeDecorator[str]):
    """Untrusted text: lone surrogates and NUL, which databases reject, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


class HexId(TypeDecorator[str]):
    """Sixteen lower-case hexadecimal digits as a signed 64-bit integer."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else signed(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else value.to_bytes(8, "big", signed=True).hex()


class Code(TypeDecorator[Word], Generic[Word]):
    """An enum value as its number in `_codes`."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, numbers: Mapping[Word, int]) -> None:
        super().__init__()
        self.numbers = tuple(numbers.items())
        self._number = dict(numbers)
        self._words = words_of(numbers)

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> int | None:
        return None if value is None else self._number[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> Word | None:
        return None if value is None else decode(self._words, value)


def signed(hex_id: str) -> int:
    """An id as a signed integer. Integers sort differently than ids: the upper half is negative."""
    if len(hex_id) != 16 or hex_id.strip("0123456789abcdef"):  # noqa: PLR2004
        raise ValueError(f"{hex_id!r} is not 16 lower-case hexadecimal digits")
    return int.from_bytes(bytes.fromhex(hex_id), "big", signed=True)


def _storable(number: int) -> int | None:
    return number if abs(number) <= LARGEST else None
