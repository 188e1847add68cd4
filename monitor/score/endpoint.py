"""The state of one endpoint: window counts, recent latency, health. Pure; updated sample by sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.incident import Cause
from monitor.domain.status import Status
from monitor.score.baseline import Baselines, is_anomalous
from monitor.score.blame import BlameOverrides, blame_of
from monitor.score.health import (
    Assessment,
    Health,
    JudgedStatus,
    Observation,
    assess,
    bounded,
    in_doubt,
    judged_status,
)
from monitor.score.incidents import IncidentTracker, add_evidence, bounded_tracker, update
from monitor.score.latency import RecentLatency
from monitor.score.outcomes import NOTHING, Counts, SampleOutcome, outcome
from monitor.score.probe_interval import IntervalLimits, next_probe
from monitor.score.provider import ProviderState
from monitor.score.sampling import Sampler
from monitor.score.task_errors import ERROR_RATIO_TASKS, TaskErrors
from monitor.score.windows import DAY, Ledger, Window
from monitor.traffic.calls import Call
from probes._model import ErrorClass, Sample, Task

_BASELINES_LAST = timedelta(hours=2)
"""After the start of their hour: the next baselines may be late."""
_LATE = timedelta(minutes=2)
"""Traffic that began this long before the newest sample counts in uptime but does not change the health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringParams:
    """How an endpoint is scored."""

    limits: IntervalLimits
    """The limits of its probe interval."""
    stale_s: float
    """How long a sample is valid."""
    task: Task
    """The task whose times and speeds are published."""
    only_reach: bool
    """Whether no probe asks for tokens."""
    count_wrong_answers: bool
    blame_overrides: BlameOverrides
    """Error classes whose blame differs from the published table."""
    ttft_slo_s: float | None = None
    """The SLO of real traffic."""


