"""Tiers: an endpoint's status and account error as one rank for routing. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import assert_never

from monitor.domain.status import Status
from monitor.scoreboard.endpoint import Facts


class Tier(IntEnum):
    """Smaller tiers are tried first."""

    FINE = 0
    """Up or unknown: an endpoint without a recent sample counts as up."""
    DEGRADED = 1
    PAUSED = 2
    MAINTENANCE = 3
    REFUSED = 4
    """The provider refuses the account: requests with the same key fail, too."""
    DOWN = 5


def tier_of(facts: Facts) -> Tier:
    """The tier of an endpoint."""
    match facts.status:
        case Status.DOWN:
            return Tier.DOWN
        case Status.PAUSED:
            return Tier.PAUSED
        case Status.MAINTENANCE:
            return Tier.MAINTENANCE
        case Status.DEGRADED:
            return Tier.REFUSED if facts.account else Tier.DEGRADED
        case Status.UP | Status.UNKNOWN:
            return Tier.REFUSED if facts.account else Tier.FINE
        case _:
            assert_never(facts.status)


def price(facts: Facts) -> float | None:
    """An endpoint's price in USD per million tokens, for three prompt tokens per output token."""
    pricing = facts.spec.endpoint.pricing
    return None if pricing is None else (3 * pricing.prompt + pricing.completion) / 4
