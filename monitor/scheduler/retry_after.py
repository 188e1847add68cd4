"""`Retry-After`: until when an endpoint is left alone because its provider asked for that. Pure; forgotten at an end.

An endpoint alone, not its provider: limits are nearly always of a model, and the others of the same key go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from probes._model import Sample

LONGEST_S = 600.0
"""How long a provider is left alone at the most, whatever it asks for: else it could hide an outage behind that."""


class RetryAfter:
    """Who asked to be left alone, and until when."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def note(self, sample: Sample) -> None:
        """Take note of what a sample's provider asked for, if anything; of two wishes the later moment holds."""
        asked_s = sample.retry_after_s
        if asked_s is None or not asked_s > 0:  # so that what is no number is no wish
            return
        until = sample.started_at + timedelta(seconds=(sample.headers_s or 0.0) + min(asked_s, LONGEST_S))
        self._until[sample.endpoint] = max(until, self._until.get(sample.endpoint, until))

    def left_s(self, endpoint: str, at: datetime) -> float | None:
        """How long from `at` on an endpoint is still to be left alone; None: it is not."""
        until = self._until.get(endpoint, at)
        left_s = (until - at).total_seconds()
        # More than the most that can be asked for is a wall clock that was set back meanwhile.
        return left_s if 0 < left_s <= LONGEST_S else None
