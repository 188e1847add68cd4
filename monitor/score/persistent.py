"""Trouble that does not pass: an endpoint that is bad from its first sample on, or turned bad for good. Pure.

The states of `chain` are trouble that is over within the hour, and each has a depth of its own. Trouble that lasts is
of any depth, and comes in bursts or not: its samples tell. So it is held beside those states: how likely the endpoint
is in it, and what samples showed since it began. How bad it is is then known the better the longer it lasts, and is
never taken for what is usual of an endpoint that is well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

HOUR_S: Final = 3_600.0
_ONSET, _RECOVERY = 0.0015, 0.04
"""How often, per hour, it begins and ends."""
_GOOD, _LATE, _FAILED = 0.6, 0.2, 0.7
"""What it looks like before it has shown itself: weights of a good sample, of a missed SLO, of a failure."""
_MOST_GOOD: Final = 0.88
"""What succeeds more often than so is in no trouble that lasts."""
_KEEPS: Final = 1 - 1 / 400
"""Of what was seen, how much is kept with every sample."""
_MOST_ALIKE: Final = 0.9
_LEAST_TURNS: Final = 3.0
"""How often good samples followed bad ones, or bad ones good ones, before it is said to come in bursts.

One that was down for hours and is well again has turned once.
"""
_UNLIKELY: Final = 0.01
"""Below this it is likelier to begin yet than to have begun, so what was seen is not of it."""
_SETTLED: Final = _ONSET / (_ONSET + _RECOVERY)
_LEAST, _MOST = 1e-6, 1 - 1e-6
"""It is never given up for impossible, nor taken for certain."""

Shares: TypeAlias = tuple[float, float, float]
"""How many samples are good, miss the SLO, and fail."""
_PRIOR: Final = _GOOD + _LATE + _FAILED
_NEW: Final = (_GOOD / _PRIOR, _LATE / _PRIOR, _FAILED / _PRIOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentTrouble:
    """How likely an endpoint is in trouble that lasts, and what was seen of it if it is."""

    share: float = 0.15
    good: float = 0.0
    late: float = 0.0
    failed: float = 0.0
    alike: float = 0.0
    """How many samples turned out as the one before: good, or not."""
    was_good: bool = True
    """The newest."""

    @property
    def seen(self) -> float:
        """How many samples that is."""
        return self.good + self.late + self.failed

    @property
    def shares(self) -> Shares:
        """Of all samples, in the long run."""
        return _shares(self.good, self.late, self.failed)

    def next_shares(self, keep: float = 1.0) -> Shares:
        """Of the next sample: where bad ones come in bursts, the newest tells. `keep`: how likely it began before."""
        good, late, failed = self._next
        if keep == 1:
            return good, late, failed
        began = 1 - keep
        return good * keep + _NEW[0] * began, late * keep + _NEW[1] * began, failed * keep + _NEW[2] * began

    @property
    def _next(self) -> Shares:
        good, late, failed = self.shares
        alike = self.correlation if self.failed + self.late > 1 else 0.0
        if alike == 0:
            return good, late, failed
        if self.was_good:
            return good + alike * (1 - good), late * (1 - alike), failed * (1 - alike)
        bad = 1 + alike * good / (1 - good)
        return good * (1 - alike), late * bad, failed * bad

    @property
    def correlation(self) -> float:
        """How much a sample is like the one before, less what may be chance."""
        seen = self.good + self.late + self.failed
        good = self.shares[0]
        chance = 2 * good * (1 - good)
        if seen - self.alike < _LEAST_TURNS or seen * chance < 1:
            return 0.0
        found = 1 - (1 - self.alike / seen) / chance - 1 / math.sqrt(seen)
        return min(max(found, 0.0), _MOST_ALIKE)

    def weight(self, keep: float = 1.0) -> float:
        """How many samples, each drawn for itself, would tell as much."""
        alike = self.correlation
        return (self.seen * keep + 1) * (1 - alike) / (1 + alike)

    def aged(self, seconds: float) -> tuple[float, float, float]:
        """How likely it is in this trouble so many seconds later; that it was before, if it is; and what is over.

        The last is how much of the chance that it is not in this trouble is that it was a short while ago.
        """
        hours = seconds / HOUR_S
        share = _SETTLED + (self.share - _SETTLED) * math.exp(-(_ONSET + _RECOVERY) * hours)
        lasts = self.share * math.exp(-_RECOVERY * hours)
        # What was over long ago has been in other trouble since.
        left = min((self.share - lasts) / (1 - share), 1.0) * math.exp(-hours)
        return share, min(lasts / share, 1.0), left

    def after(self, share: float, keep: float, *, good: bool, late: bool) -> PersistentTrouble:
        """With one more sample of requests, which made it as likely as `share`; `keep` as `aged` said."""
        failed = not (good or late)
        if share < _UNLIKELY:
            keep = 0.0
        elif keep < 1:  # the sample tells if it began only since the one before
            shown = (good, late, failed).index(True)
            before = keep * self._next[shown]
            keep = before / (before + (1 - keep) * _NEW[shown])
        keep *= _KEEPS
        return PersistentTrouble(
            share=share,
            good=self.good * keep + good,
            late=self.late * keep + late,
            failed=self.failed * keep + failed,
            alike=self.alike * keep + (good is self.was_good),
            was_good=good,
        )


def _shares(good: float, late: float, failed: float) -> Shares:
    good, late, failed = good + _GOOD, late + _LATE, failed + _FAILED
    weight = good + late + failed
    most = _MOST_GOOD * weight
    if good <= most:
        return good / weight, late / weight, failed / weight
    bad = (1 - _MOST_GOOD) / (late + failed)
    return _MOST_GOOD, late * bad, failed * bad


def bounded(share: float) -> float:
    """A chance that is neither 0 nor 1."""
    return min(max(share, _LEAST), _MOST)


NEWCOMER: Final = PersistentTrouble()
"""Of an endpoint before its first sample: one in seven never was well."""
