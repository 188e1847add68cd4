"""Whether the local resolver answers, from own lookups of a neutral name while probes run. Pure.

When a provider's name is not resolved, the provider or the resolver failed. A lookup afterwards is too late: a resolver
that hangs for ten seconds works again when the probe has failed. So neutral names are looked up while probes run, and a
failure is compared with the lookups of the same time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin

RESOLVER: Final = Origin(name="the resolver", host="the resolver", port=53)
"""The resolver as an origin among those that did not answer; unrelated to all others."""
_SLACK: Final = timedelta(seconds=1)
"""A lookup that ended at most this long before a failure began counts for it."""
_REMEMBERED: Final = 64
_CONTRADICTED: Final = 3
"""This many unanswered lookups while other names were resolved are unreliable; one may be a lost packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A lookup of a neutral name."""

    began: datetime
    ended: datetime
    result: CheckResult
    """`HEARD`: the resolver answered in time; an answer that the name does not exist counts, too."""


class ResolverRecord:
    """The results of the newest lookups."""

    def __init__(self) -> None:
        self._lookups: deque[Lookup] = deque(maxlen=_REMEMBERED)
        self._contradicted: set[datetime] = set()
        """When the unanswered lookups began during which another name was resolved, since the last answered lookup."""

    @property
    def _is_reliable(self) -> bool:
        """Whether a missing answer counts. It does not for a resolver that answers for some names only."""
        return len(self._contradicted) < _CONTRADICTED

    @property
    def is_silent(self) -> bool:
        """Whether the newest lookup was not answered."""
        return self._is_reliable and bool(self._lookups) and self._lookups[-1].result is CheckResult.SILENT

    def note(self, lookup: Lookup) -> None:
        """Note a lookup that ended or timed out."""
        if lookup.result is CheckResult.NOTHING:
            return
        self._lookups.append(lookup)
        if lookup.result is CheckResult.HEARD:
            self._contradicted.clear()

    def note_resolved(self, at: datetime) -> None:
        """Note that a provider's name was resolved at `at`."""
        silent = (lookup for lookup in self._lookups if lookup.result is CheckResult.SILENT)
        self._contradicted.update(lookup.began for lookup in silent if lookup.began <= at <= lookup.ended)

    def result(self, since: datetime, until: datetime) -> CheckResult:
        """Whether the resolver answered in a span; NOTHING: not known. One unanswered lookup outweighs any answer."""
        found = [lookup for lookup in self._lookups if lookup.ended >= since - _SLACK and lookup.began <= until]
        if any(lookup.result is CheckResult.SILENT for lookup in found):
            return CheckResult.SILENT if self._is_reliable else CheckResult.NOTHING
        # An answer before `since` may have been the last.
        return CheckResult.HEARD if any(lookup.began >= since for lookup in found) else CheckResult.NOTHING

    def forget(self) -> None:
        """Drop all lookups: the wall clock was stepped."""
        self._lookups.clear()
        self._contradicted.clear()
