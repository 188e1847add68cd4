"""How near published figures came to what then happened: Brier score, skill, and ten bins of calibration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BINS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """The judgements whose figure was between one tenth and the next."""

    count: int
    figure: float | None
    """The mean of the figures; None: there were none."""
    observed: float | None
    """The share of them that came true."""


class Calibration:
    """Weighs figures (0..1) against what came of them, one by one."""

    __slots__ = ("_counts", "_figures", "_good", "_squares")

    def __init__(self) -> None:
        self._squares = 0.0
        self._counts, self._good, self._figures = [0] * BINS, [0] * BINS, [0.0] * BINS

    def add(self, figure: float, *, good: bool) -> None:
        """One figure, and whether it came true."""
        self._squares += (figure - good) ** 2
        place = min(int(figure * BINS), BINS - 1)
        self._counts[place] += 1
        self._good[place] += good
        self._figures[place] += figure

    @property
    def count(self) -> int:
        """How many were weighed."""
        return sum(self._counts)

    @property
    def share(self) -> float | None:
        """How many of them came true; None: there were none."""
        return sum(self._good) / self.count if self.count else None

    @property
    def brier(self) -> float | None:
        """The mean squared error; None: there were none."""
        return self._squares / self.count if self.count else None

    @property
    def skill(self) -> float | None:
        """The share that is saved of the error of saying the same all the time, at its best; None: that has none."""
        share, brier = self.share, self.brier
        if share is None or brier is None or share in {0.0, 1.0}:
            return None
        return 1 - brier / (share * (1 - share))

    @property
    def bins(self) -> tuple[CalibrationBin, ...]:
        """Ten, from 0 to 1; a figure of 1 is in the last."""
        return tuple(
            CalibrationBin(
                count=count,
                figure=figures / count if count else None,
                observed=good / count if count else None,
            )
            for count, figures, good in zip(self._counts, self._figures, self._good, strict=True)
        )
