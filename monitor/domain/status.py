"""What an endpoint is, and the spans in which it was not up: the words that judge, store and reader share. Pure."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What an endpoint is."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"

    @property
    def usable(self) -> bool | None:
        """Whether a router may use it: None where nothing is known, and routers fail open."""
        match self:
            case Status.UP | Status.DEGRADED:
                return True
            case Status.DOWN:
                return False
            case _:
                return None
