"""Runs `providerwatch backtest`: reads stored samples hour by hour and replays them to policies. It writes nothing.

Every slice is read in a transaction of its own, so that a daemon on the same store does not wait.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from monitor.backtest.policies import CountedSample
from monitor.backtest.replay import Replay, ReplayMember, Report
from monitor.config.model import Config, EndpointSpec, ProbeSpec
from monitor.domain.epoch import EPOCH
from monitor.domain.spelling import id_hint
from monitor.scheduler.jobs import Job, all_jobs, confirming_probe, tick_at
from monitor.score.blame import blame_of
from monitor.score.health import Observation
from monitor.score.outcomes import outcome
from monitor.scoreboard.scoring import scoring_params, within_slo
from monitor.store import Store, StoreError
from probes._model import ErrorClass, Sample, Task

_SLICE: Final = timedelta(hours=1)
"""A slice is an hour, as blocks in the store are."""


class BacktestMisuseError(Exception):
    """An unknown endpoint; the message lists the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """The samples and the policies of a backtest."""

    since: datetime
    until: datetime
    ids: Sequence[str] = ()
    """Endpoint ids; empty: all configured endpoints."""
    policies: Sequence[str]


@dataclass(slots=True, kw_only=True)
class SampleCost:
    """The total cost of samples, as far as it is known."""

    samples: int = 0
    tokens: int = 0
    usd: float = 0.0

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        self.samples += 1
        self.tokens += (sample.prompt_tokens or 0) + (sample.output_tokens or 0)
        self.usd += sample.cost_usd or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayCost:
    """The cost of the replayed samples; the same for all policies."""

    all: SampleCost = field(default_factory=SampleCost)
    beside: SampleCost = field(default_factory=SampleCost)
    """The part of probes between ticks, which confirm a surprise."""
    unplanned: SampleCost = field(default_factory=SampleCost)
    """The part of probes that are no longer configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The result of a backtest."""

    since: datetime
    until: datetime
    endpoints: int
    bill: ReplayCost
    report: Report


async def backtest(
    store: Store, config: Config, wanted: BacktestRequest, progress: Callable[[datetime, int], None] = lambda *_: None
) -> Backtest:
    """Replay the samples that began in [since, until) to each policy.

    `progress` gets the end of each replayed slice and the number of samples so far. Raises BacktestMisuseError or
    UnknownPolicyError before anything is read, and StoreError, also when there are no samples.
    """
    history = _History(config, _chosen(config, wanted.ids))
    replay = Replay(history.members, wanted.policies)
    try:
        (await store.schema()).check_readable()
        begin = await _begin(store, history, wanted.since)
        async for end, samples in _slices(store, begin, wanted.until):
            replay.feed(history.counted(samples), end.timestamp())
            progress(end, history.bill.all.samples)
    finally:
        await store.close()
    if not history.bill.all.samples:
        raise StoreError(f"contains no samples of {_whose(wanted.ids)} since {wanted.since:%Y-%m-%d %H:%M} UTC")
    judged = sum(member.judged for member in history.members.values())
    return Backtest(since=wanted.since, until=wanted.until, endpoints=judged, bill=history.bill, report=replay.report())


def _chosen(config: Config, ids: Sequence[str]) -> frozenset[str]:
    known = {spec.endpoint.id for spec in config.endpoints}
    for name in ids:
        if name not in known:
            raise BacktestMisuseError(f"no endpoint has the id {name!r}{id_hint(name, known)}")
    return frozenset(ids or known)


def _whose(ids: Sequence[str]) -> str:
    return ", ".join(ids) if ids else "the endpoints that are configured"


async def _begin(store: Store, history: _History, since: datetime) -> datetime:
    """The start of the replay, not before the first sample: empty years are skipped."""
    first_seen = (await store.first_seen()).items()
    first = min((at for name, at in first_seen if history.name_of(name) in history.members), default=since)
    return max(since, first)


