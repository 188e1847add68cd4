"""Persistent trouble: an endpoint that fails or misses its SLO for days. Pure.

The states of `markov` are trouble that ends within about an hour, each with a fixed severity. Persistent trouble has
any severity, with or without bursts, which is learned from its samples. So it is kept beside those states: its
probability, and the samples since it began. The longer it lasts, the better its severity is known. Its samples never
change the base rates of the endpoint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from monitor.score.markov import HOUR_S

_ONSET, _RECOVERY = 0.0015, 0.04
"""Rates per hour at which it begins and ends."""
_GOOD, _LATE, _FAILED = 0.6, 0.2, 0.7
"""The prior weights of a good sample, of a missed SLO and of a failure."""
_MOST_GOOD: Final = 0.88
"""The largest share of good samples in persistent trouble."""
_KEEPS: Final = 1 - 1 / 400
"""The factor by which older samples fade with every sample."""
_MOST_ALIKE: Final = 0.9
_LEAST_TURNS: Final = 3.0
"""The number of changes between good and bad samples from which bursts are estimated.

An endpoint that was down for hours and recovered has changed once.
"""
_UNLIKELY: Final = 0.01
"""Below this probability earlier samples are not attributed to persistent trouble."""
_SETTLED: Final = _ONSET / (_ONSET + _RECOVERY)
_LEAST, _MOST = 1e-6, 1 - 1e-6
"""Bounds of the probability."""

Shares: TypeAlias = tuple[float, float, float]
"""Shares of samples that are good, miss the SLO, and fail."""
_PRIOR: Final = _GOOD + _LATE + _FAILED
_NEW: Final = (_GOOD / _PRIOR, _LATE / _PRIOR, _FAILED / _PRIOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentTrouble:
    """The probability of persistent trouble, and the samples seen in it."""

    share: float = 0.15
    good: float = 0.0
    late: float = 0.0
    failed: float = 0.0
    alike: float = 0.0
    """The number of samples with the same result as the one before: good or bad."""
    was_good: bool = True
    """Whether the newest sample was good."""

    @property
    def seen(self) -> float:
        """Number of samples."""
        return self.good + self.late + self.failed

    @property
    def shares(self) -> Shares:
        """Long-run shares of all samples."""
        return _shares(self.good, self.late, self.failed)

    def next_shares(self, keep: float = 1.0) -> Shares:
        """Expected shares of the next sample, given bursts. `keep`: the probability that the trouble began before."""
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
        """The correlation of consecutive samples beyond chance."""
        seen = self.good + self.late + self.failed
        good = self.shares[0]
        chance = 2 * good * (1 - good)
        if seen - self.alike < _LEAST_TURNS or seen * chance < 1:
            return 0.0
        found = 1 - (1 - self.alike / seen) / chance - 1 / math.sqrt(seen)
        return min(max(found, 0.0), _MOST_ALIKE)

    def weight(self, keep: float = 1.0) -> float:
        """The number of independent samples with the same information."""
        alike = self.correlation
        return (self.seen * keep + 1) * (1 - alike) / (1 + alike)

    def aged(self, seconds: float) -> tuple[float, float, float]:
        """Three probabilities so many seconds later: of this trouble, that it began before, and that it has just ended.

        The second is conditional on the trouble, the third on no trouble.
        """
        hours = seconds / HOUR_S
        share = _SETTLED + (self.share - _SETTLED) * math.exp(-(_ONSET + _RECOVERY) * hours)
        lasts = self.share * math.exp(-_RECOVERY * hours)
        # Trouble that ended long ago no longer counts as just ended.
        left = min((self.share - lasts) / (1 - share), 1.0) * math.exp(-hours)
        return share, min(lasts / share, 1.0), left

    def after(self, share: float, keep: float, *, good: bool, late: bool) -> PersistentTrouble:
        """After one more sample, which made the probability `share`; `keep` as returned by `aged`."""
        failed = not (good or late)
        if share < _UNLIKELY:
            keep = 0.0
        elif keep < 1:  # the sample changes the probability that the trouble began before
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
    """A probability within its bounds."""
    return min(max(share, _LEAST), _MOST)


NEWCOMER: Final = PersistentTrouble()
"""Before the first sample: one endpoint in seven was never up."""
