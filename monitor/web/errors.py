"""Errors as JSON: every one has the same shape, and none shows the inside."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.publish.documents import JSON

log = logging.getLogger(__name__)

_KEPT = frozenset({"Allow", "WWW-Authenticate", "Retry-After"})


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into an answer."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        kept = {name: value for name, value in error.headers.items() if name in _KEPT}
        return _error(HTTPStatus(error.status), error.text or error.reason, kept)
    except Exception:
        log.exception("a request failed", extra={"action": "request_failed", "path": request.path})
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the monitor failed to answer; its log says why", {})


def _error(status: HTTPStatus, message: str, headers: Mapping[str, str]) -> web.Response:
    body = {"error": {"code": status.name.lower(), "message": message}}
    return web.Response(text=json.dumps(body), status=status, content_type=JSON, headers=headers)
