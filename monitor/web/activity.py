"""`GET /v1/activity`: what applications used of each endpoint, by the day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, TypedDict

from aiohttp import hdrs, web

from monitor.publish.json_schema import Words
from monitor.store import StoreError
from monitor.traffic.counted import Activity
from monitor.web.routes import Answer, Route, refusal, text, whole
from monitor.web.scores import MODEL
from monitor.web.sources import Sources

ENDPOINT = text("endpoint", "Only this endpoint.", example="groq:llama-3.1-8b-instant")
MOST_DAYS = 400
DAYS = whole("days", "How many days of UTC, today's with them (30).", low=1, high=MOST_DAYS, example="30")
_DAYS = 30
Count = Annotated[int, Words(minimum=0)]


class Used(TypedDict):
    """What an application used of an endpoint in a day of UTC."""

    day: Annotated[str, Words(format="date")]
    endpoint: str
    app: str | None
    """Null: that was not reported."""
    requests: Count
    prompt_tokens: Count
    output_tokens: Count
    reasoning_tokens: Count


class Uses(TypedDict):
    """The newest day first."""

    data: list[Used]
    next: None
    """There is never more."""


def routes(sources: Sources) -> Sequence[Route]:
    """The routes of this file."""

    async def handler(request: web.Request) -> web.Response:
        """Requests and tokens of reported real traffic, by day of UTC, endpoint and application."""
        since = datetime.now(UTC).date() - timedelta(days=(DAYS.read(request) or _DAYS) - 1)
        try:
            found = await sources.activity(since, _wanted(request, sources))
        except StoreError:
            raise web.HTTPServiceUnavailable(
                text="the store does not answer", headers={hdrs.RETRY_AFTER: "5"}
            ) from None
        body = Uses(data=[_used(each) for each in found], next=None)
        return web.json_response(body, headers={hdrs.CACHE_CONTROL: "no-cache"})

    return (
        Route(
            path="/v1/activity",
            handler=handler,
            parameters=[MODEL, ENDPOINT, DAYS],
            answers=[
                Answer(about="What was used.", shape=Uses),
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer."),
            ],
        ),
    )


def _wanted(request: web.Request, sources: Sources) -> Sequence[str] | None:
    model, endpoint = MODEL.read(request), ENDPOINT.read(request)
    if model is None:
        return None if endpoint is None else [endpoint]
    rows = sources.snapshot().rows.values()
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
