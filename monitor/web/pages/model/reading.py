"""Reads the history of models from the store, renders its sections and keeps them.

The sections of 20 endpoints take longer than a page may. So they are kept: for half a minute as they are, and for a
quarter of an hour as long as newer ones are being read; the page says how old they are. One model is read at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.scoreboard.compression import PackedSection, packed_section
from monitor.store import Bucket, RollupTier, StoreError
from monitor.web.context import HistoryContext
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import (
    ACTIVE_DAYS,
    CHARTED,
    NOW,
    EndpointBuckets,
    ModelHistory,
    day_grid,
    endpoint_history,
    hour_grid,
)
from monitor.web.pages.model.performance import MOST_MARKS
from monitor.web.pages.model.query import ChartSpan, ChartWindow, ModelQuery
from monitor.web.pages.model.sections import HistorySections, history_sections
from monitor.web.pages.rendering import rendered

log = logging.getLogger(__name__)

_FRESH: Final = timedelta(seconds=30)
_KEPT: Final = timedelta(minutes=15)
_DEADLINE_S: Final = 5.0
_MOST_BYTES: Final = 16 << 20
_WAITING: Final = 8
"""Most reads that run or wait; for further models a page says that the store is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedHistory:
    """The sections of a history, ready to be sent."""

    read_at: datetime
    charts: PackedSection
    """Performance."""
    uptime: PackedSection
    activity: PackedSection
    """Activity and applications."""
    endpoints: tuple[ModelEndpoint, ...]
    """What they were made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuestion:
    """What distinguishes one history from another."""

    model: str
    window: ChartWindow
    zoom: tuple[datetime, datetime] | None
    is_public: bool
    """Whether strangers see it."""


class ModelHistories:
    """The rendered histories of the models that were looked at lately."""

    def __init__(self, history: HistoryContext, *, deadline_s: float = _DEADLINE_S) -> None:
        self._history = history
        self._deadline_s = deadline_s
        self._kept: OrderedDict[HistoryQuestion, RenderedHistory] = OrderedDict()
        self._reading: dict[HistoryQuestion, asyncio.Task[RenderedHistory]] = {}
        self._turn = asyncio.Lock()
        self._failure = OngoingFailure()

    async def rendered(
        self, model: str, endpoints: Sequence[ModelEndpoint], query: ModelQuery, *, is_public: bool = False
    ) -> RenderedHistory | None:
        """The newest sections; None if they cannot be had in time. A late read goes on, for the next visitor."""
        question = HistoryQuestion(model=model, window=query.window, zoom=query.zoom, is_public=is_public)
        now = self._history.now()
        kept = self._usable(question, endpoints, now)
        if kept is not None and timedelta() <= now - kept.read_at < _FRESH:
            return kept
        task = self._reading.get(question) or self._begin(question, endpoints, query)
        if kept is not None or task is None:
            return kept
        await asyncio.wait([task], timeout=self._deadline_s)
        return self._usable(question, endpoints, self._history.now())

    async def close(self) -> None:
        """Cancel the reads and wait for their end."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _usable(
        self, question: HistoryQuestion, endpoints: Sequence[ModelEndpoint], now: datetime
    ) -> RenderedHistory | None:
        """What is kept, unless it is old or was made for other endpoints."""
        kept = self._kept.get(question)
        if kept is None or now - kept.read_at >= _KEPT or _configured(kept.endpoints) != _configured(endpoints):
            return None
        self._kept.move_to_end(question)
        return kept

    def _begin(
        self, question: HistoryQuestion, endpoints: Sequence[ModelEndpoint], query: ModelQuery
    ) -> asyncio.Task[RenderedHistory] | None:
        if len(self._reading) >= _WAITING:
            return None
        task = asyncio.create_task(self._in_turn(tuple(endpoints), query, question), name="history of a model")
        self._reading[question] = task
        task.add_done_callback(partial(self._ended, question))
        return task

    async def _in_turn(
        self, endpoints: tuple[ModelEndpoint, ...], query: ModelQuery, question: HistoryQuestion
    ) -> RenderedHistory:
        async with self._turn:
            now = self._history.now()
            history = await read_history(self._history, endpoints, query.span(now, lines=len(endpoints)), now)
            return await asyncio.to_thread(_rendered, endpoints, history, is_public=question.is_public)

    def _ended(self, question: HistoryQuestion, task: asyncio.Task[RenderedHistory]) -> None:
        del self._reading[question]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if self._failure.ends():
                log.info("history can be read again", extra={"action": "history_recovered"})
            self._keep(question, task.result())
        elif self._failure.begins(str(error)):
            trace = None if isinstance(error, StoreError) else error  # a StoreError has the reason in its message
            log.warning("cannot read history: %s", error, exc_info=trace, extra={"action": "history_failed"})

    def _keep(self, question: HistoryQuestion, made: RenderedHistory) -> None:
        self._kept[question] = made
        self._kept.move_to_end(question)
        while len(self._kept) > 1 and sum(map(_size_bytes, self._kept.values())) > _MOST_BYTES:
            self._kept.popitem(last=False)


