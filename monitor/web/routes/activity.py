"""`GET /v1/activity`: requests and tokens of applications by endpoint and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from aiohttp import hdrs, web
from annotated_types import Ge
from typing_extensions import TypedDict

from monitor.history.pagination import USE_FORM, from_use_cursor, to_use_cursor
from monitor.schema.types import Day
from monitor.store import StoreError
from monitor.traffic.counted import Activity
from monitor.web.context import Context
from monitor.web.route import Answer, Route, cursor, refusal, text, whole
from monitor.web.routes.scores import MODEL

ENDPOINT = text("endpoint", "Only this endpoint.", example="groq:llama-3.1-8b-instant")
MOST_DAYS = 400
MOST = 5000
LIMIT = whole("limit", f"The largest number of entries. Default: {MOST}.", low=1, high=MOST, example="10")
CURSOR = cursor(
    from_use_cursor, USE_FORM, example=to_use_cursor((date(2026, 11, 22), "groq:llama-3.1-8b-instant", "search"))
)
DAYS = whole("days", "Number of days in UTC, including today. Default: 30.", low=1, high=MOST_DAYS, example="30")
_DAYS = 30
Count = Annotated[int, Ge(0)]


class Used(TypedDict):
    """Use of an endpoint by an application on one day (UTC)."""

    day: Day
    endpoint: str
    app: str | None
    """Null: not reported."""
    requests: Count
    prompt_tokens: Count
    output_tokens: Count
    reasoning_tokens: Count


class Uses(TypedDict):
    """A page, newest day first."""

    data: list[Used]
    next: str | None
    """The `cursor` of the next page; null on the last page."""


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Requests and tokens of reported real traffic, by day (UTC), endpoint and application."""
        since = datetime.now(UTC).date() - timedelta(days=(DAYS.read(request) or _DAYS) - 1)
        limit, after = LIMIT.read(request) or MOST, CURSOR.read(request)
        try:
            found = await context.activity(since, _wanted(request, context), after=after, limit=limit + 1)
        except StoreError:
            raise web.HTTPServiceUnavailable(
                text="the store does not answer; try again later", headers={hdrs.RETRY_AFTER: "5"}
            ) from None
        page = found[:limit]
        more = to_use_cursor((page[-1].day, page[-1].endpoint, page[-1].app)) if len(found) > limit else None
        body = Uses(data=[_used(item) for item in page], next=more)
        return web.json_response(body, headers={hdrs.CACHE_CONTROL: "no-cache"})

    return (
        Route(
            path="/v1/activity",
            handler=handler,
            parameters=[MODEL, ENDPOINT, DAYS, LIMIT, CURSOR],
            answers=[
                Answer(about="A page of use.", json_type=Uses),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer."),
            ],
        ),
    )


def _wanted(request: web.Request, context: Context) -> Sequence[str] | None:
    model, endpoint = MODEL.read(request), ENDPOINT.read(request)
    if model is None:
        return None if endpoint is None else [endpoint]
    rows = context.snapshot().rows.values()
    return [row.id for row in rows if row.model == model and endpoint in {None, row.id}]


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
