"""OpenRouter's routes on a real server: bodies in its format, entity tags by content, its own errors."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from monitor.routing.openrouter.types import ListedModelsDocument, ListedProvidersDocument, ModelEndpointsDocument
from probes._model import ErrorClass
from tests.integration.openrouter.conftest import MINUTE, MODEL, TICK, Served
from tests.support.board_values import make_board, make_spec, sample_at
from tests.support.openrouter_values import valid

ENDPOINTS = f"/api/v1/models/{MODEL}/endpoints"


async def test_the_endpoints_of_a_model_are_there_side_by_side(served: Served) -> None:
    status, document = await served.get(ENDPOINTS)
    assert status == 200
    model = valid(document, ModelEndpointsDocument, "endpoints")["data"]
    assert (model["id"], model["description"]) == (MODEL, "Small.")
    found = {endpoint["providerwatch"]["id"]: endpoint for endpoint in model["endpoints"]}
    assert [*found] == ["groq:llama", "vllm:llama", "down:llama"]
    groq, vllm, down = found.values()
    assert (groq["provider_name"], groq["tag"], groq["quantization"]) == ("Groq", "groq/fast", "fp8")
    assert [each["status"] for each in found.values()] == [0, 0, -5]
    assert [each["uptime_last_30m"] for each in found.values()] == [100, 100, 0]
    assert (groq["latency_last_30m"]["p50"], vllm["latency_last_30m"]["p50"]) == (200, 400)
    assert (down["latency_last_30m"], down["throughput_last_30m"]) == (None, None)
    assert vllm["throughput_last_30m"] == {"p50": 20, "p75": 20, "p90": 20, "p99": 20}


async def test_the_list_of_models_names_every_model_and_where_its_endpoints_are(served: Served) -> None:
    _, document = await served.get("/api/v1/models")
    models = valid(document, ListedModelsDocument, "models")["data"]
    assert [model["id"] for model in models] == [MODEL, "qwen/qwen3"]
    assert models[0]["pricing"] == {"prompt": "0.0000005", "completion": "0.0000005"}
    for each in models:
        status, found = await served.get(each["links"]["details"])
        assert (status, found["data"]["id"]) == (200, each["id"])


async def test_the_list_of_models_comes_in_pages_for_who_wants_them(served: Served) -> None:
    found, path = [], "/api/v1/models?limit=1"
    while path:
        _, document = await served.get(path)
        page = valid(document, ListedModelsDocument, "models")
        found += [each["id"] for each in page["data"]]
        path = page["links"]["next"]
    assert found == [MODEL, "qwen/qwen3"]
    assert (await served.get("/api/v1/models?limit=0"))[0] == 400


async def test_the_list_of_providers_names_every_provider(served: Served) -> None:
    _, document = await served.get("/api/v1/providers")
    providers = valid(document, ListedProvidersDocument, "providers")["data"]
    assert [(provider["slug"], provider["name"]) for provider in providers] == [
        ("down", "down"),
        ("groq", "Groq"),
        ("new", "new"),
        ("vllm", "vllm"),
    ]


@pytest.mark.parametrize("name", ["nobody/nothing", "meta-llama/llama", "%22/%0A", "a/b%2Fc", "META-LLAMA/x"])
async def test_a_model_that_is_not_there_is_an_error_in_their_shape(served: Served, name: str) -> None:
    status, document = await served.get(f"/api/v1/models/{name}/endpoints")
    assert status == 404
    assert document["error"]["code"] == 404
    assert "no model has the name" in document["error"]["message"]


@pytest.mark.parametrize("name", ["llama", "org/team/llama", "llama3.2:1b", "/x/", "endpoints"])
async def test_a_model_of_any_other_name_is_where_the_list_says(served: Served, name: str) -> None:
    served.board = make_board(make_spec("groq:llama", model=name))
    _, document = await served.get("/api/v1/models")
    (listed,) = document["data"]
    assert listed["id"] == name
    for path in (listed["links"]["details"], f"/api/v1/models/{quote(name, safe='')}/endpoints"):
        status, found = await served.get(path)
        assert (status, found["data"]["id"]) == (200, name)


async def test_a_parameter_that_is_not_known_is_refused(served: Served) -> None:
    status, document = await served.get("/api/v1/models?category=programming")
    assert (status, document["error"]["code"]) == (400, "bad_request")


async def tag_of(served: Served, path: str) -> str:
    response, _ = await served.ask(path)
    return response.headers["ETag"]


@pytest.mark.parametrize("path", [ENDPOINTS, "/api/v1/models", "/api/v1/providers"])
async def test_who_has_a_document_already_gets_304(served: Served, path: str) -> None:
    response, body = await served.ask(path, If_None_Match=await tag_of(served, path))
    assert (response.status, body) == (304, b"")


async def test_a_new_sample_changes_its_model_and_no_other_document(served: Served) -> None:
    paths = (ENDPOINTS, "/api/v1/models/qwen/qwen3/endpoints", "/api/v1/models", "/api/v1/providers")
    before = [await tag_of(served, path) for path in paths]
    served.board.absorb([sample_at(TICK + 6 * MINUTE, ttft_s=0.7)])
    served.board.publish(TICK + 6 * MINUTE + MINUTE / 10)
    changed = [await tag_of(served, path) != tag for path, tag in zip(paths, before, strict=True)]
    assert changed == [True, False, False, False]


async def test_a_model_is_shown_by_its_other_endpoint_when_the_cheapest_falls(served: Served) -> None:
    async def price() -> Any:
        return (await served.get("/api/v1/models"))[1]["data"][0]["pricing"]["prompt"]

    assert await price() == "0.0000005"
    for number in range(6, 12):
        at = TICK + number * MINUTE
        served.board.absorb(sample_at(at, ErrorClass.CONNECT, name) for name in ("groq:llama", "down:llama"))
        served.board.absorb([sample_at(at, name="vllm:llama")])
    served.board.publish(TICK + 11.5 * MINUTE, sweep=True)
    assert await price() == "0.000001"


async def test_a_long_document_is_gzipped_for_who_takes_it(served: Served) -> None:
    response, _ = await served.ask(ENDPOINTS, Accept_Encoding="gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    plain, _ = await served.ask(ENDPOINTS, Accept_Encoding="identity")
    assert "Content-Encoding" not in plain.headers


async def test_head_is_answered_without_a_body(served: Served) -> None:
    response, body = await served.ask("/api/v1/models", "HEAD")
    assert (response.status, body) == (200, b"")
