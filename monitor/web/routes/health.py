"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal, NotRequired

from aiohttp import hdrs, web
from typing_extensions import TypedDict

from monitor.web.context import Context
from monitor.web.responses import answer
from monitor.web.route import UNCHANGED, Answer, Route
from monitor.web.scrape import Scrapes


class Alive(TypedDict):
    """The process is alive."""

    status: Literal["ok"]


class Ready(TypedDict):
    """Whether the schedule runs and the store accepts samples."""

    ready: bool
    problems: list[str]
    """The reasons why the daemon is not ready; empty if it is ready."""
    warnings: NotRequired[list[str]]
    """Problems of a daemon that is ready; absent if there are none."""


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""
    handlers = _HealthHandlers(context)
    return (
        Route(
            path="/healthz",
            handler=handlers.health,
            answers=[Answer(about="The process is alive.", json_type=Alive)],
            open=True,
        ),
        Route(
            path="/readyz",
            handler=handlers.ready,
            answers=[
                Answer(about="The daemon is ready.", json_type=Ready),
                Answer(
                    about="The daemon is not ready; `problems` has the reasons.",
                    json_type=Ready,
                    status=HTTPStatus.SERVICE_UNAVAILABLE,
                ),
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
        """200 if the schedule runs and the store accepts samples; else 503 with the reasons."""
        problems = self._context.problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        ready = Ready(ready=not problems, problems=list(problems))
        if warnings := self._context.warnings():
            ready["warnings"] = list(warnings)
        return web.json_response(ready, status=status)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Metrics in Prometheus' or OpenMetrics' format, by `Accept`; made at most once a second."""
        return answer(request, await self._scrapes.document(request.headers.get(hdrs.ACCEPT, "")))

    async def _text(self, *, openmetrics: bool) -> bytes:
        await self._context.newest()  # renders the snapshot that the metrics read
        return await self._context.metrics(openmetrics=openmetrics)