async def read_history(
    context: HistoryContext, endpoints: Sequence[ModelEndpoint], span: ChartSpan, now: datetime
) -> ModelHistory:
    """The history of these endpoints, from rollups alone. One after the other, so that other clients can read, too."""
    found = {}
    for endpoint in endpoints:
        buckets = await _read_endpoint(context, endpoint, span, now)
        found[endpoint.id] = await asyncio.to_thread(endpoint_history, buckets, span, now, context.judge)
    since = (now - timedelta(days=ACTIVE_DAYS - 1)).date()
    activity = await context.store.activity(since, [endpoint.id for endpoint in endpoints])
    return ModelHistory(read_at=now, span=span, endpoints=found, activity=tuple(activity))


async def _read_endpoint(
    context: HistoryContext, endpoint: ModelEndpoint, span: ChartSpan, now: datetime
) -> EndpointBuckets:
    store, name = context.store, endpoint.id
    incidents = await store.incidents(endpoint=name, since=span.grid.begin, before=None, limit=MOST_MARKS)
    return EndpointBuckets(
        endpoint=name,
        task=context.task(name),
        hourly=await _hourly(context, name, span, now),
        daily=await store.rollups(
            name, RollupTier.DAY, _first_day(span, now), now, CHARTED if span.tier is RollupTier.DAY else ()
        ),
        incidents=[incident for incident in incidents if incident.began_at < span.grid.end],
        maintenance=endpoint.snapshot.spec.maintenance,
    )


async def _hourly(context: HistoryContext, name: str, span: ChartSpan, now: datetime) -> list[Bucket]:
    """The hours, with sketches only where charts need them: reading these takes longest."""
    bars = hour_grid(now)
    sketched = bars.end - NOW
    if span.tier is RollupTier.HOUR:
        sketched = min(sketched, span.grid.begin)
    hours = await context.store.rollups(name, RollupTier.HOUR, sketched, now, CHARTED)
    if bars.begin < sketched:
        hours = [*await context.store.rollups(name, RollupTier.HOUR, bars.begin, sketched, ()), *hours]
    return hours


def _first_day(span: ChartSpan, now: datetime) -> datetime:
    begin = day_grid(now).begin
    return min(begin, span.grid.begin) if span.tier is RollupTier.DAY else begin


def _rendered(endpoints: tuple[ModelEndpoint, ...], history: ModelHistory, *, is_public: bool) -> RenderedHistory:
    sections = history_sections(endpoints, history, is_public=is_public)
    return RenderedHistory(
        read_at=history.read_at,
        charts=_section("model_charts.html", sections),
        uptime=_section("model_uptime.html", sections),
        activity=_section("model_activity.html", sections),
        endpoints=endpoints,
    )


def _section(template: str, sections: HistorySections) -> PackedSection:
    return packed_section(rendered(template, history=sections).encode(errors="replace"))


def _configured(endpoints: Sequence[ModelEndpoint]) -> list[object]:
    """What the sections take from the configuration."""
    return [(endpoint.name, endpoint.role, endpoint.snapshot.spec) for endpoint in endpoints]


def _size_bytes(made: RenderedHistory) -> int:
    return sum(len(part.body) + len(part.packed) for part in (made.charts, made.uptime, made.activity))
