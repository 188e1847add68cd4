"""Calibration of published probabilities: Brier score, skill, and ten bins. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BINS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """The predictions in one tenth of the range 0..1."""

    count: int
    figure: float | None
    """The mean of the predictions; None: there were none."""
    observed: float | None
    """The share that came true."""


class Calibration:
    """Collects predictions (0..1) and their outcomes."""

    __slots__ = ("_counts", "_figures", "_good", "_squares")

    def __init__(self) -> None:
        self._squares = 0.0
        self._counts, self._good, self._figures = [0] * BINS, [0] * BINS, [0.0] * BINS

    def add(self, figure: float, *, good: bool) -> None:
        """Add a prediction, and whether it came true."""
        self._squares += (figure - good) ** 2
        place = min(int(figure * BINS), BINS - 1)
        self._counts[place] += 1
        self._good[place] += good
        self._figures[place] += figure

    @property
    def count(self) -> int:
        """The number of predictions."""
        return sum(self._counts)

    @property
    def share(self) -> float | None:
        """The share that came true; None: there were no predictions."""
        return sum(self._good) / self.count if self.count else None

    @property
    def brier(self) -> float | None:
        """The mean squared error; None: there were no predictions."""
        return self._squares / self.count if self.count else None

    @property
    def skill(self) -> float | None:
        """1 minus the ratio of the error to that of the best constant prediction; None: that one has no error."""
        share, brier = self.share, self.brier
        if share is None or brier is None or share in {0.0, 1.0}:
            return None
        return 1 - brier / (share * (1 - share))

    @property
    def bins(self) -> tuple[CalibrationBin, ...]:
        """Ten bins from 0 to 1; a prediction of 1 is in the last bin."""
        return tuple(
            CalibrationBin(
                count=count,
                figure=figures / count if count else None,
                observed=good / count if count else None,
            )
            for count, figures, good in zip(self._counts, self._figures, self._good, strict=True)
        )
