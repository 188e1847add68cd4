"""How an endpoint stands with those who choose: one word for status and account's trouble together. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import assert_never

from monitor.domain.status import Status
from monitor.scoreboard.endpoint import Facts


class Standing(IntEnum):
    """The smaller, the sooner to be tried."""

    FINE = 0
    """Up, or nothing speaks against it: what is stale or was never measured is not down."""
    DEGRADED = 1
    PAUSED = 2
    MAINTENANCE = 3
    REFUSED = 4
    """The newest samples were refused for the account's sake: whoever uses the same key will be, too."""
    DOWN = 5


def standing(facts: Facts) -> Standing:
    """The standing of an endpoint."""
    match facts.status:
        case Status.DOWN:
            return Standing.DOWN
        case Status.PAUSED:
            return Standing.PAUSED
        case Status.MAINTENANCE:
            return Standing.MAINTENANCE
        case Status.DEGRADED:
            return Standing.REFUSED if facts.account else Standing.DEGRADED
        case Status.UP | Status.UNKNOWN:
            return Standing.REFUSED if facts.account else Standing.FINE
        case _:
            assert_never(facts.status)


def price(facts: Facts) -> float | None:
    """One figure for what an endpoint charges, USD per million tokens: three of a prompt for each of an answer."""
    pricing = facts.spec.endpoint.pricing
    return None if pricing is None else (3 * pricing.prompt + pricing.completion) / 4
