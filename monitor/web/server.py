"""The HTTP server: the routes of all files behind the token and the error border. Handlers hand out what is ready."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from aiohttp import web

from monitor import __version__
from monitor.config.model import Listen
from monitor.publish.documents import ready
from monitor.web import badges, check, health, history, scores
from monitor.web.answers import answer
from monitor.web.errors import errors_as_json
from monitor.web.guard import guard
from monitor.web.openapi import openapi
from monitor.web.queries import only_declared
from monitor.web.routes import Answer, Route
from monitor.web.sources import Sources
from probes._model import Secret

ROUTES: Sequence[Callable[[Sources], Sequence[Route]]] = (
    health.routes,
    scores.routes,
    check.routes,
    history.routes,
    badges.routes,
)
"""What each file of routes has; `/openapi.json` is made of all of them."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_REQUEST_BYTES = 1 << 20
_SHUTDOWN_S = 2.0


async def start(listen: Listen, token: Secret | None, sources: Sources) -> web.AppRunner:
    """Begin to serve; `cleanup()` of what is returned ends it. Raises OSError when the address is taken."""
    runner = web.AppRunner(application(token, sources), access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen.host, listen.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def application(token: Secret | None, sources: Sources) -> web.Application:
    """The routes behind the token and the error border."""
    routes = all_routes(sources)
    open_paths = frozenset(route.path for route in routes if route.open)
    app = web.Application(middlewares=[errors_as_json, guard(token, open_paths)], client_max_size=_REQUEST_BYTES)
    app.on_response_prepare.append(_add_headers)
    # The fixed paths first: an id may be anything, also what looks like one of them.
    for route in sorted(routes, key=lambda route: "{" in route.path):
        _add(app.router, route)
    return app


def all_routes(sources: Sources) -> Sequence[Route]:
    """Every route: those of the files, and the one that tells of them and of itself."""

    async def handler(request: web.Request) -> web.Response:
        """What this server answers to, as OpenAPI 3.1."""
        return answer(request, document)

    itself = Route(path="/openapi.json", handler=handler, answers=[Answer(about="This document.")])
    routes = [*(route for each in ROUTES for route in each(sources)), itself]
    document = ready(json.dumps(openapi(routes, __version__), separators=(",", ":")).encode())
    return routes


def _add(router: web.UrlDispatcher, route: Route) -> None:
    path = route.path
    for parameter in route.parameters:
        if parameter.slashes:
            path = path.replace(f"{{{parameter.name}}}", f"{{{parameter.name}:.+}}")
    handler = only_declared(route)
    if route.method == "GET":
        router.add_get(path, handler)  # and HEAD
    else:
        router.add_route(route.method, path, handler)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
