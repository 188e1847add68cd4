"""`POST /v1/route`: which endpoints of a model a request should go to, the best first, and why."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import cast

from aiohttp import web

from monitor.routing.decide import RouteAnswer, route
from monitor.routing.preferences import RouteRequest, preferences_of
from monitor.web.context import Context
from monitor.web.openrouter_cache import OpenRouterCache
from monitor.web.request_body import json_body
from monitor.web.responses import JSON
from monitor.web.route import Answer, Route, refusal

_SEED_BITS = 63


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""
    cache = OpenRouterCache()

    async def handler(request: web.Request) -> web.Response:
        """The endpoints of a model in the order to try them, each with the reason for its place.

        Accepts OpenRouter's `provider` preferences. Only preferences exclude an endpoint, its status does not: if all
        endpoints are down, all are listed. Without a `seed` every response has a new random order.
        """
        wanted = cast("RouteRequest", await json_body(request, RouteRequest))
        endpoints = cache.endpoints(await context.newest(), wanted["model"])
        if not endpoints:
            raise web.HTTPNotFound(text=f"no model has the name {wanted['model']!r}; /api/v1/models lists all")
        seed = wanted.get("seed")
        found = route(endpoints, preferences_of(wanted), secrets.randbits(_SEED_BITS) if seed is None else seed)
        return web.Response(text=json.dumps(found), content_type=JSON, headers={"Cache-Control": "no-store"})

    return (
        Route(
            method="POST",
            path="/v1/route",
            handler=handler,
            body=RouteRequest,
            answers=[
                Answer(about="The model's endpoints: in order, or excluded with the reason.", json_type=RouteAnswer),
                refusal(HTTPStatus.NOT_FOUND, "No model has this name."),
            ],
        ),
    )
