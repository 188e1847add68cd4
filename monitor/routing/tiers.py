"""How an endpoint stands with those who choose: one word for status and account's trouble together. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import assert_never

from monitor.domain.status import Status
from monitor.scoreboard.endpoint import Facts


class Tier(IntEnum):
    """The smaller, the sooner to be tried."""

    FINE = 0
    """Up, or nothing speaks against it: what is stale or was never measured is not down."""
    DEGRADED = 1
    PAUSED = 2
    MAINTENANCE = 3
    REFUSED = 4
    """The newest samples were refused for the account's sake: whoever uses the same key will be, too."""
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
    """One figure for what an endpoint charges, USD per million tokens: three of a prompt for each of an answer."""
    pricing = facts.spec.endpoint.pricing
    return None if pricing is None else (3 * pricing.prompt + pricing.completion) / 4
