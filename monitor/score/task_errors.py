"""Error ratios of tasks with a required output form, over the last day. Pure."""

from __future__ import annotations

from datetime import datetime

from monitor.score.outcomes import Counts, SampleOutcome
from monitor.score.windows import DAY, SlidingCounts
from probes._model import ErrorClass, Task

ERROR_RATIO_TASKS = (Task.TOOL_CALL, Task.STRUCTURED_OUTPUT)
"""The tasks whose error ratios are published."""


class TaskErrors:
    """One task's counted samples of the last day. A wrong answer is always an error here."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = SlidingCounts(DAY)

    def add(self, at: datetime, error: ErrorClass | None, outcome: SampleOutcome, count: int = 1) -> None:
        """Count samples that started at `at` with this outcome."""
        self._counts.add(at, SampleOutcome.FAILED if error is ErrorClass.WRONG_ANSWER else outcome, count)

    def forget_after(self, now: datetime) -> None:
        """Drop samples later than `now`."""
        self._counts.forget_after(now)

    def counts(self, now: datetime) -> Counts:
        """The counts of the last day."""
        return self._counts.counts(now)

    def ratio(self, now: datetime) -> float | None:
        """The error ratio of the last day."""
        return error_ratio(self.counts(now))


def error_ratio(counts: Counts) -> float | None:
    """The share of failures, 0..1; None without a counted sample."""
    return counts.failed / counts.counted if counts.counted else None
