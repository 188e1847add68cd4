"""What is usual of an endpoint while it is well: its background of failures and of missed SLOs. Pure.

An absolute standard says what may be called well. What is worse is never usual, however long it has been so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_USUAL_FAILS, _USUAL_MISSES, USUAL_WEIGHT = 0.004, 0.01, 60.0
"""What an endpoint that is well is taken for before it has shown itself, and how many samples that is worth."""
_MOST_FAILS, _MOST_MISSES = 0.1, 0.25
"""An endpoint that fails or misses its SLO more often than so is not well, whatever it has always been like."""
_USUAL_HALF_LIFE_S: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Weights of what an endpoint's samples showed while it was well; old ones fade."""

    fails: float = _USUAL_FAILS * USUAL_WEIGHT
    misses: float = _USUAL_MISSES * USUAL_WEIGHT
    all: float = USUAL_WEIGHT

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

    def faded(self, seconds: float) -> Usual:
        """The same so many seconds later."""
        keep = 0.5 ** (seconds / _USUAL_HALF_LIFE_S)
        return Usual(
            fails=USUAL.fails + (self.fails - USUAL.fails) * keep,
            misses=USUAL.misses + (self.misses - USUAL.misses) * keep,
            all=USUAL.all + (self.all - USUAL.all) * keep,
        )

    def with_sample(self, weight: float, *, failed: bool, late: bool) -> Usual:
        """The same with one sample more; no more failures and misses count than an endpoint that is well may have."""
        every = self.all + weight
        fails, misses = self.fails, self.misses
        if late:
            misses = min(misses + weight, _MOST_MISSES * every)
        elif failed:
            fails = min(fails + weight, _MOST_FAILS * every)
        return Usual(fails=fails, misses=misses, all=every)

    def held(self) -> Usual:
        """The same, or what may be usual of an endpoint that is well if it is more than that."""
        fails, misses = min(self.fails, _MOST_FAILS * self.all), min(self.misses, _MOST_MISSES * self.all)
        if fails == self.fails and misses == self.misses:
            return self
        return Usual(fails=fails, misses=misses, all=self.all)


USUAL: Final = Usual()
"""Before an endpoint has shown itself."""
