"""Does the resolver at hand answer? Judged by own lookups of a neutral name, beside those of the probes. Pure.

A provider's name that is not resolved is the provider's fault, or the resolver's. Asking afterwards is too late: a
resolver that hangs for ten seconds is well again when a probe has been given up for it. So neutral names are looked up
while probes run, and a failure is held against what came of those at the same time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin

RESOLVER: Final = Origin(name="the resolver", host="the resolver", port=53)
"""Stands for the resolver among the missed hosts; unrelated to all of them."""
_SLACK: Final = timedelta(seconds=1)
"""A lookup that ended so shortly before a failure began says something about it."""
_REMEMBERED: Final = 64
_CONTRADICTED: Final = 3
"""So many silences while other names were resolved are no accident: one may be a lost packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A lookup of a neutral name."""

    began: datetime
    ended: datetime
    result: CheckResult
    """HEARD: the resolver answered in time, if only that there is no such name."""


class ResolverRecord:
    """What came of the newest lookups."""

    def __init__(self) -> None:
        self._lookups: deque[Lookup] = deque(maxlen=_REMEMBERED)
        self._contradicted: set[datetime] = set()
        """When the silent lookups began during which another name was resolved, since one was answered."""

    @property
    def is_reliable(self) -> bool:
        """Whether its silence says anything. It does not with a resolver that answers for some names only."""
        return len(self._contradicted) < _CONTRADICTED

    @property
    def is_silent(self) -> bool:
        """Whether the newest lookup was not answered."""
        return self.is_reliable and bool(self._lookups) and self._lookups[-1].result is CheckResult.SILENT

    def note(self, lookup: Lookup) -> None:
        """A neutral lookup has ended, or was given up."""
        if lookup.result is CheckResult.NOTHING:
            return
        self._lookups.append(lookup)
        if lookup.result is CheckResult.HEARD:
            self._contradicted.clear()

    def note_resolved(self, at: datetime) -> None:
        """A provider's name was resolved by then."""
        silent = (each for each in self._lookups if each.result is CheckResult.SILENT)
        self._contradicted.update(each.began for each in silent if each.began <= at <= each.ended)

    def result(self, since: datetime, until: datetime) -> CheckResult:
        """Whether the resolver answered in a span; NOTHING: not known. One silence says more than any answer."""
        found = [each for each in self._lookups if each.ended >= since - _SLACK and each.began <= until]
        if any(each.result is CheckResult.SILENT for each in found):
            return CheckResult.SILENT if self.is_reliable else CheckResult.NOTHING
        # Whoever was answered before may have been the last.
        return CheckResult.HEARD if any(each.began >= since for each in found) else CheckResult.NOTHING

    def forget(self) -> None:
        """The wall clock leapt: times from before say nothing any more."""
        self._lookups.clear()
        self._contradicted.clear()
