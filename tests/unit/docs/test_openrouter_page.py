"""The pages on OpenRouter's format and on routing match the code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

from monitor.config.listing import Architecture, ModelCard, ProviderCard
from monitor.domain.status import Status
from monitor.routing.decide import route
from monitor.routing.openrouter.documents import (
    ENOUGH_FOR_PERCENTILES,
    ENOUGH_FOR_UPTIME,
    by_model,
    endpoints_document,
)
from monitor.routing.openrouter.types import ModelEndpointsDocument, OpenRouterStatus
from monitor.routing.preferences import Preferences, RouteRequest, preferences_of, request_of
from probes._model import Pricing
from tests.support.openrouter_values import make_endpoint, valid

DOCS = Path(__file__).parents[3] / "docs"
OPENROUTER, ROUTING = ((DOCS / f"{name}.md").read_text() for name in ("openrouter", "routing"))
MODEL = "meta-llama/llama-3.1-8b-instruct"


def shown(page: str) -> Any:
    """The first JSON of a page."""
    (example, *_) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return json.loads(example)


def test_the_example_of_a_model_is_in_openrouters_shape() -> None:
    valid(shown(OPENROUTER), ModelEndpointsDocument, "endpoints")


def test_the_example_of_a_model_shows_what_would_be_made_of_such_an_endpoint() -> None:
    endpoint = make_endpoint(
        "groq:llama-3.1-8b-instant",
        pricing=Pricing(prompt=0.05, completion=0.08, cached=0.025),
        model_name="Meta: Llama 3.1 8B Instruct",
        context_length=131_072,
        model=ModelCard(
            created=datetime(2024, 7, 23, tzinfo=UTC),
            description="A small model for quick answers.",
            architecture=Architecture(tokenizer="Llama3", instruct_type="llama3"),
        ),
        provider=ProviderCard(name="Groq"),
        supported_parameters=("temperature", "max_tokens", "stop", "tools"),
    )
    made, told = json.loads(json.dumps(endpoints_document([endpoint])))["data"], shown(OPENROUTER)["data"]
    (listed,), (example,) = made.pop("endpoints"), told.pop("endpoints")
    assert made == {**told, "id": endpoint.spec.model}
    measured = re.compile(r"_last_|^providerwatch$|^model_id$|^name$")
    assert [*listed] == [*example]
    assert {key: listed[key] for key in listed if not measured.search(key)} == {
        key: example[key] for key in example if not measured.search(key)
    }
    assert [*listed["providerwatch"]] == [*example["providerwatch"]]
    assert (endpoint.provider_name, endpoint.tag) == ("Groq", "groq")
    assert [*by_model([endpoint])] == [endpoint.spec.model]


def test_the_page_has_the_minimum_counts_and_the_meaning_of_each_status() -> None:
    assert f"null with fewer than {ENOUGH_FOR_UPTIME} of them" in OPENROUTER
    assert OPENROUTER.count(f"null with fewer than {ENOUGH_FOR_PERCENTILES} successes") == 2
    assert f"With fewer than {ENOUGH_FOR_PERCENTILES} successes an endpoint counts as within the bounds" in ROUTING
    told = re.findall(r"^\| (-?\d+) \| ", OPENROUTER, re.MULTILINE)
    assert [int(number) for number in told] == sorted(OpenRouterStatus, reverse=True)


def test_the_example_of_a_route_gets_the_answer_that_stands_below_it() -> None:
    (body,) = re.findall(r"/v1/route -d '(.*?)'", ROUTING, re.DOTALL)
    asked = request_of(json.loads(body))
    assert asked["model"] == MODEL
    endpoints = [
        make_endpoint(
            "groq:llama-3.1-8b-instant",
            pricing=Pricing(prompt=0.05, completion=0.08),
            score=0.991,
            supported_parameters=("tools",),
        ),
        make_endpoint(
            "vllm-8b",
            status=Status.DOWN,
            since=datetime(2026, 11, 22, 6, 41, tzinfo=UTC),
            score=0.04,
            supported_parameters=("tools",),
        ),
        make_endpoint("together:llama-3.1-8b"),
    ]
    assert route(endpoints, preferences_of(asked), asked["seed"] or 0) == shown(ROUTING)


def test_the_page_on_routing_describes_every_key() -> None:
    for name in get_type_hints(Preferences):
        assert f"provider.{name}" in ROUTING, name
    for name in get_type_hints(RouteRequest):
        assert f"| `{name}` |" in ROUTING, name
