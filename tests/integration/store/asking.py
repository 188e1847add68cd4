"""All queries of a store as comparable values: two stores with the same data give the same values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.incident import Incident
from monitor.store import Bucket, PageKey, Retention, RollupTier, Store
from monitor.store.rollup import FIGURES
from probes._model import Sample, Task

EVER = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2200, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOREVER = Retention(raw=timedelta(days=36500), hourly=timedelta(days=36500), daily=timedelta(days=36500))
SHARES = (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)


async def settle(store: Store, now: datetime, retention: Retention = FOREVER) -> None:
    """Run housekeeping until nothing is left to do."""
    while await store.upkeep(now, retention):
        pass


async def pages(
    store: Store, endpoint: str, limit: int, since: datetime = EVER, task: Task | None = None
) -> list[Sample]:
    """All samples of an endpoint, or those of one task, page by page."""
    found: list[Sample] = []
    before = None
    while portion := await store.page(endpoint, since=since, before=before, limit=limit, task=task):
        assert len(portion) <= limit
        found += portion
        before = PageKey(at=portion[-1].started_at, id=portion[-1].id)
    return found


async def incident_pages(store: Store, endpoint: str | None, limit: int, since: datetime = EVER) -> list[Incident]:
    """All incidents of an endpoint, or of all of them, page by page."""
    found: list[Incident] = []
    before = None
    while portion := await store.incidents(endpoint=endpoint, since=since, before=before, limit=limit):
        assert len(portion) <= limit
        found += portion
        before = PageKey(at=portion[-1].began_at, id=portion[-1].id)
    return found


async def buckets(store: Store, endpoint: str, tier: RollupTier = RollupTier.HOUR) -> list[Bucket]:
    return await store.rollups(endpoint, tier, EVER, END, FIGURES)


def shown(bucket: Bucket) -> tuple[Any, ...]:
    """A bucket as a value that compares."""
    rollup = bucket.rollup
    tokens = (rollup.prompt_tokens, rollup.output_tokens, rollup.reasoning_tokens)
    # To nine digits: a sketch that was stored and read back rounds its bins' bounds a little otherwise.
    quantiles = {name: [f"{value:.9g}" for value in rollup.quantiles(name, SHARES)] for name in rollup.sketches}
    return (bucket.task, bucket.vantage, bucket.start, rollup.counts, tokens, round(rollup.cost_usd, 9), quantiles)


async def spent_since(store: Store, since: datetime) -> dict[str, tuple[int, float]]:
    """What samples cost, to nine digits: sums depend on their order."""
    return {name: (spent.tokens, round(spent.cost_usd, 9)) for name, spent in (await store.spent(since)).items()}


async def answers(store: Store, endpoints: Sequence[str], now: datetime) -> dict[str, Any]:
    """Every answer that a store gives; what it says of itself is left out."""
    found: dict[str, Any] = {
        "samples": await store.samples(EVER),
        "newest": await store.samples(now - timedelta(hours=7, minutes=13)),
        "a span": await store.samples(now - timedelta(hours=40, minutes=7), now - timedelta(hours=3, minutes=11)),
        "an hour": await store.samples(now - timedelta(hours=31), now - timedelta(hours=30)),
        "spent": await spent_since(store, now - timedelta(hours=24)),
        "first": await store.first_seen(),
        "states": await store.states(),
        "incidents": await incident_pages(store, None, 4),
        "newest incidents": await incident_pages(store, None, 4, now - timedelta(hours=40)),
        "open incidents": await store.open_incidents(),
        "activity": await store.activity(EVER.date()),
        "newest activity": await store.activity(now.date() - timedelta(days=1), endpoints[:2]),
        "keys": sorted(keys for _, keys in await store.counted_keys(EVER)),
    }
    for span_s in (10, 300, 3_600, 86_400):
        found[f"traffic by {span_s}"] = await store.traffic(EVER, span_s)
        found[f"newest traffic by {span_s}"] = await store.traffic(now - timedelta(hours=1), span_s)
    for length, since in ((60, EVER), (3_600, now - timedelta(hours=30)), (86_400, EVER)):
        found[f"tallies of {length} since {since}"] = Counter(await store.tallies(since, length))
    for name in endpoints:
        found[f"pages of {name}"] = await pages(store, name, 13)
        found[f"pages of tool calls of {name}"] = await pages(store, name, 13, task=Task.TOOL_CALL)
        found[f"newest page of {name}"] = await store.page(name, since=now - timedelta(hours=5), before=None, limit=3)
        found[f"points of {name}"] = await store.points(name, Task.CHAT, "ttft_s", now - timedelta(hours=40), now)
        found[f"incidents of {name}"] = await incident_pages(store, name, 4)
        found[f"newest incidents of {name}"] = await incident_pages(store, name, 4, now - timedelta(hours=40))
        apart = [now.replace(minute=0, second=0, microsecond=0) - hours * HOUR for hours in (1, 2, 24, 30, 72)]
        found[f"hours of {name}"] = [shown(bucket) for bucket in await store.hours(name, Task.CHAT, apart, FIGURES)]
        for tier in RollupTier:
            found[f"{tier} of {name}"] = [shown(bucket) for bucket in await buckets(store, name, tier)]
    return found
