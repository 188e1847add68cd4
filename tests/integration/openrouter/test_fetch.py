"""The documents that `providerwatch export --format openrouter --url` fetches from a running daemon."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from monitor.console.remote import ScoresUnavailableError, fetch_openrouter
from monitor.routing.openrouter.types import OpenRouterFileDocument
from tests.integration.openrouter.conftest import MODEL, Served
from tests.support.openrouter_values import valid


async def test_the_document_of_a_running_daemon_is_that_of_all_its_routes(served: Served) -> None:
    found = valid(json.loads(await fetch_openrouter(served.address, None)), OpenRouterFileDocument)["data"]
    routes = [await served.get(f"/api/v1/models/{name}/endpoints") for name in (MODEL, "qwen/qwen3")]
    assert found == [document["data"] for _, document in routes]


@pytest.fixture
async def answering() -> AsyncIterator[Callable[[Any], Any]]:
    """A server that says the same to every GET."""
    runners: list[web.AppRunner] = []

    async def begin(plain: object) -> str:
        async def handler(_: web.Request) -> web.Response:
            return web.json_response(plain)

        app = web.Application()
        app.router.add_get("/{rest:.*}", handler)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return "http://{}:{}".format(*runners[-1].addresses[0][:2])

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("plain", [{}, {"data": None}, {"data": [1]}, {"data": [{"id": 1}]}, []])
async def test_an_answer_that_is_no_list_of_models_is_reported(answering: Callable[[Any], Any], plain: object) -> None:
    with pytest.raises(ScoresUnavailableError):
        await fetch_openrouter(await answering(plain), None)
