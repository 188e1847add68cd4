"""Everything that is known of one endpoint: window counts, recent figures, health. Pure; fed sample by sample."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.score.answers import JUDGED, AnswerErrors
from monitor.score.blame import Moved, blame_of
from monitor.score.habit import Habits
from monitor.score.health import Health, Observation, advance, wants_confirmation
from monitor.score.outcomes import Outcome, outcome
from monitor.score.recent import Recent
from monitor.score.windows import DAY, Ledger
from probes._model import ErrorClass, Sample, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an endpoint is judged by."""

    interval_s: float
    """The shortest interval between its probes."""
    stale_s: float
    """How long a sample says something about now."""
    task: Task
    """Whose times and speeds are published."""
    count_wrong_answers: bool
    moved: Moved
    """The classes whose blame is another than the published table's."""


class Book:
    """One endpoint's record, in memory. Built from the store at start, then fed with every new sample."""

    __slots__ = ("answers", "first_seen", "habits", "health", "ledger", "recent", "terms")

    def __init__(self, terms: Terms, health: Health, first_seen: datetime | None) -> None:
        self.terms = terms
        self.health = health
        self.first_seen = first_seen
        self.ledger = Ledger()
        self.recent = Recent(terms.task)
        self.habits: Habits | None = None
        self.answers = {task: AnswerErrors() for task in JUDGED}

    def outcome(self, error: ErrorClass | None) -> Outcome:
        """What a sample with this error counts as here."""
        blame = None if error is None else blame_of(error, self.terms.moved)
        return outcome(error, blame, count_wrong_answers=self.terms.count_wrong_answers)

    def absorb(self, sample: Sample, *, within_slo: bool) -> bool:
        """Take a new sample in; True when one more probe at once would settle a doubt that it raised."""
        before = self.health
        outcome = self.outcome(sample.error)
        self.ledger.add(sample.started_at, outcome)
        self.recent.add(sample, outcome)
        self._judge(sample.task, sample.started_at, sample.error, outcome)
        self.first_seen = min(self.first_seen or sample.started_at, sample.started_at)
        seen = Observation(
            at=sample.started_at,
            outcome=outcome,
            within_slo=within_slo,
            error=sample.error,
            status_code=sample.status_code,
        )
        self.health = advance(before, seen, self.terms.interval_s)
        return wants_confirmation(before, self.health)

    def restore(self, sample: Sample) -> None:
        """Take in a stored sample of the last half hour; what it did to health and counts is restored by others."""
        self.recent.add(sample, self.outcome(sample.error))

    def restore_counts(self, bucket_s: int, at: datetime, *, task: Task, error: ErrorClass | None, count: int) -> None:
        """Take in stored counts, known to within `bucket_s`, for the windows that count that finely."""
        outcome = self.outcome(error)
        self.ledger.restore(bucket_s, at, outcome, count)
        if bucket_s == DAY.bucket_s:
            self._judge(task, at, error, outcome, count)

    def _judge(self, task: Task, at: datetime, error: ErrorClass | None, outcome: Outcome, count: int = 1) -> None:
        if task in self.answers:
            self.answers[task].add(at, error, outcome, count)
