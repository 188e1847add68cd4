"""How often a task that must be answered in a given form went wrong in the last day. Pure."""

from __future__ import annotations

from datetime import datetime

from monitor.score.outcomes import SampleOutcome
from monitor.score.windows import DAY, SlidingCounts
from probes._model import ErrorClass, Task

ERROR_RATIO_TASKS = (Task.TOOL_CALL, Task.STRUCTURED_OUTPUT)
"""The tasks whose error ratios are published."""


class TaskErrors:
    """One task's counted samples of the last day. A wrong answer is an error here, whatever else it counts as."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = SlidingCounts(DAY)

    def add(self, at: datetime, error: ErrorClass | None, outcome: SampleOutcome, count: int = 1) -> None:
        """Count samples that started at `at` and count as `outcome` elsewhere."""
        self._counts.add(at, SampleOutcome.FAILED if error is ErrorClass.WRONG_ANSWER else outcome, count)

    def forget_after(self, now: datetime) -> None:
        """What is dated later than now is not counted any more."""
        self._counts.forget_after(now)

    def ratio(self, now: datetime) -> float | None:
        """The share of failures, 0..1; None without a counted sample."""
        counts = self._counts.counts(now)
        return counts.failed / counts.counted if counts.counted else None
