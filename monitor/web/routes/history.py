"""`/v1/endpoints/{id}/samples`, `…/series` and `/v1/incidents`: the stored history."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from aiohttp import web
from typing_extensions import TypedDict

from monitor.config import RefusedError, duration_s
from monitor.domain.epoch import EPOCH
from monitor.history.buckets import Points, QuantilePoint, RatioPoint, of_buckets, of_samples
from monitor.history.incidents import FEED_TYPE, IncidentList, feed, incident_row
from monitor.history.pagination import FORM, QueryError, from_cursor, to_cursor
from monitor.history.samples import SampleList, SampleQuery, portions
from monitor.history.series import Grid, Metric, SeriesQuery, series_query
from monitor.schema.types import StringConstraints
from monitor.store import PageKey
from monitor.web.context import Context, HistoryContext
from monitor.web.endpoint_id import ID, known_id
from monitor.web.responses import Document, answer, ready
from monitor.web.route import (
    UNCHANGED,
    UNKNOWN_ID,
    Answer,
    Parameter,
    Route,
    choice,
    cursor,
    moment,
    refusal,
    text,
    whole,
)
from probes._model import Task

MOST: Final = 1000
"""Samples or incidents of a page."""
_USUAL: Final = 100
_IN_FEED: Final = 100
_BREATH: Final = 50
"""Samples serialised at a time; other tasks run in between."""
_USUAL_WINDOW_S: Final = 86_400.0


def _duration(name: str, about: str, *, example: str) -> Parameter[float]:
    """A duration in the query; in seconds once it is parsed."""

    def parse(text: str) -> float:
        try:
            return duration_s(text)
        except RefusedError:
            raise ValueError("a duration such as 30s, 5m, 6h or 30d") from None

    json_type = Annotated[str, StringConstraints(pattern="^[1-9][0-9]*(s|m|h|d)$")]
    return Parameter(name=name, about=about, parse=parse, json_type=json_type, example=example)


SINCE = moment("since", "Only samples that began at this time or later.", example="2026-11-22T07:00:00Z")
UNTIL = moment("until", "Only samples that began before this time.", example="2100-01-01T00:00:00Z")
TASK = choice("task", "Only samples of this task.", Task, example="chat")
LIMIT = whole("limit", f"The largest number of entries. Default: {_USUAL}.", low=1, high=MOST, example="10")
CURSOR = cursor(from_cursor, FORM, example=to_cursor(PageKey(at=datetime(2026, 11, 22, 7, tzinfo=UTC), id="1f" * 8)))
METRIC = choice("metric", "The metric. Default: `ttft_s`.", Metric, example="uptime")
WINDOW = _duration("window", "The window, from 5m to 90d. Default: `1d`.", example="1d")
STEP = _duration("step", "The step between points. Default: from 1m to 1d, depending on the window.", example="15m")
SERIES_TASK = choice(
    "task",
    "The task of the samples. Default: the endpoint's headline task; for uptime all tasks.",
    Task,
    example="chat",
)
OPEN_SINCE = moment(
    "since", "Only incidents that were open at this time or began later.", example="2026-11-22T07:00:00Z"
)
ENDPOINT = text("endpoint", "Only incidents of the endpoint with this id.", example="groq:llama-3.1-8b-instant")

BUSY = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer; try again after `Retry-After`.")


class Series(TypedDict):
    """A metric of an endpoint over a window, in steps of one length, the oldest first."""

    endpoint: str
    metric: Metric
    task: Task | None
    """The task of the samples; null: all tasks."""
    window_s: int
    step_s: int
    data: list[QuantilePoint] | list[RatioPoint]
    """A point per step; the last step contains the time of the request."""
    next: None


def routes(context: Context) -> Sequence[Route]:
    """The routes of this module; none without a store."""
    if context.history is None:
        return ()
    handlers = _HistoryHandlers(context, context.history)
    return (
        Route(
            path="/v1/endpoints/{id}/samples",
            handler=handlers.samples,
            parameters=[ID, SINCE, UNTIL, TASK, LIMIT, CURSOR],
            answers=[Answer(about="A page of samples.", json_type=SampleList), UNCHANGED, UNKNOWN_ID, BUSY],
        ),
        Route(
            path="/v1/endpoints/{id}/series",
            handler=handlers.series,
            parameters=[ID, METRIC, WINDOW, STEP, SERIES_TASK],
            answers=[Answer(about="The series.", json_type=Series), UNCHANGED, UNKNOWN_ID, BUSY],
        ),
        Route(
            path="/v1/incidents",
            handler=handlers.incidents,
            parameters=[OPEN_SINCE, ENDPOINT, LIMIT, CURSOR],
            answers=[Answer(about="A page of incidents.", json_type=IncidentList), UNCHANGED, BUSY],
        ),
        Route(
            path="/v1/incidents.atom",
            handler=handlers.feed,
            answers=[Answer(about="The feed.", content_type=FEED_TYPE), UNCHANGED, BUSY],
        ),
    )


class _HistoryHandlers:
    """The handlers."""

    def __init__(self, context: Context, history: HistoryContext) -> None:
        self._context = context
        self._history = history

    async def samples(self, request: web.Request) -> web.StreamResponse:
        """An endpoint's raw samples, newest first.

        A sample appears when its probe has ended. Samples are sorted by the beginning of their probes.
        """
        wanted = SampleQuery(
            endpoint=known_id(self._context, request),
            since=SINCE.read(request),
            until=UNTIL.read(request),
            task=TASK.read(request),
            limit=LIMIT.read(request) or _USUAL,
            cursor=CURSOR.read(request),
        )
        return await self._answer(request, wanted, partial(_read_samples, self._history, wanted))

    async def series(self, request: web.Request) -> web.StreamResponse:
        """A metric of an endpoint over time: percentiles of its successes, or the uptime ratio.

        Steps lie on a fixed grid (UTC). A step without a measurement is null, never 0.
        """
        name = known_id(self._context, request)
        wanted = self._asked(request, name)
        return await self._answer(request, (name, wanted), partial(self._series, name, wanted))

    async def incidents(self, request: web.Request) -> web.StreamResponse:
        """The incidents: time spans in which endpoints were not up, sorted by their start, newest first."""
        since, endpoint = OPEN_SINCE.read(request), ENDPOINT.read(request)
        limit, cursor = LIMIT.read(request) or _USUAL, CURSOR.read(request)

        async def read() -> Document:
            found = await self._history.store.incidents(
                endpoint=endpoint, since=since or EPOCH, before=cursor, limit=limit + 1
            )
            now, page = self._history.now(), found[:limit]
            more = to_cursor(PageKey(at=page[-1].began_at, id=page[-1].id)) if len(found) > limit else None
            rows = [incident_row(incident, now) for incident in page]
            return self._history.store_reads.json(IncidentList(data=rows, next=more))

        return await self._answer(request, ("incidents", endpoint, since, limit, cursor), read)

    async def feed(self, request: web.Request) -> web.StreamResponse:
        """The newest incidents as an Atom feed."""

        async def read() -> Document:
            found = await self._history.store.incidents(endpoint=None, since=EPOCH, before=None, limit=_IN_FEED)
            body = feed(found, self._context.snapshot().vantage)
            return ready(body, FEED_TYPE, cache_control=self._history.store_reads.cache_control)

        return await self._answer(request, "feed", read)

    async def _answer(
        self, request: web.Request, question: object, read: Callable[[], Awaitable[Document]]
    ) -> web.StreamResponse:
        return answer(request, await self._history.store_reads.document(question, read))

    def _asked(self, request: web.Request, name: str) -> SeriesQuery:
        metric, task, window_s = METRIC.read(request) or Metric.TTFT, SERIES_TASK.read(request), WINDOW.read(request)
        if task is None and metric is not Metric.UPTIME:
            task = self._history.task(name)
        try:
            return series_query(metric, task=task, window_s=window_s or _USUAL_WINDOW_S, step_s=STEP.read(request))
        except QueryError as error:
            raise web.HTTPBadRequest(text=str(error)) from None

    async def _series(self, name: str, wanted: SeriesQuery) -> Document:
        points = await read_points(self._history, name, wanted, wanted.grid(self._history.now()))
        series = Series(
            endpoint=name,
            metric=wanted.metric,
            task=wanted.task,
            window_s=wanted.window_s,
            step_s=wanted.step_s,
            data=points,
            next=None,
        )
        return await asyncio.to_thread(self._history.store_reads.json, series)


async def _read_samples(history: HistoryContext, wanted: SampleQuery) -> Document:
    """A page of samples."""
    page = wanted.page(history.now(), history.raw())
    found = await history.store.page(
        wanted.endpoint, since=page.reach, before=page.before, limit=wanted.limit + 1, task=wanted.task
    )
    rows = []
    for portion in portions(found[: wanted.limit], _BREATH):
        rows.append(portion)
        await asyncio.sleep(0)
    more = json.dumps(page.next(found, wanted.limit)).encode()
    body = b'{"data":[' + b",".join(rows) + b'],"next":' + more + b"}"
    return await asyncio.to_thread(ready, body, cache_control=history.store_reads.cache_control)


async def read_points(history: HistoryContext, name: str, wanted: SeriesQuery, grid: Grid) -> Points:
    """The points of a series on a grid; made in a thread, since a thousand points would block the event loop."""
    store, tier = history.store, wanted.source.value
    if tier is None:
        points = await store.points(name, wanted.task, wanted.figure, grid.begin, grid.end)
        return await asyncio.to_thread(of_samples, wanted, grid, points, history.judge)
    buckets = await store.rollups(name, tier, grid.begin, grid.end, wanted.sketched)
    return await asyncio.to_thread(of_buckets, wanted, grid, buckets, history.judge)
