"""Cursors: a place among samples, incidents or uses as a word that readers hand back and need not understand. Pure.

A place and no count of what lies before it: what comes meanwhile moves nothing, so a page has neither twice nor misses
what began before its first one.
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
"""What every cursor looks like, as a regular expression; whatever looks so is one."""
USE_FORM: Final = "(?:[A-Za-z0-9_-]{4})+"
"""The same of one to a use."""
_NOT_GIVEN: Final = "a word that was given out as `next`; begin anew without one"
_PADDING: Final = "=="
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
"""Counted from here, microseconds need no sign and fewer than 58 bits for 9,000 years: hence the `A` in front."""
_MOMENT: Final = timedelta(microseconds=1)
_FIELDS: Final = struct.Struct(">Q8s")
"""Microseconds since then, and the id."""
_DAY_BYTES: Final = 3
"""So that what stands for them needs no padding."""
_BETWEEN: Final = b"\0"
"""Neither an id nor an application holds one."""
FIRST_ID: Final = "0" * 16
"""Before every other id, so that nothing which began at the moment of such a place comes before it."""


class QueryError(ValueError):
    """What a reader asked cannot be answered; the message is for the reader."""


def to_cursor(place: PageKey) -> str:
    """The word for a place."""
    data = _FIELDS.pack((place.at - _FIRST) // _MOMENT, bytes.fromhex(place.id))
    return urlsafe_b64encode(data).decode().removesuffix(_PADDING)


def from_cursor(word: str) -> PageKey:
    """The place that a word stands for. Raises QueryError on a word that `to_cursor` never gave."""
    if re.fullmatch(FORM, word):
        micros, identity = _FIELDS.unpack(urlsafe_b64decode(word + _PADDING))
        return PageKey(at=_FIRST + timedelta(microseconds=micros), id=identity.hex())
    raise QueryError(_NOT_GIVEN)


def to_use_cursor(use: UsageKey) -> str:
    """The word for a day, an endpoint and an application."""
    day, *names = use
    data = day.toordinal().to_bytes(_DAY_BYTES, "big") + _BETWEEN.join(name.encode() for name in names)
    return urlsafe_b64encode(data + _BETWEEN * (-len(data) % _DAY_BYTES)).decode()


def from_use_cursor(word: str) -> UsageKey:
    """What such a word stands for; one that was never given out stands for something, too, if it has the form.

    Raises QueryError on one without it.
    """
    if not re.fullmatch(USE_FORM, word):
        raise QueryError(_NOT_GIVEN)
    data = urlsafe_b64decode(word)
    day = min(max(int.from_bytes(data[:_DAY_BYTES], "big"), date.min.toordinal()), date.max.toordinal())
    endpoint, app, *_ = [*data[_DAY_BYTES:].split(_BETWEEN), b"", b""]
    return date.fromordinal(day), endpoint.decode(errors="replace"), app.decode(errors="replace")


def before(moment: datetime) -> PageKey:
    """The place of a page that begins with the newest before a moment."""
    return PageKey(at=moment, id=FIRST_ID)
