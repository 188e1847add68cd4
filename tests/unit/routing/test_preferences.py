"""A body becomes preferences; null and empty values count as absent."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.config.listing import QUANTIZATIONS
from monitor.routing.preferences import (
    Preferences,
    Quantization,
    RouteRequest,
    RoutingPreferences,
    preferences_of,
    request_of,
)
from monitor.schema.body import WrongBodyError
from monitor.schema.json_schema import document_schema
from tests.unit.score.values import unhurried


def preferences(**fields: Any) -> RoutingPreferences:
    return preferences_of(request_of({"model": "a/b", **fields}))


def test_everything_that_can_be_said() -> None:
    found = preferences(
        provider={
            "order": ["Groq", "a"],
            "only": ["GROQ"],
            "ignore": ["x", "Y"],
            "allow_fallbacks": False,
            "require_parameters": True,
            "quantizations": ["fp8"],
            "sort": "price",
            "preferred_min_throughput": 20,
            "preferred_max_latency": {"p50": 1, "p99": 2.5, "p90": None},
            "max_price": {"prompt": 1, "completion": 0},
        },
        prompt_tokens=0,
        parameters=["tools", "tools", "seed"],
        seed=-3,
    )
    assert found == RoutingPreferences(
        prompt_tokens=0,
        parameters=("tools", "seed"),
        order=("groq", "a"),
        only=frozenset({"groq"}),
        ignore=frozenset({"x", "y"}),
        allow_fallbacks=False,
        require_parameters=True,
        quantizations=frozenset({"fp8"}),
        sort="price",
        least_tps={"p50": 20},
        most_ttft_s={"p50": 1, "p99": 2.5},
        max_price={"prompt": 1, "completion": 0},
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"provider": None, "prompt_tokens": None, "parameters": None, "seed": None},
        {"provider": {}, "parameters": []},
        {
            "provider": dict.fromkeys(
                (
                    "order",
                    "only",
                    "ignore",
                    "allow_fallbacks",
                    "require_parameters",
                    "quantizations",
                    "sort",
                    "preferred_min_throughput",
                    "preferred_max_latency",
                    "max_price",
                )
            )
        },
        {"provider": {"order": [], "only": [], "ignore": [], "quantizations": [], "max_price": {}}},
        {"provider": {"allow_fallbacks": True, "require_parameters": False}},
    ],
)
def test_what_is_null_or_empty_wishes_nothing(fields: dict[str, Any]) -> None:
    assert preferences(**fields) == RoutingPreferences()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "model: is missing"),
        ({"model": "a/b", "providers": {}}, "providers: is not a known field; known fields: model, provider"),
        (
            {"model": "a/b", "provider": {"data_collection": "deny"}},
            "provider.data_collection: is not a known field; known",
        ),
        (
            {"model": "a/b", "provider": {"sort": "cheap"}},
            "provider.sort: must be one of 'price', 'throughput' or 'latency', not 'cheap'",
        ),
        ({"model": "a/b", "provider": {"order": "groq"}}, "provider.order: must be a list, not 'groq'"),
        ({"model": "a/b", "provider": {"order": [1]}}, "provider.order[0]: must be text, not 1"),
        ({"model": "a/b", "provider": {"max_price": {"prompt": "-1"}}}, "provider.max_price.prompt: must look like"),
        ({"model": "a/b", "provider": {"max_price": {"prompt": -1}}}, "provider.max_price.prompt: must be at least 0"),
        (
            {"model": "a/b", "provider": {"preferred_max_latency": {"p95": 1}}},
            "latency.p95: is not a known field; known",
        ),
        ({"model": "a/b", "provider": {"quantizations": ["fp9"]}}, "provider.quantizations[0]: must be one of 'int4'"),
        ({"model": "a/b", "prompt_tokens": -1}, "prompt_tokens: must be at least 0, not -1"),
        ({"model": "a/b", "parameters": ["x" * 201]}, "parameters[0]: is too long"),
        ({"model": "a/b", "parameters": ["x"] * 201}, "parameters: has too many entries"),
        ({"model": "a/b", "seed": 0.5}, "seed: must be a whole number, not 0.5"),
        ({"model": "a/b", "seed": 2**63}, "seed: must be at most"),
    ],
)
def test_a_mistake_names_its_field(body: object, message: str) -> None:
    with pytest.raises(WrongBodyError) as caught:
        request_of(body)
    assert message in str(caught.value)


def test_prices_may_be_text_and_sort_an_object() -> None:
    found = preferences(provider={"max_price": {"prompt": "0.5", "completion": "2"}, "sort": {"by": "price"}})
    assert (found.max_price, found.sort) == ({"prompt": 0.5, "completion": 2}, "price")
    assert preferences(provider={"sort": {"partition": "model", "by": None}}).sort is None


def test_a_request_may_ask_for_every_quantization_that_can_be_configured() -> None:
    assert get_args(Quantization) == QUANTIZATIONS


SCHEMA = Draft202012Validator(document_schema(RouteRequest, "request", closed=True))
VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False, width=16)
ANYTHING = st.recursive(
    VALUES | st.sampled_from(["price", "fp8", "x", "1.5", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["p50", "prompt", "by", "x"]), inner),
    max_leaves=4,
)
PREFERENCES = st.dictionaries(st.sampled_from([*get_type_hints(Preferences), "x"]), ANYTHING, max_size=3)
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(["a/b", 1])},
    optional={"provider": PREFERENCES | ANYTHING, "prompt_tokens": ANYTHING, "parameters": ANYTHING, "seed": ANYTHING},
)


@unhurried
@given(BODIES)
def test_what_the_published_schema_takes_is_taken_and_nothing_else(body: dict[str, Any]) -> None:
    try:
        taken = isinstance(preferences_of(request_of(body)), RoutingPreferences)
    except WrongBodyError:
        taken = False
    assert taken == SCHEMA.is_valid(body)
