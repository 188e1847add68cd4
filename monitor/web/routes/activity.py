"""`GET /v1/activity`: requests and tokens of applications by endpoint and day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

from aiohttp import web
from annotated_types import Ge
from typing_extensions import TypedDict

from monitor.history.pagination import USE_FORM, from_use_cursor, to_use_cursor
from monitor.schema.types import Day
from monitor.traffic.counted import Activity
from monitor.web.context import Context
from monitor.web.responses import Document, answer
from monitor.web.route import UNCHANGED, Answer, Route, cursor, text, whole
from monitor.web.routes.history import BUSY
from monitor.web.routes.scores import MODEL

_ENDPOINT = text("endpoint", "Only this endpoint.", example="groq:llama-3.1-8b-instant")
_MOST_DAYS = 400
_MOST = 5000
_LIMIT = whole("limit", f"The largest number of entries. Default: {_MOST}.", low=1, high=_MOST, example="10")
_CURSOR = cursor(
    from_use_cursor, USE_FORM, example=to_use_cursor((date(2026, 11, 22), "groq:llama-3.1-8b-instant", "search"))
)
_DAYS = whole("days", "Number of days in UTC, including today. Default: 30.", low=1, high=_MOST_DAYS, example="30")
_USUAL_DAYS = 30
_Count = Annotated[int, Ge(0)]


class Used(TypedDict):
    """Use of an endpoint by an application on one day (UTC)."""

    day: Day
    endpoint: str
    app: str | None
    """Null: not reported."""
    requests: _Count
    prompt_tokens: _Count
    output_tokens: _Count
    reasoning_tokens: _Count


class Uses(TypedDict):
    """A page, newest day first."""

    data: list[Used]
    next: str | None
    """The `cursor` of the next page; null on the last page."""


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file; none without a store."""
    history = context.history
    if history is None:
        return ()

    async def handler(request: web.Request) -> web.StreamResponse:
        """Requests and tokens of reported real traffic, by day (UTC), endpoint and application."""
        wanted = _wanted(request, context)
        since = history.now().date() - timedelta(days=(_DAYS.read(request) or _USUAL_DAYS) - 1)
        limit, after = _LIMIT.read(request) or _MOST, _CURSOR.read(request)

        async def read() -> Document:
            found = await history.store.activity(since, wanted, after=after, limit=limit + 1)
            return await asyncio.to_thread(history.store_reads.json, _page(found, limit))

        question = ("activity", since, wanted, limit, after)
        return answer(request, await history.store_reads.document(question, read))

    return (
        Route(
            path="/v1/activity",
            handler=handler,
            parameters=[MODEL, _ENDPOINT, _DAYS, _LIMIT, _CURSOR],
            answers=[
                Answer(about="A page of use.", json_type=Uses),
                UNCHANGED,
                BUSY,
            ],
        ),
    )


def _wanted(request: web.Request, context: Context) -> tuple[str, ...] | None:
    """The ids of the endpoints that a request asks for; None: all."""
    model, endpoint = MODEL.read(request), _ENDPOINT.read(request)
    if model is None:
        return None if endpoint is None else (endpoint,)
    rows = context.snapshot().rows.values()
    return tuple(row.id for row in rows if row.model == model and endpoint in {None, row.id})


def _page(found: Sequence[Activity], limit: int) -> Uses:
    page = found[:limit]
    more = to_use_cursor((page[-1].day, page[-1].endpoint, page[-1].app)) if len(found) > limit else None
    return Uses(data=[_used(item) for item in page], next=more)


def _used(activity: Activity) -> Used:
    tokens = activity.tokens
    return {
        "day": activity.day.isoformat(),
        "endpoint": activity.endpoint,
        "app": activity.app or None,
        "requests": tokens.requests,
        "prompt_tokens": tokens.prompt_tokens,
        "output_tokens": tokens.output_tokens,
        "reasoning_tokens": tokens.reasoning_tokens,
    }
