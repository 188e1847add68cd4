"""The tier of an endpoint for routers: its status combined with a refusal of the account. Pure.

The table in `monitor/routing/tiers.py` defines the meaning of each tier for each router.
"""

from __future__ import annotations

from enum import IntEnum
from typing import assert_never

from monitor.domain.status import Status


class Tier(IntEnum):
    """Routers try smaller values first."""

    UP = 0
    UNKNOWN = 1
    """Stale, or never measured. It is not known to be down, so routers use it."""
    DEGRADED = 2
    REFUSED = 3
    """The provider refused the account of the newest samples. It may refuse the router's account, too."""
    UNKNOWN_REFUSED = 4
    """Refused, and the score is not known any more."""
    PAUSED = 5
    MAINTENANCE = 6
    DOWN = 7


class RoutingUse(IntEnum):
    """How a router uses an endpoint. A smaller value is better."""

    NORMAL = 0
    FALLBACK = 1
    """For requests that the normal endpoints cannot handle."""
    NONE = 2
    """Not used, unless no other endpoint is left."""


def tier_of(status: Status, *, refused: bool) -> Tier:
    """The tier of an endpoint. `refused`: the provider refused the account in the newest samples."""
    match status:
        case Status.UP:
            return Tier.REFUSED if refused else Tier.UP
        case Status.DEGRADED:
            return Tier.REFUSED if refused else Tier.DEGRADED
        case Status.UNKNOWN:
            return Tier.UNKNOWN_REFUSED if refused else Tier.UNKNOWN
        case Status.PAUSED:
            return Tier.PAUSED
        case Status.MAINTENANCE:
            return Tier.MAINTENANCE
        case Status.DOWN:
            return Tier.DOWN
        case _:
            assert_never(status)
