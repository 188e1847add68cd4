"""Cursors: opaque strings for a position among samples, incidents or usage rows. Pure.

A cursor holds a position and no count. So new rows do not shift pages: no row that began before the first page is
repeated or missed.
"""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from typing import Final

from monitor.store import PageKey
from monitor.traffic.counted import UsageKey

FORM: Final = "A[A-Za-z0-9_-]{20}[AQgw]"
"""The form of every cursor, as a regular expression. Every string of this form is a valid cursor."""
USE_FORM: Final = "(?:[A-Za-z0-9_-]{4})+"
"""The form of a cursor to a usage row."""
_NOT_GIVEN: Final = "the value of `next` from an earlier page; omit it to start over"
_PADDING: Final = "=="
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
"""From here, microseconds need no sign and fewer than 58 bits for 9,000 years; hence the `A` in front."""
_MOMENT: Final = timedelta(microseconds=1)
_FIELDS: Final = struct.Struct(">Q8s")
"""Microseconds since `_FIRST`, and the id."""
_DAY_BYTES: Final = 3
"""A multiple of three, so that base64 needs no padding."""
_BETWEEN: Final = b"\0"
"""Separator: no endpoint id and no application name contains it."""
_FIRST_ID: Final = "0" * 16
"""Sorts before every other id, so that no row with the same time comes before it."""


class QueryError(ValueError):
    """An invalid query; the message is for the client."""


def to_cursor(place: PageKey) -> str:
    """The cursor of a key."""
    data = _FIELDS.pack((place.at - _FIRST) // _MOMENT, bytes.fromhex(place.id))
    return urlsafe_b64encode(data).decode().removesuffix(_PADDING)


def from_cursor(word: str) -> PageKey:
    """The key of a cursor. Raises QueryError when it is invalid."""
    if re.fullmatch(FORM, word):
        micros, identity = _FIELDS.unpack(urlsafe_b64decode(word + _PADDING))
        return PageKey(at=_FIRST + timedelta(microseconds=micros), id=identity.hex())
    raise QueryError(_NOT_GIVEN)


def to_use_cursor(use: UsageKey) -> str:
    """The cursor of a day, an endpoint and an application."""
    day, *names = use
    data = day.toordinal().to_bytes(_DAY_BYTES, "big") + _BETWEEN.join(name.encode() for name in names)
    return urlsafe_b64encode(data + _BETWEEN * (-len(data) % _DAY_BYTES)).decode()


def from_use_cursor(word: str) -> UsageKey:
    """The usage key of a cursor; every string of the right form has one. Raises QueryError on others."""
    if not re.fullmatch(USE_FORM, word):
        raise QueryError(_NOT_GIVEN)
    data = urlsafe_b64decode(word)
    day = min(max(int.from_bytes(data[:_DAY_BYTES], "big"), date.min.toordinal()), date.max.toordinal())
    endpoint, app, *_ = [*data[_DAY_BYTES:].split(_BETWEEN), b"", b""]
    return date.fromordinal(day), endpoint.decode(errors="replace"), app.decode(errors="replace")


def before(moment: datetime) -> PageKey:
    """The key of a page that begins with the newest row before a moment."""
    return PageKey(at=moment, id=_FIRST_ID)
