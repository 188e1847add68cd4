"""The HTTP server: all routes behind the middleware."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from monitor import __version__
from monitor.config.model import Listen
from monitor.web.auth import Authenticator, access_of
from monitor.web.context import Context
from monitor.web.made_once import MadeOnce
from monitor.web.middleware import expect, not_found, route_handler, wrong_method
from monitor.web.openapi import openapi
from monitor.web.pages import routes as pages
from monitor.web.pages.errors import PageErrors
from monitor.web.request_body import MOST_BYTES
from monitor.web.responses import answer, ready
from monitor.web.route import Answer, Handler, Route
from monitor.web.routes import activity, badges, check, health, history, openrouter, outcomes, routing, scores, stream
from probes._model import Secret

ROUTES: Sequence[Callable[[Context], Sequence[Route]]] = (
    health.routes,
    history.routes,
    badges.routes,
    scores.routes,
    check.routes,
    openrouter.routes,
    routing.routes,
    stream.routes,
    outcomes.routes,
    activity.routes,
)
"""The routes of each module; `/openapi.json` describes all of them. Pages are no API."""

_LINE_BYTES = 8192
_HEADERS = 64
_IDLE_S = 75.0
_BACKLOG = 128
_SHUTDOWN_S = 2.0
_THEIRS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""Faults of clients: broken requests, broken bodies, closed connections."""


async def start(
    address: Listen, token: Secret | None, context: Context, *, rate_per_s: float | None = None, public: bool = False
) -> web.AppRunner:
    """Start the server; `cleanup()` of the returned runner stops it. Raises OSError if the address cannot be used.

    `public`: accept any `Host` without a token.
    """
    access = access_of(address, token, rate_per_s=rate_per_s, public=public)
    runner = await set_up(Authenticator(access, time.monotonic), context)
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


async def set_up(authenticator: Authenticator, context: Context) -> web.AppRunner:
    """The server without an address: `listen` opens one, and `cleanup()` ends its requests and streams."""
    raise_open_files_limit()
    runner = web.AppRunner(
        application(authenticator, context),
        access_log=None,
        logger=_protocol_log(),
        shutdown_timeout=_SHUTDOWN_S,
        keepalive_timeout=_IDLE_S,
        max_line_size=_LINE_BYTES,
        max_field_size=_LINE_BYTES,
        max_headers=_HEADERS,
        auto_decompress=False,  # aiohttp would decompress on the event loop, without authentication and without a limit
        lingering_time=0,
    )
    await runner.setup()
    return runner


async def listen(runner: web.AppRunner, address: Listen, *, reuse_port: bool = False) -> asyncio.Server:
    """Accept connections at an address, for a server that is set up. Closing it leaves its connections open.

    Raises OSError if the address cannot be used.
    """
    protocol = runner.server
    if protocol is None:
        raise RuntimeError("the server is not set up")
    return await asyncio.get_running_loop().create_server(
        protocol, address.host, address.port, backlog=_BACKLOG, reuse_port=reuse_port or None
    )


def _protocol_log() -> logging.Logger:
    """aiohttp's log without faults of clients, since any client could fill the log."""
    protocol = logging.getLogger(f"{__name__}.protocol")
    protocol.filters[:] = [_is_ours]
    return protocol


def _is_ours(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], _THEIRS)


def application(authenticator: Authenticator, context: Context) -> web.Application:
    """The application with all routes."""
    app = web.Application(client_max_size=MOST_BYTES)
    # Fixed paths first: an id may be any text, also a part of another path.
    routes = sorted(all_routes(context), key=lambda route: "{" in route.path)
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(_pattern(route), []).append(route.method)
        _add(app.router, route, route_handler(route, authenticator))
    # Other methods and other paths come after the routes, in the same order.
    for path, methods_there in methods.items():
        app.router.add_route("*", path, wrong_method(methods_there, authenticator), expect_handler=expect)
    refuser = None if context.pages is None else PageErrors(context, context.pages).refuse
    app.router.add_route("*", "/{path:(?s:.*)}", not_found(authenticator, refuser), expect_handler=expect)
    app.on_shutdown.extend(partial(_close, route.close) for route in routes if route.close is not None)
    return app


async def _close(close: Callable[[], Awaitable[None]], _: web.Application) -> None:
    await close()


def all_routes(context: Context) -> Sequence[Route]:
    """Every route: those of the modules, `/openapi.json`, and the pages."""

    async def handler(request: web.Request) -> web.StreamResponse:
        """This API as an OpenAPI 3.1 document."""
        return answer(request, await made.document())

    itself = Route(path="/openapi.json", handler=handler, answers=[Answer(about="This document.")])
    routes = [*(route for module in ROUTES for route in module(context)), itself]
    made = MadeOnce(lambda: ready(json.dumps(openapi(routes, __version__), separators=(",", ":")).encode()))
    return [*routes, *pages.routes(context)]


def _pattern(route: Route) -> str:
    """The path in aiohttp's syntax."""
    path = route.path
    for parameter in route.parameters:
        if parameter.slashes:
            path = path.replace(f"{{{parameter.name}}}", f"{{{parameter.name}:(?s:.+)}}")  # also line ends
    return path


def _add(router: web.UrlDispatcher, route: Route, handler: Handler) -> None:
    if route.method == "GET":
        router.add_get(_pattern(route), handler, expect_handler=expect)  # and HEAD
    else:
        router.add_route(route.method, _pattern(route), handler, expect_handler=expect)


_WANTED = 65_536


def raise_open_files_limit() -> None:
    """Raise the soft limit of open files (1,024 on most systems) as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # some systems report a hard limit that they do not allow
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