async def _slices(store: Store, since: datetime, until: datetime) -> AsyncIterator[tuple[datetime, list[Sample]]]:
    """The samples of each slice, with the end of the slice."""
    while since < until:
        end = min(since - (since - EPOCH) % _SLICE + _SLICE, until)
        yield end, await store.samples(since, end)
        since = end


class _History:
    """Interprets stored samples by the present configuration."""

    def __init__(self, config: Config, chosen: frozenset[str]) -> None:
        providers = {spec.endpoint.provider for spec in config.endpoints if spec.endpoint.id in chosen}
        specs = [spec for spec in config.endpoints if spec.endpoint.provider in providers]
        self.bill = ReplayCost()
        self.members = {
            spec.endpoint.id: ReplayMember(
                provider=spec.endpoint.provider,
                stale_s=scoring_params(config, spec).stale_s,
                judged=spec.endpoint.id in chosen,
            )
            for spec in specs
        }
        self._config = config
        self._names = {alias: spec.endpoint.id for spec in specs for alias in spec.aliases}
        self._only_reach = {spec.endpoint.id for spec in specs if _only_reach(config, spec)}
        self._jobs: dict[tuple[str, str], Job] = {
            (job.spec.endpoint.id, job.probe.name): job for job in all_jobs(config)
        }

    def name_of(self, endpoint: str) -> str:
        """The present id of an endpoint; its samples may be stored under an alias."""
        return self._names.get(endpoint, endpoint)

    def counted(self, samples: Iterable[Sample]) -> list[CountedSample]:
        """The counted samples; the cost includes all samples."""
        found = []
        for sample in samples:
            endpoint = self.name_of(sample.endpoint)
            if endpoint not in self.members:
                continue
            if self.members[endpoint].judged:
                self._charge(endpoint, sample)
            counted = self._counted(endpoint, sample)
            if counted.seen.outcome.counted:
                found.append(counted)
        return found

    def _counted(self, endpoint: str, sample: Sample) -> CountedSample:
        scoring, probe = self._config.scoring, self._config.probes.get(sample.probe)
        blame = None if sample.error is None else blame_of(sample.error, scoring.blame)
        seen = Observation(
            at=sample.started_at,
            outcome=outcome(sample.error, blame, count_wrong_answers=scoring.count_wrong_answers),
            within_slo=within_slo(sample, probe),
            reach=sample.task is Task.REACH and endpoint not in self._only_reach,
            error=sample.error,
        )
        return CountedSample(
            id=sample.id,
            endpoint=endpoint,
            known_s=sample.started_at.timestamp() + _lasted_s(sample, probe),
            seen=seen,
        )

    def _charge(self, endpoint: str, sample: Sample) -> None:
        self.bill.all.add(sample)
        job = self._jobs.get((endpoint, sample.probe))
        if job is None:
            self.bill.unplanned.add(sample)
        elif tick_at(job, sample.scheduled_at) != sample.scheduled_at:
            self.bill.beside.add(sample)


def _only_reach(config: Config, spec: EndpointSpec) -> bool:
    return confirming_probe(config.probes[name] for name in spec.probes).task is Task.REACH


def _lasted_s(sample: Sample, probe: ProbeSpec | None) -> float:
    """From the start of a probe until its result was known. For failures that is estimated from the deadlines."""
    if sample.e2e_s is not None:
        return max(sample.e2e_s, 0.0)
    if probe is not None and sample.error is ErrorClass.TIMEOUT_TTFT:
        return probe.ttft_timeout_s
    if probe is not None and sample.error in {ErrorClass.TIMEOUT_TOTAL, ErrorClass.STALLED}:
        return probe.timeout_s
    return max(sample.headers_s or 0.0, sample.ttft_s or 0.0, sample.ttat_s or 0.0, 0.0)


def since_of(now: datetime, seconds: float) -> datetime:
    """The moment so long before `now`, but not before 1970."""
    return now - timedelta(seconds=min(seconds, (now - EPOCH).total_seconds()))
