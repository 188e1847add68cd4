"""Who may ask: the token."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probes._model import Secret


def guard(token: Secret | None, open_paths: frozenset[str]) -> Middleware:
    """Let in who brings the token; everyone where there is none, and everyone to the open paths."""
    wanted = None if token is None else f"Bearer {token.reveal()}".encode()

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if wanted is not None and request.path not in open_paths:
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, wanted):
                raise web.HTTPUnauthorized(
                    text="this needs the header 'Authorization: Bearer TOKEN'", headers={"WWW-Authenticate": "Bearer"}
                )
        return await handler(request)

    return guarded
