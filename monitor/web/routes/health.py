"""Is the daemon alive, is it ready, and what does it count: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal, NotRequired, TypedDict

from aiohttp import hdrs, web

from monitor.web.context import Context
from monitor.web.responses import answer
from monitor.web.route import UNCHANGED, Answer, Route
from monitor.web.scrape import Scrapes


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Ready(TypedDict):
    """Whether the schedule is running and the store takes samples."""

    ready: bool
    problems: list[str]
    """Why not; empty when it is."""
    warnings: NotRequired[list[str]]
    """What is odd all the same; left out where there is nothing."""


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""
    handlers = _HealthHandlers(context)
    return (
        Route(path="/healthz", handler=handlers.health, answers=[Answer(about="It is.", json_type=Alive)], open=True),
        Route(
            path="/readyz",
            handler=handlers.ready,
            answers=[
                Answer(about="It is ready.", json_type=Ready),
                Answer(about="It is not; `problems` says why.", json_type=Ready, status=HTTPStatus.SERVICE_UNAVAILABLE),
            ],
            open=True,
        ),
        Route(
            path="/metrics",
            handler=handlers.metrics,
            answers=[
                Answer(about="The metrics.", content_type="text/plain"),
                Answer(about="The metrics.", content_type="application/openmetrics-text"),
                UNCHANGED,
            ],
        ),
    )


class _HealthHandlers:
    """The handlers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scrapes = Scrapes(self._text, time.monotonic)

    async def health(self, _: web.Request) -> web.Response:
        """The process is alive."""
        return web.json_response(Alive(status="ok"))

    async def ready(self, _: web.Request) -> web.Response:
        """The schedule is running and the store takes samples; else 503 and why not."""
        problems = self._context.problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        ready = Ready(ready=not problems, problems=list(problems))
        if warnings := self._context.warnings():
            ready["warnings"] = list(warnings)
        return web.json_response(ready, status=status)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Prometheus or OpenMetrics, as the reader asks; made once a second at most."""
        return answer(request, await self._scrapes.document(request.headers.get(hdrs.ACCEPT, "")))

    async def _text(self, *, openmetrics: bool) -> bytes:
        await self._context.newest()  # which the metrics read
        return await self._context.metrics(openmetrics=openmetrics)
