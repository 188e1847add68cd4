"""Base rates of an endpoint: how often it fails and misses its SLO while it is up. Pure.

Base rates are capped. An endpoint that is worse than the cap is not up, however long it has been so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DEFAULT_FAILS, _DEFAULT_MISSES, DEFAULT_WEIGHT = 0.004, 0.01, 60.0
"""The prior base rates of an endpoint, and how many samples the prior counts for."""
_MOST_FAILS, _MOST_MISSES = 0.1, 0.25
"""The caps of failures and of missed SLOs."""
_HALF_LIFE_S: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRates:
    """Weights of an endpoint's samples while it was up; old ones fade."""

    fails: float = _DEFAULT_FAILS * DEFAULT_WEIGHT
    misses: float = _DEFAULT_MISSES * DEFAULT_WEIGHT
    all: float = DEFAULT_WEIGHT

    @property
    def fail_share(self) -> float:
        """Share of requests that fail."""
        return self.fails / self.all

    @property
    def miss_share(self) -> float:
        """Share of successful requests that miss the SLO."""
        return self.misses / max(self.all - self.fails, 1.0)

    @property
    def good_share(self) -> float:
        """Share of requests that succeed within the SLO."""
        return (1 - self.fail_share) * (1 - self.miss_share)

    def faded(self, seconds: float) -> BaseRates:
        """The base rates so many seconds later."""
        keep = 0.5 ** (seconds / _HALF_LIFE_S)
        return BaseRates(
            fails=DEFAULT_RATES.fails + (self.fails - DEFAULT_RATES.fails) * keep,
            misses=DEFAULT_RATES.misses + (self.misses - DEFAULT_RATES.misses) * keep,
            all=DEFAULT_RATES.all + (self.all - DEFAULT_RATES.all) * keep,
        )

    def with_sample(self, weight: float, *, failed: bool, late: bool) -> BaseRates:
        """The base rates after one more sample; failures and misses count up to their caps."""
        every = self.all + weight
        fails, misses = self.fails, self.misses
        if late:
            misses = min(misses + weight, _MOST_MISSES * every)
        elif failed:
            fails = min(fails + weight, _MOST_FAILS * every)
        return BaseRates(fails=fails, misses=misses, all=every)

    def held(self) -> BaseRates:
        """The base rates within their caps."""
        fails, misses = min(self.fails, _MOST_FAILS * self.all), min(self.misses, _MOST_MISSES * self.all)
        if fails == self.fails and misses == self.misses:
            return self
        return BaseRates(fails=fails, misses=misses, all=self.all)


DEFAULT_RATES: Final = BaseRates()
"""The prior."""
