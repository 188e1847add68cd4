"""`POST /v1/route` on a real server: an order with reasons, mistakes with the name of their field."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from monitor.routing.decide import RouteAnswer
from probes._model import ErrorClass
from tests.integration.openrouter.conftest import MINUTE, MODEL, TICK, Served
from tests.support.board_values import sample_at
from tests.support.openrouter_values import valid


async def routed(served: Served, provider: dict[str, Any] | None = None, **fields: Any) -> Any:
    body = {"model": MODEL, **({} if provider is None else {"provider": provider}), **fields}
    status, answer = await served.route(**body)
    assert status == 200
    return valid(answer, RouteAnswer)


def ids(answer: Any) -> list[str]:
    return [endpoint["id"] for endpoint in answer["endpoints"]]


async def test_the_endpoints_of_a_model_come_in_an_order_with_reasons(served: Served) -> None:
    answer = await routed(served, {"sort": "latency"})
    assert ids(answer) == ["groq:llama", "vllm:llama", "down:llama"]
    assert [endpoint["status"] for endpoint in answer["endpoints"]] == ["up", "up", "down"]
    assert "sorted by latency: 0.2 s to the first token at p50" in answer["endpoints"][0]["reason"]
    assert answer["endpoints"][2]["reason"].startswith("down since 2026-11-22")
    assert answer["excluded"] == []


async def test_a_seed_draws_the_same_order_again_and_others_draw_others(served: Served) -> None:
    drawn = [ids(await routed(served, seed=seed)) for seed in range(30)]
    assert drawn == [ids(await routed(served, seed=seed)) for seed in range(30)]
    firsts = {each[0] for each in drawn}
    assert firsts == {"groq:llama", "vllm:llama"}
    assert all(each[-1] == "down:llama" for each in drawn)


async def test_without_a_seed_every_answer_is_drawn_anew(served: Served) -> None:
    firsts = {ids(await routed(served))[0] for _ in range(200)}
    assert firsts == {"groq:llama", "vllm:llama"}


async def test_what_is_left_out_has_a_reason(served: Served) -> None:
    answer = await routed(served, {"ignore": ["groq"], "max_price": {"prompt": 0.6}}, prompt_tokens=100)
    assert ids(answer) == ["down:llama"]
    assert {endpoint["id"]: endpoint["reason"] for endpoint in answer["excluded"]} == {
        "groq:llama": "it is named in `ignore`",
        "vllm:llama": "it charges $1 per million prompt tokens, and `max_price.prompt` is $0.6",
    }


async def test_when_all_are_down_all_are_offered(served: Served) -> None:
    for number in range(6, 12):
        at = TICK + number * MINUTE
        served.board.absorb(
            sample_at(at, ErrorClass.CONNECT, name) for name in ("groq:llama", "vllm:llama", "down:llama")
        )
    served.board.publish(TICK + 11.5 * MINUTE, sweep=True)
    answer = await routed(served)
    assert [each["status"] for each in answer["endpoints"]] == ["down"] * 3
    scores = [endpoint["score"] for endpoint in answer["endpoints"]]
    assert scores == sorted(scores, reverse=True)


async def test_when_the_monitor_has_not_measured_for_long_all_take_part(served: Served) -> None:
    served.board.publish(TICK + 10_000 * MINUTE, sweep=True)
    answer = await routed(served)
    assert {endpoint["status"] for endpoint in answer["endpoints"]} == {"unknown"}
    assert len(answer["endpoints"]) == 3


async def test_a_model_that_is_not_there_is_not_found(served: Served) -> None:
    status, answer = await served.route(model="nobody/nothing")
    assert (status, answer) == (
        404,
        {"error": {"code": "not_found", "message": "no model has the name 'nobody/nothing'; /api/v1/models lists all"}},
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "model: is missing"),
        ({"model": MODEL, "provder": {}}, "provder: is not a known field; known fields: model, provider"),
        (
            {"model": MODEL, "provider": {"sort": 1}},
            "provider.sort: must be one of 'price', 'throughput' or 'latency' or an object, not 1",
        ),
        ({"model": [MODEL]}, "model: must be text, not a list"),
        ({"model": MODEL, "prompt_tokens": "12"}, "prompt_tokens: must be a whole number, not '12'"),
        ([], "the body must be an object, not a list"),
    ],
)
async def test_a_mistake_is_reported_with_the_name_of_its_field(served: Served, body: object, message: str) -> None:
    response, answer = await served.ask("/v1/route", "POST", json.dumps(body).encode())
    assert response.status == 400
    error = json.loads(answer)["error"]
    assert error["code"] == "bad_request"
    assert message in error["message"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"nothing", b'{"model": NaN}', b"[" * 100_000, b'{"model": "\\ud800"}', b"1" * 5000]
)
async def test_what_is_no_request_is_refused_and_breaks_nothing(served: Served, body: bytes) -> None:
    response, answer = await served.ask("/v1/route", "POST", body)
    assert response.status in {400, 404}
    assert json.loads(answer)["error"]["message"]
    assert len(ids(await routed(served))) == 3


async def test_a_body_beyond_all_bounds_is_refused(served: Served) -> None:
    response, _ = await served.ask("/v1/route", "POST", io.BytesIO(b" " * (2 << 20)))
    assert response.status == 413


async def test_only_post_is_answered(served: Served) -> None:
    response, _ = await served.ask("/v1/route")
    assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_the_openapi_document_describes_the_body_and_the_answer(served: Served) -> None:
    _, document = await served.get("/openapi.json")
    operation = document["paths"]["/v1/route"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/RouteRequest"}
    preferences = document["components"]["schemas"]["Preferences"]["properties"]
    assert [*preferences][:3] == ["order", "only", "ignore"]
    for name in ("RouteRequest", "Preferences", "MaxPrice", "Cutoffs", "SortBy"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False
    assert document["components"]["schemas"]["RouteRequest"]["required"] == ["model"]
    assert "additionalProperties" not in document["components"]["schemas"]["RouteAnswer"]
    assert set(operation["responses"]) >= {"200", "400", "404"}
    assert "/api/v1/models/{author}/{slug}/endpoints" in document["paths"]
