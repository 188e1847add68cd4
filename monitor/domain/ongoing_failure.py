"""Tracks a lasting failure, so that it is logged at its beginning and at its end only. Pure: the caller logs."""

from __future__ import annotations


class OngoingFailure:
    """The state of an operation that may fail repeatedly.

    `if failure.begins(reason): log.error(…)`, and after a success `if failure.ends(): log.info(…)`.
    """

    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason: str | None = None
        """The reason of the newest failure; None: the operation works."""

    def begins(self, reason: str) -> bool:
        """Record a failure; True if the operation worked before."""
        before, self.reason = self.reason, reason
        return before is None

    def ends(self) -> bool:
        """Record a success; True if the operation failed before."""
        before, self.reason = self.reason, None
        return before is not None
