"""One sentence about all endpoints, by rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from monitor.domain.status import Status
from monitor.domain.text import age, plural

ALL_WELL: Final = "all well"
_TROUBLE: Final = (Status.DOWN, Status.DEGRADED, Status.UNKNOWN)
"""What the sentence names, the worst first."""


def headline(statuses: Iterable[str]) -> str:
    """`3 of 42 endpoints down, 2 degraded`, `all well`, or that there are no endpoints."""
    counts = Counter(statuses)
    if not counts:
        return "no endpoints"
    named = [(status, counts[status]) for status in _TROUBLE if counts[status]]
    if not named:
        return ALL_WELL if counts[Status.UP] else _at_rest(counts)
    (worst, number), *others = named
    return ", ".join(
        (f"{number:,} of {plural(counts.total(), 'endpoint')} {worst}", *(f"{n:,} {status}" for status, n in others))
    )


def _at_rest(counts: Counter[str]) -> str:
    """Of endpoints that are not probed now."""
    shown = (f"{counts[status]:,} {word}" for status, word in _AT_REST.items() if counts[status])
    return ", ".join(shown) or f"{plural(counts.total(), 'endpoint')} of another status"


_AT_REST: Final = {Status.MAINTENANCE: "in maintenance", Status.PAUSED: "paused"}


def silence(newest: datetime | None, now: datetime) -> str:
    """The sentence while no endpoint has a current sample; `newest`: the start of the newest sample."""
    return "nothing measured yet" if newest is None else f"nothing measured for {age(newest, now)}"