class EndpointState:
    """One endpoint in memory: restored from the store at start, then updated with every new sample.

    A new sample is judged at once. Readers see its effect after `show`, when the sample is stored.
    """

    __slots__ = (
        "_unshown",
        "_unshown_calls",
        "baselines",
        "endpoint",
        "first_seen",
        "health",
        "is_paused",
        "latency",
        "ledger",
        "params",
        "provider",
        "sampler",
        "shown",
        "switched_at",
        "task_errors",
        "tracker",
        "traffic",
    )

    def __init__(
        self, endpoint: str, params: ScoringParams, provider: ProviderState[EndpointState], now: datetime
    ) -> None:
        self.endpoint = endpoint
        self.params = params
        self.provider = provider
        provider.join(self)
        self.health = Health(since=now)
        self.shown = self.health
        """As published."""
        self.tracker = IncidentTracker()
        self.first_seen: datetime | None = None
        self.is_paused = False
        self.switched_at: datetime | None = None
        """When it was last paused or resumed; None: never since the daemon started."""
        self.baselines: Baselines | None = None
        """For this hour, if there are enough samples."""
        self.ledger = Ledger()
        """Window counts of probes."""
        self.traffic = Ledger()
        self.sampler = Sampler()
        self.latency = RecentLatency(params.task)
        self.task_errors = {task: TaskErrors() for task in ERROR_RATIO_TASKS}
        self._unshown: list[tuple[Sample, SampleOutcome]] = []
        self._unshown_calls: Counter[tuple[datetime, SampleOutcome]] = Counter()

    def apply(self, params: ScoringParams, provider: ProviderState[EndpointState]) -> None:
        """Use other scoring parameters from now on. If the task differs, times and speeds start without samples."""
        if params.task is not self.params.task:
            self.latency = RecentLatency(params.task)
            self.baselines = None
        self.params = params
        self.provider = provider
        provider.join(self)

    def pause(self, now: datetime, *, is_paused: bool) -> None:
        """Pause or resume it. At the daemon's start a paused endpoint counts as paused just then."""
        if is_paused is not self.is_paused:
            self.is_paused, self.switched_at = is_paused, now

    def outcome(self, error: ErrorClass | None) -> SampleOutcome:
        """The outcome of a sample with this error."""
        blame = None if error is None else blame_of(error, self.params.blame_overrides)
        return outcome(error, blame, count_wrong_answers=self.params.count_wrong_answers)

    def absorb(self, sample: Sample, *, within_slo: bool) -> None:
        """Judge a new sample."""
        outcome = self.outcome(sample.error)
        self._unshown.append((sample, outcome))
        seen = Observation(
            at=sample.started_at,
            outcome=outcome,
            within_slo=within_slo,
            anomalous=self._is_anomalous(sample),
            reach=sample.task is Task.REACH and not self.params.only_reach,
            error=sample.error,
            status_code=sample.status_code,
        )
        self.see(seen)

    def count(self, calls: Iterable[Call]) -> list[Observation]:
        """Count real traffic; returns the observations that are to update the health, in order."""
        judged = [self._observed(call) for call in calls]
        self._unshown_calls.update((seen.at.replace(microsecond=0), seen.outcome) for seen in judged)
        measured_at = self.health.measured_at
        return self.sampler.select(seen for seen in judged if measured_at is None or seen.at >= measured_at - _LATE)

    def _observed(self, call: Call) -> Observation:
        slo_s = self.params.ttft_slo_s
        return Observation(
            at=call.at,
            outcome=self.outcome(call.error),
            within_slo=slo_s is None or call.ttft_s is None or call.ttft_s <= slo_s,
            error=call.error,
            status_code=call.status_code,
        )

    def see(self, seen: Observation) -> None:
        """Update health and incident with an observation."""
        self.health = self.provider.absorb(self.health, seen)
        cause = _cause(seen)
        if cause is not None:
            self.tracker = add_evidence(self.tracker, self.endpoint, cause, seen.at)
        self._rule(seen.at)

    def show(self) -> None:
        """Publish everything that was judged so far."""
        for sample, counted_as in self._unshown:
            self.ledger.add(sample.started_at, counted_as)
            self.latency.add(sample, counted_as)
            self._count_task_error(sample.task, sample.started_at, sample.error, counted_as)
            self.first_seen = min(self.first_seen or sample.started_at, sample.started_at)
        for (second, counted_as), count in self._unshown_calls.items():
            self.traffic.add(second, counted_as, count)
        self._unshown, self._unshown_calls = [], Counter()
        self.shown = self.health
        self.provider.show()

    def counts(self, now: datetime) -> Iterator[tuple[Window, Counts, Counts]]:
        """Each window with its counts and the part of them that is real traffic; the shortest window first."""
        for (window, probes), (_, real) in zip(self.ledger.counts(now), self.traffic.counts(now), strict=True):
            yield window, probes if real is NOTHING else probes + real, real

    def settle(self, at: datetime) -> bool:
        """Update the status after the provider's belief changed; True: the status changed."""
        before = self.health
        self.health = self.provider.settle(before, at)
        if self.health is before:
            return False
        self._rule(at)
        return True

    def is_behind(self, fallen: EndpointState) -> bool:
        """Whether its newest sample is older than the incident of another endpoint, so that it may be down, too."""
        measured_at, incident = self.health.measured_at, fallen.tracker.incident
        return measured_at is not None and incident is not None and measured_at < incident.began_at

    def bound(self, now: datetime) -> None:
        """Limit all times to `now` after the clock was set back. Counts with later times are dropped."""
        health = bounded(self.health, now)
        if health is self.health:
            return
        self.health, self.shown = health, bounded(self.shown, now)
        self.provider.bound(now)
        self.tracker = bounded_tracker(self.tracker, now)
        self.sampler = Sampler()
        self.latency.forget_after(now)
        self.ledger.forget_after(now)
        self.traffic.forget_after(now)
        for task_errors in self.task_errors.values():
            task_errors.forget_after(now)

    def take_counts(self, fresh: EndpointState) -> None:
        """Take over the counts and latencies of another state of the same endpoint."""
        self.ledger, self.traffic, self.task_errors = fresh.ledger, fresh.traffic, fresh.task_errors
        self.latency, self.first_seen = fresh.latency, fresh.first_seen

    def assess(self, now: datetime) -> Assessment:
        """Status and score at `now`."""
        return assess(self.shown, self.provider.shown, now, stale_s=self.params.stale_s)

    def judged_status(self, now: datetime) -> JudgedStatus:
        """The status at `now`, without the score, which takes longer to compute."""
        return judged_status(self.shown, now, stale_s=self.params.stale_s)

    def next_probe(self) -> datetime | None:
        """When the next probe is due; None: there is no sample yet."""
        return next_probe(self.health, self.params.limits)

    def restore(self, sample: Sample) -> None:
        """Restore the latency of a stored sample. Health and counts are restored separately."""
        self.latency.add(sample, self.outcome(sample.error))

    def restore_counts(self, bucket_s: int, at: datetime, *, task: Task, error: ErrorClass | None, count: int) -> None:
        """Restore stored counts in buckets of `bucket_s`, for the windows that count by it."""
        outcome = self.outcome(error)
        self.ledger.restore(bucket_s, at, outcome, count)
        if bucket_s == DAY.bucket_s:
            self._count_task_error(task, at, error, outcome, count)

    def restore_traffic(self, bucket_s: int, at: datetime, error: ErrorClass | None, count: int) -> None:
        """Restore stored counts of real traffic, for the windows that count by `bucket_s`."""
        self.traffic.restore(bucket_s, at, self.outcome(error), count)

    def _count_task_error(
        self, task: Task, at: datetime, error: ErrorClass | None, outcome: SampleOutcome, count: int = 1
    ) -> None:
        if task in self.task_errors:
            self.task_errors[task].add(at, error, outcome, count)

    def _is_anomalous(self, sample: Sample) -> bool:
        """Whether a sample is far from its baseline; an outdated baseline does not count."""
        baselines = self.baselines
        return (
            baselines is not None
            and sample.started_at - baselines.hour < _BASELINES_LAST
            and is_anomalous(baselines, sample)
        )

    def _rule(self, at: datetime) -> None:
        if self.health.status is Status.UP and self.tracker.incident is None:
            return
        cleared = not in_doubt(self.health, self.provider.belief, at)
        self.tracker = update(self.tracker, self.endpoint, self.health.status, at, cleared=cleared)


def _cause(seen: Observation) -> ErrorClass | Cause | None:
    """The cause that an observation adds to an incident; None: it adds none."""
    match seen.outcome:
        case SampleOutcome.FAILED:
            return seen.error
        case SampleOutcome.OK if not seen.within_slo:
            return Cause.SLO
        case SampleOutcome.OK if seen.anomalous:
            return Cause.HABIT
        case _:
            return None
