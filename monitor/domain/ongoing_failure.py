"""A failure that lasts is logged when it begins and when it is over, not each time. Pure: whoever holds it logs."""

from __future__ import annotations


class OngoingFailure:
    """Whether something fails at the moment, and why.

    `if failure.begins(reason): log.error(…)`, and after a success `if failure.ends(): log.info(…)`.
    """

    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason: str | None = None
        """Of the newest failure; None: it works."""

    def begins(self, reason: str) -> bool:
        """Note a failure; True if it worked before."""
        before, self.reason = self.reason, reason
        return before is None

    def ends(self) -> bool:
        """Note a success; True if it failed before."""
        before, self.reason = self.reason, None
        return before is not None
