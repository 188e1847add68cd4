"""The status of an endpoint. Pure."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The published status of an endpoint."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"

    @property
    def usable(self) -> bool | None:
        """Whether a router may use the endpoint; None if that is not known (routers fail open)."""
        match self:
            case Status.UP | Status.DEGRADED:
                return True
            case Status.DOWN:
                return False
            case _:
                return None
