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
        """Which endpoints of a model to ask, the best first, each with the reason for its place.

        Takes OpenRouter's `provider` preferences. Only what the request says leaves an endpoint out, never how it does:
        where all are down, all are offered. Without a `seed` each answer is drawn anew.
        """
        wanted = cast("RouteRequest", await json_body(request, RouteRequest))
        facts = cache.endpoints(await context.newest(), wanted["model"])
        if not facts:
            raise web.HTTPNotFound(text=f"no model is called {wanted['model']!r}")
        seed = wanted.get("seed")
        found = route(facts, preferences_of(wanted), secrets.randbits(_SEED_BITS) if seed is None else seed)
        return web.Response(text=json.dumps(found), content_type=JSON, headers={"Cache-Control": "no-store"})

    return (
        Route(
            method="POST",
            path="/v1/route",
            handler=handler,
            body=RouteRequest,
            answers=[
                Answer(about="The model's endpoints: in their order, or left out for a reason.", json_type=RouteAnswer),
                refusal(HTTPStatus.NOT_FOUND, "There is no such model."),
            ],
        ),
    )
