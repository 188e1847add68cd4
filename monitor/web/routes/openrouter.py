"""`/api/v1/…`: models, endpoints and providers for programs that were written for OpenRouter's API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web
from typing_extensions import TypedDict

from monitor.routing.openrouter.types import ListedModelsDocument, ListedProvidersDocument, ModelEndpointsDocument
from monitor.web.context import Context
from monitor.web.openrouter_cache import OpenRouterCache
from monitor.web.responses import JSON, answer
from monitor.web.route import UNCHANGED, Answer, Route, path_part, whole

AUTHOR = path_part("author", "The first part of the model's public name.", example="meta-llama")
SLUG = path_part("slug", "The second part of the model's public name.", example="llama-3.2-1b-instruct")
NAME = path_part(
    "name",
    "The whole public name, percent-encoded; for names that are not author/slug.",
    slashes=True,
    example="meta-llama/llama-3.2-1b-instruct",
)
OFFSET = whole("offset", "How many models to skip.", low=0, high=1_000_000, example="0")
LIMIT = whole("limit", "The largest number of models on a page. Default: all.", low=1, high=1000, example="500")


class OpenRouterFault(TypedDict):
    """An error; unlike on other paths, `code` is the status code as a number."""

    code: int
    message: str


class OpenRouterRefusal(TypedDict):
    """An error in OpenRouter's format."""

    error: OpenRouterFault


def routes(context: Context) -> Sequence[Route]:
    """The routes of this file."""
    handlers = _OpenRouterHandlers(context)
    unknown = Answer(about="There is no such model.", json_type=OpenRouterRefusal, status=HTTPStatus.NOT_FOUND)
    return (
        Route(
            path="/api/v1/models",
            handler=handlers.models,
            parameters=[OFFSET, LIMIT],
            answers=[Answer(about="The models.", json_type=ListedModelsDocument), UNCHANGED],
        ),
        Route(
            path="/api/v1/models/{author}/{slug}/endpoints",
            handler=handlers.endpoints,
            parameters=[AUTHOR, SLUG],
            answers=[
                Answer(about="The model and its endpoints.", json_type=ModelEndpointsDocument),
                UNCHANGED,
                unknown,
            ],
        ),
        Route(
            path="/api/v1/models/{name}/endpoints",
            handler=handlers.endpoints_by_name,
            parameters=[NAME],
            answers=[
                Answer(about="The model and its endpoints.", json_type=ModelEndpointsDocument),
                UNCHANGED,
                unknown,
            ],
        ),
        Route(
            path="/api/v1/providers",
            handler=handlers.providers,
            answers=[Answer(about="The providers.", json_type=ListedProvidersDocument), UNCHANGED],
        ),
    )


class _OpenRouterHandlers:
    """The handlers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cache = OpenRouterCache()

    async def models(self, request: web.Request) -> web.StreamResponse:
        """The monitored models in OpenRouter's format."""
        snapshot = await self._context.newest()
        return answer(request, self._cache.models(snapshot, OFFSET.read(request) or 0, LIMIT.read(request)))

    async def endpoints(self, request: web.Request) -> web.StreamResponse:
        """A model's endpoints in OpenRouter's format.

        Prices are USD per token as text, uptimes percent, latencies milliseconds; null means too little data. The key
        `providerwatch` has the same figures with units in their names.
        """
        return await self._endpoints(request, f"{AUTHOR.need(request)}/{SLUG.need(request)}")

    async def endpoints_by_name(self, request: web.Request) -> web.StreamResponse:
        """The endpoints of a model whose public name is not author/slug, in the same format."""
        return await self._endpoints(request, NAME.need(request))

    async def _endpoints(self, request: web.Request, name: str) -> web.StreamResponse:
        document = self._cache.model(await self._context.newest(), name)
        return _no_model(name) if document is None else answer(request, document)

    async def providers(self, request: web.Request) -> web.StreamResponse:
        """The monitored providers in OpenRouter's format."""
        return answer(request, self._cache.providers(await self._context.newest()))


def _no_model(name: str) -> web.StreamResponse:
    status = HTTPStatus.NOT_FOUND
    body: OpenRouterRefusal = {"error": {"code": status, "message": f"no model has the name {name!r}"}}
    return web.Response(text=json.dumps(body), status=status, content_type=JSON)
