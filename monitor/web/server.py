"""The HTTP server: routes over the newest snapshot, the token, errors as JSON. Handlers hand out what is ready."""

from __future__ import annotations

import hmac
import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from monitor.config.model import Listen
from monitor.publish.board import Filter, Snapshot, select
from monitor.status import Status
from probes._model import Secret

log = logging.getLogger(__name__)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_OPEN = frozenset({"/healthz", "/readyz"})
"""Routes that need no token: they say nothing about providers."""
_REQUEST_BYTES = 1 << 20
_SHUTDOWN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the routes show."""

    snapshot: Callable[[], Snapshot]
    problems: Callable[[], tuple[str, ...]]
    """Why the daemon is not ready; empty when it is."""
    registry: CollectorRegistry


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
    app = web.Application(middlewares=[_errors_as_json, _guard(token)], client_max_size=_REQUEST_BYTES)
    app.on_response_prepare.append(_add_headers)
    routes = _Routes(sources)
    app.router.add_get("/healthz", routes.health)
    app.router.add_get("/readyz", routes.ready)
    app.router.add_get("/metrics", routes.metrics)
    app.router.add_get("/v1/scores", routes.scores)
    app.router.add_get("/v1/scores/{id:.+}", routes.score)
    return app


class _Routes:
    """The handlers."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def health(self, _: web.Request) -> web.Response:
        """The process is alive."""
        return web.json_response({"status": "ok"})

    async def ready(self, _: web.Request) -> web.Response:
        """The schedule is running and the store takes samples; else 503 and why not."""
        problems = self._sources.problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        return web.json_response({"ready": not problems, "problems": list(problems)}, status=status)

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus or OpenMetrics, as the reader asks."""
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except TypeError:  # raised for a version that is not made of numbers
            encode, content_type = choose_encoder("")
        return web.Response(body=encode(self._sources.registry), headers={"Content-Type": content_type})

    async def scores(self, request: web.Request) -> web.Response:
        """The scores document, whole or filtered."""
        snapshot = self._sources.snapshot()
        if not request.query:
            return _document(request, snapshot, snapshot.body)
        return _document(request, snapshot, select(snapshot, _filter(request)))

    async def score(self, request: web.Request) -> web.Response:
        """One endpoint's row."""
        snapshot = self._sources.snapshot()
        row = snapshot.rows.get(request.match_info["id"])
        if row is None:
            raise web.HTTPNotFound(text=f"no endpoint has the id {request.match_info['id']!r}")
        return _document(request, snapshot, row.body)


def _document(request: web.Request, snapshot: Snapshot, body: bytes) -> web.Response:
    etag = f'"{snapshot.etag}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.if_none_match and any(known.value in {snapshot.etag, "*"} for known in request.if_none_match):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


def _filter(request: web.Request) -> Filter:
    """The filter of a query. Raises HTTPBadRequest on a parameter or a value that does not exist."""
    values = dict(request.query)
    unknown = sorted(values.keys() - {"model", "provider", "status", "min_score"})
    if unknown:
        raise web.HTTPBadRequest(
            text=f"unknown parameter {unknown[0]!r}; there are: model, provider, status, min_score"
        )
    status = values.get("status")
    if status is not None and status not in list(Status):
        raise web.HTTPBadRequest(text=f"status is one of {', '.join(Status)}, not {status!r}")
    return Filter(
        model=values.get("model"), provider=values.get("provider"), status=status, min_score=_min_score(request)
    )


def _min_score(request: web.Request) -> float | None:
    text = request.query.get("min_score")
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise web.HTTPBadRequest(text=f"min_score is a number from 0 to 1, not {text!r}")
    return value


def _guard(token: Secret | None) -> Middleware:
    """Let in who brings the token; everyone where there is none."""
    wanted = None if token is None else f"Bearer {token.reveal()}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if wanted is not None and request.path not in _OPEN and not hmac.compare_digest(given, wanted):
            raise web.HTTPUnauthorized(
                text="this needs the header 'Authorization: Bearer TOKEN'", headers={"WWW-Authenticate": "Bearer"}
            )
        return await handler(request)

    return guard


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error has one shape, and none shows the inside."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        kept = {name: value for name, value in error.headers.items() if name in {"Allow", "WWW-Authenticate"}}
        return _error(HTTPStatus(error.status), error.text or error.reason, kept)
    except Exception:
        log.exception("a request failed", extra={"action": "request_failed", "path": request.path})
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the monitor failed to answer; its log says why", {})


def _error(status: HTTPStatus, message: str, headers: dict[str, str]) -> web.Response:
    body = {"error": {"code": status.name.lower(), "message": message}}
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
