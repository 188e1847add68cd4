"""A second implementation of `Store`, in memory: for tests that need no database, and to compare databases with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import attrgetter

from monitor.domain.epoch import EPOCH
from monitor.domain.incident import Incident
from monitor.domain.retention import Retention
from monitor.domain.stored_sample import StoredSample
from monitor.store import _traffic
from monitor.store._protocol import (
    Backlog,
    Bucket,
    Info,
    PageKey,
    Point,
    RollupTier,
    SampleTally,
    Schema,
    Size,
    Spent,
    StoreError,
    Times,
)
from monitor.store._tallies import Ended, tallied
from monitor.store._upkeep import tier_ends
from monitor.traffic.counted import Activity, Tokens, TrafficBatch, TrafficKey, TrafficTally, UsageKey
from monitor.traffic.known import REMEMBERED
from probes._model import Sample, Task
from tests.support.memory_rollups import Rolled, daily, floor, hourly, renamed, since_start, with_sketches
from tests.support.stored_values import incident_as_stored, sample_as_stored


class MemoryStore:
    """A `Store` in memory."""

    def __init__(self) -> None:
        self._samples: dict[str, StoredSample] = {}
        self._states: dict[str, str] = {}
        self._incidents: dict[str, Incident] = {}
        self._sinks: dict[str, int] = {}
        self._dropped: dict[str, int] = {}
        self._rolled: Rolled = {}
        self._days: Rolled = {}
        self._first: dict[str, datetime] = {}
        self._raw_since: datetime | None = None
        self._counted_from: datetime | None = None
        self._traffic: dict[int, dict[TrafficKey, int]] = {span_s: {} for span_s in _traffic.SPANS}
        self._activity: dict[UsageKey, Tokens] = {}
        self._batches: dict[str, TrafficBatch] = {}
        self._seq = 0

    async def claim(self) -> None:
        """See `Store.claim`. No other program can open this store."""

    async def open(self) -> None:
        """See `Store.open`."""

    async def schema(self) -> Schema:
        """See `Store.schema`."""
        return Schema(found="none", known="none")

    async def close(self) -> None:
        """See `Store.close`."""

    async def check_writable(self) -> None:
        """See `Store.check_writable`."""

    async def append(
        self,
        samples: Sequence[Sample],
        states: Mapping[str, str],
        incidents: Sequence[Incident] = (),
        traffic: TrafficBatch | None = None,
    ) -> int:
        """See `Store.append`."""
        await asyncio.sleep(0)
        try:
            kept = [sample_as_stored(sample) for sample in samples]
            put = {incident.id: incident_as_stored(incident) for incident in incidents}
        except ValueError as error:
            raise StoreError(f"memory: {error}") from error
        expired = {sample.id for sample in kept if self._raw_since is not None and sample.started_at < self._raw_since}
        for sample in kept:
            if sample.id in self._samples or sample.id in expired:
                continue
            self._seq += 1
            self._samples[sample.id] = StoredSample(seq=self._seq, sample=sample)
            first = self._first.get(sample.endpoint, sample.started_at)
            self._first[sample.endpoint] = min(first, sample.started_at)
        self._states |= states
        self._incidents |= put
        if traffic is not None and traffic.id not in self._batches:
            self._count(traffic)
        return sum(sample.id in expired for sample in kept)

    def _count(self, traffic: TrafficBatch) -> None:
        forgotten = traffic.at - 2 * REMEMBERED
        self._batches = {name: batch for name, batch in self._batches.items() if batch.at >= forgotten}
        self._batches[traffic.id] = traffic
        for (name, second, error), count in traffic.counts.items():
            for span_s, counts in self._traffic.items():
                key = (name, second // span_s * span_s, error)
                counts[key] = counts.get(key, 0) + count
        for use, tokens in traffic.activity.items():
            self._activity[use] = self._activity.get(use, Tokens()) + tokens

    async def traffic(self, since: datetime, span_s: int) -> list[TrafficTally]:
        """See `Store.traffic`."""
        found = [
            TrafficTally(endpoint=name, start=EPOCH + timedelta(seconds=second), error=error, count=count)
            for (name, second, error), count in self._traffic[span_s].items()
        ]
        later = (tally for tally in found if tally.start >= floor(since, span_s))
        return sorted(later, key=_traffic.order)

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: UsageKey | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """See `Store.activity`."""
        uses = sorted(self._activity, key=_newest_day_first)
        return [
            Activity(day=use[0], endpoint=use[1], app=use[2], tokens=self._activity[use])
            for use in uses
            if use[0] >= since
            and (endpoints is None or use[1] in endpoints)
            and (after is None or _newest_day_first(use) > _newest_day_first(after))
        ][:limit]

    async def counted_keys(self, since: datetime) -> list[tuple[datetime, Sequence[int]]]:
        """See `Store.counted_keys`."""
        found = sorted((batch for batch in self._batches.values() if batch.at >= since), key=attrgetter("at"))
        return [(batch.at, tuple(batch.keys)) for batch in found]

    async def states(self) -> dict[str, str]:
        """See `Store.states`."""
        return dict(self._states)

    async def open_incidents(self) -> list[Incident]:
        """See `Store.open_incidents`."""
        return sorted(
            (incident for incident in self._incidents.values() if incident.ended_at is None), key=_began, reverse=True
        )

    async def incidents(
        self, *, endpoint: str | None, since: datetime, before: PageKey | None, limit: int
    ) -> list[Incident]:
        """See `Store.incidents`."""
        placed = sorted(self._incidents.values(), key=_began, reverse=True)
        matching = (incident for incident in placed if endpoint in {None, incident.endpoint})
        ongoing = (incident for incident in matching if incident.ended_at is None or incident.ended_at >= since)
        return [incident for incident in ongoing if before is None or _began(incident) < before][:limit]

    async def first_seen(self) -> dict[str, datetime]:
        """See `Store.first_seen`."""
        return dict(self._first)

    async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
        """See `Store.samples`."""
        await asyncio.sleep(0)  # yields, as a database does
        later = (stored.sample for stored in self._samples.values() if stored.sample.started_at >= since)
        return [sample for sample in later if until is None or sample.started_at < until]

    async def tallies(self, since: datetime, bucket_s: int) -> list[SampleTally]:
        """See `Store.tallies`."""
        counted: Counter[Ended] = Counter()
        if bucket_s < RollupTier.HOUR.value:
            for sample in await self.samples(since):
                counted[floor(sample.started_at, bucket_s), sample.endpoint, sample.error or "", sample.task] += 1
        else:
            tier = RollupTier.HOUR if bucket_s % RollupTier.DAY.value else RollupTier.DAY
            begun = self._hours() if tier is RollupTier.HOUR else self._every_day()
            for (name, task, _, hour), rollup in begun.items():
                if hour >= floor(since, tier.value):
                    for ending, count in rollup.counts.items():
                        counted[floor(hour, bucket_s), name, ending.error or "", task] += count
        return tallied(counted)

    async def spent(self, since: datetime) -> dict[str, Spent]:
        """See `Store.spent`."""
        found: dict[str, Spent] = {}
        for sample in await self.samples(since):
            before = found.get(sample.endpoint, Spent(tokens=0, cost_usd=0.0))
            tokens = before.tokens + (sample.prompt_tokens or 0) + (sample.output_tokens or 0)
            found[sample.endpoint] = Spent(tokens=tokens, cost_usd=before.cost_usd + (sample.cost_usd or 0.0))
        return found

    async def page(
        self, endpoint: str, *, since: datetime, before: PageKey | None, limit: int, task: Task | None = None
    ) -> list[Sample]:
        """See `Store.page`."""
        matching = [
            sample
            for sample in await self.samples(since)
            if sample.endpoint == endpoint and task in {None, sample.task}
        ]
        placed = sorted(matching, key=_page_key, reverse=True)
        return [sample for sample in placed if before is None or _page_key(sample) < before][:limit]

    async def points(
        self, endpoint: str, task: Task | None, figure: str, since: datetime, until: datetime
    ) -> list[Point]:
        """See `Store.points`."""
        matching = [
            sample
            for sample in await self.samples(since)
            if sample.endpoint == endpoint and task in {None, sample.task}
        ]
        within = sorted((sample for sample in matching if sample.started_at < until), key=attrgetter("started_at"))
        return [Point(at=sample.started_at, error=sample.error, value=getattr(sample, figure)) for sample in within]

    async def rollups(
        self, endpoint: str, tier: RollupTier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.rollups`."""
        kept = self._hours() if tier is RollupTier.HOUR else self._every_day()
        matching = (
            (start, task, seen_from, rollup)
            for (name, task, seen_from, start), rollup in kept.items()
            if name == endpoint
        )
        found = sorted((row for row in matching if since <= row[0] < until), key=lambda row: row[:3])
        return [
            Bucket(task=task, vantage=vantage, start=start, rollup=with_sketches(rollup, figures))
            for start, task, vantage, rollup in found
        ]

    async def hours(
        self, endpoint: str, task: Task, starts: Collection[datetime], figures: Sequence[str]
    ) -> list[Bucket]:
        """See `Store.hours`."""
        if not starts:
            return []
        until = max(starts) + timedelta(seconds=RollupTier.HOUR.value)
        found = await self.rollups(endpoint, RollupTier.HOUR, min(starts), until, figures)
        return [bucket for bucket in found if bucket.task is task and bucket.start in starts]

    async def upkeep(self, now: datetime, retention: Retention) -> bool:
        """See `Store.upkeep`."""
        ends = tier_ends(now, retention)
        self._rolled, self._days = self._hours(), self._every_day()
        self._counted_from = retention.until or now
        raw = EPOCH + timedelta(hours=ends.raw)
        self._raw_since = max(raw, self._raw_since or raw)
        for stored in [stored for stored in self._samples.values() if stored.sample.started_at < self._raw_since]:
            del self._samples[stored.sample.id]
            for name, cursor in self._sinks.items():
                self._dropped[name] += stored.seq > cursor
        self._rolled = since_start(self._rolled, EPOCH + timedelta(hours=ends.hourly))
        daily = EPOCH + timedelta(days=ends.daily)
        self._days = since_start(self._days, daily)
        self._incidents = {
            name: incident
            for name, incident in self._incidents.items()
            if incident.ended_at is None or incident.ended_at >= daily
        }
        for span_s, kept in _traffic.SPANS.items():
            first = floor(self._counted_from - kept, span_s).timestamp()
            self._traffic[span_s] = {key: count for key, count in self._traffic[span_s].items() if key[1] >= first}
        self._activity = {use: tokens for use, tokens in self._activity.items() if use[0] >= daily.date()}
        return False

    async def times(self) -> Times:
        """See `Store.times`."""
        newest = max((stored.sample.started_at for stored in self._samples.values()), default=None)
        return Times(newest=newest, counted_from=self._counted_from, horizon=self._raw_since)

    async def lower_horizon(self, at: datetime) -> None:
        """See `Store.lower_horizon`."""
        if self._raw_since is not None and self._raw_since > at:
            self._raw_since = at

    async def rename(self, aliases: Mapping[str, str]) -> None:
        """See `Store.rename`."""
        for alias, name in aliases.items():
            self._rolled, self._days = (renamed(kept, alias, name) for kept in (self._rolled, self._days))
            for sample_id, stored in self._samples.items():
                if stored.sample.endpoint == alias:
                    self._samples[sample_id] = replace(stored, sample=replace(stored.sample, endpoint=name))
            if alias != name and alias in self._first:
                first = self._first.pop(alias)
                self._first[name] = min(first, self._first.get(name, first))
            for incident_id, incident in self._incidents.items():
                if incident.endpoint == alias:
                    self._incidents[incident_id] = replace(incident, endpoint=name)
            if alias != name and alias in self._states:
                self._states = {name: self._states[alias]} | self._states
                del self._states[alias]
            self._join_traffic(alias, name)

    def _join_traffic(self, alias: str, name: str) -> None:
        self._traffic = {span_s: _joined(counts, alias, name) for span_s, counts in self._traffic.items()}
        uses: dict[UsageKey, Tokens] = {}
        for (day, endpoint, app), tokens in self._activity.items():
            use = (day, name if endpoint == alias else endpoint, app)
            uses[use] = uses.get(use, Tokens()) + tokens
        self._activity = uses

    async def subscribe(self, sinks: Collection[str]) -> None:
        """See `Store.subscribe`."""
        self._sinks = {name: self._sinks.get(name, 0) for name in sinks}
        self._dropped = {name: self._dropped.get(name, 0) for name in sinks}

    async def waiting(self, sink: str, limit: int) -> list[StoredSample]:
        """See `Store.waiting`."""
        return [stored for stored in self._samples.values() if stored.seq > self._sinks.get(sink, 0)][:limit]

    async def delivered(self, sink: str, seq: int, set_aside: Mapping[str, str], at: datetime) -> None:
        """See `Store.delivered`."""
        self._sinks[sink] = max(self._sinks[sink], seq)

    async def backlogs(self) -> dict[str, Backlog]:
        """See `Store.backlogs`."""
        return {
            name: Backlog(waiting=len(await self.waiting(name, self._seq)), expired=self._dropped[name])
            for name in self._sinks
        }

    async def size(self) -> Size:
        """See `Store.size`."""
        return Size(total_bytes=0, free_bytes=0)

    async def info(self) -> Info:
        """See `Store.info`."""
        count = len(self._samples)
        return Info(
            place="memory",
            schema="none",
            size=await self.size(),
            rows={"sample": count, "incident": len(self._incidents)},
            samples=count,
            raw_since=self._raw_since,
            oldest=min((stored.sample.started_at for stored in self._samples.values()), default=None),
            sinks=await self.backlogs(),
        )

    def _hours(self) -> Rolled:
        return hourly(self._rolled, (stored.sample for stored in self._samples.values()))

    def _every_day(self) -> Rolled:
        return daily(self._days, self._hours())


def _joined(counts: dict[TrafficKey, int], alias: str, name: str) -> dict[TrafficKey, int]:
    found: dict[TrafficKey, int] = {}
    for (endpoint, second, error), count in counts.items():
        key = (name if endpoint == alias else endpoint, second, error)
        found[key] = found.get(key, 0) + count
    return found


def _newest_day_first(use: UsageKey) -> tuple[int, str, str]:
    return -use[0].toordinal(), use[1], use[2]


def _began(incident: Incident) -> PageKey:
    return PageKey(at=incident.began_at, id=incident.id)


def _page_key(sample: Sample) -> PageKey:
    return PageKey(at=sample.started_at, id=sample.id)
