"""`Retry-After`: until when an endpoint is not probed because its provider asked for that. Pure; lost at a restart.

It applies to the endpoint alone, not to its provider: limits are nearly always per model.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from probes._model import Sample

LONGEST_S = 600.0
"""Maximum wait. A longer `Retry-After` is cut, because it could hide an outage."""


class RetryAfter:
    """By endpoint, until when it is not probed."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def note(self, sample: Sample) -> None:
        """Record the `Retry-After` of a sample, if it has one. The latest time is used."""
        asked_s = sample.retry_after_s
        if asked_s is None or not asked_s > 0:  # also false for NaN
            return
        until = sample.started_at + timedelta(seconds=(sample.headers_s or 0.0) + min(asked_s, LONGEST_S))
        earlier = self._until.get(sample.endpoint, until)
        if earlier - until > timedelta(seconds=LONGEST_S):  # recorded before the wall clock was set back
            earlier = until
        self._until[sample.endpoint] = max(until, earlier)

    def rename(self, aliases: Mapping[str, str]) -> None:
        """Move the times of former ids to the present ones. `aliases`: former ids to present ones."""
        for alias in aliases.keys() & self._until.keys():
            until, name = self._until.pop(alias), aliases[alias]
            self._until[name] = max(until, self._until.get(name, until))

    def left_s(self, endpoint: str, at: datetime) -> float | None:
        """For how many seconds after `at` an endpoint is not probed; None: it may be probed."""
        until = self._until.get(endpoint, at)
        left_s = (until - at).total_seconds()
        # More than the maximum means that the wall clock was set back meanwhile.
        return left_s if 0 < left_s <= LONGEST_S else None
