"""What is usual of an endpoint while it is well: its background of failures and of missed SLOs. Pure.

An absolute standard says what may be called well. What is worse is never usual, however long it has been so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DEFAULT_FAILS, _DEFAULT_MISSES, DEFAULT_WEIGHT = 0.004, 0.01, 60.0
"""What an endpoint that is well is taken for before it has shown itself, and how many samples that is worth."""
_MOST_FAILS, _MOST_MISSES = 0.1, 0.25
"""An endpoint that fails or misses its SLO more often than so is not well, whatever it has always been like."""
_HALF_LIFE_S: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRates:
    """Weights of what an endpoint's samples showed while it was well; old ones fade."""

    fails: float = _DEFAULT_FAILS * DEFAULT_WEIGHT
    misses: float = _DEFAULT_MISSES * DEFAULT_WEIGHT
    all: float = DEFAULT_WEIGHT

    @property
    def fail_share(self) -> float:
        """How often a request fails."""
        return self.fails / self.all

    @property
    def miss_share(self) -> float:
        """How often one that succeeds misses the SLO."""
        return self.misses / max(self.all - self.fails, 1.0)

    @property
    def good_share(self) -> float:
        """How often it succeeds within the SLO."""
        return (1 - self.fail_share) * (1 - self.miss_share)

    def faded(self, seconds: float) -> BaseRates:
        """The same so many seconds later."""
        keep = 0.5 ** (seconds / _HALF_LIFE_S)
        return BaseRates(
            fails=DEFAULT_RATES.fails + (self.fails - DEFAULT_RATES.fails) * keep,
            misses=DEFAULT_RATES.misses + (self.misses - DEFAULT_RATES.misses) * keep,
            all=DEFAULT_RATES.all + (self.all - DEFAULT_RATES.all) * keep,
        )

    def with_sample(self, weight: float, *, failed: bool, late: bool) -> BaseRates:
        """The same with one sample more; no more failures and misses count than an endpoint that is well may have."""
        every = self.all + weight
        fails, misses = self.fails, self.misses
        if late:
            misses = min(misses + weight, _MOST_MISSES * every)
        elif failed:
            fails = min(fails + weight, _MOST_FAILS * every)
        return BaseRates(fails=fails, misses=misses, all=every)

    def held(self) -> BaseRates:
        """The same, or what may be usual of an endpoint that is well if it is more than that."""
        fails, misses = min(self.fails, _MOST_FAILS * self.all), min(self.misses, _MOST_MISSES * self.all)
        if fails == self.fails and misses == self.misses:
            return self
        return BaseRates(fails=fails, misses=misses, all=self.all)


DEFAULT_RATES: Final = BaseRates()
"""Before an endpoint has shown itself."""
