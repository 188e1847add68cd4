"""OpenRouter's documents: its fields, its types, its units, its direction of percentiles, and our twins beside them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.config.listing import QUANTIZATIONS, Architecture, ModelCard, ProviderCard
from monitor.domain.status import Status
from monitor.routing.openrouter.documents import (
    endpoints_document,
    models_document,
    providers_document,
    status_of,
    usd_per_token,
)
from monitor.routing.openrouter.types import (
    ListedModelsDocument,
    ListedProvidersDocument,
    ModelEndpointsDocument,
    OpenRouterStatus,
)
from monitor.routing.tiers import TierPolicy
from monitor.score.health import Trouble
from monitor.score.outcomes import Counts
from monitor.scoreboard.endpoint import EndpointSnapshot
from probes._model import ErrorClass, Pricing
from tests.support.board_values import first_tick, make_board, make_spec, sample_at
from tests.support.openrouter_values import QUICK, THEIRS, make_endpoint, summary, unpriced, valid
from tests.support.routing_policy import every_standing
from tests.unit.score.values import START, unhurried

REFUSED = Trouble(error=ErrorClass.AUTH, since=START)


def listed(endpoint: EndpointSnapshot) -> Any:
    (found,) = valid(endpoints_document([endpoint]), ModelEndpointsDocument, "endpoints")["data"]["endpoints"]
    return found


def models(*endpoints: EndpointSnapshot) -> Any:
    return valid(models_document(endpoints), ListedModelsDocument, "models")["data"]


def providers(*endpoints: EndpointSnapshot) -> Any:
    return valid(providers_document(endpoints), ListedProvidersDocument, "providers")["data"]


def test_their_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(THEIRS)


def test_an_endpoint_says_everything() -> None:
    card = ModelCard(created=datetime(2024, 9, 25, tzinfo=UTC), description="Small.")
    endpoint = make_endpoint(
        "deepinfra:llama",
        pricing=Pricing(prompt=0.05, completion=0.2, cached=0.025),
        model=card,
        provider=ProviderCard(name="DeepInfra"),
        tag="deepinfra/turbo",
        quantization="fp8",
        max_completion_tokens=4096,
        max_prompt_tokens=30_000,
        supported_parameters=("tools", "temperature"),
        implicit_caching=True,
        model_name="Meta: Llama",
    )
    document = valid(endpoints_document([endpoint]), ModelEndpointsDocument, "endpoints")
    assert document == {
        "data": {
            "id": "meta-llama/llama-3.2-1b-instruct",
            "name": "Meta: Llama",
            "created": 1_727_222_400,
            "description": "Small.",
            "architecture": {
                "tokenizer": "Other",
                "instruct_type": None,
                "modality": "text->text",
                "input_modalities": ["text"],
                "output_modalities": ["text"],
            },
            "endpoints": [
                {
                    "name": "DeepInfra | meta-llama/llama-3.2-1b-instruct",
                    "model_id": "meta-llama/llama-3.2-1b-instruct",
                    "model_name": "Meta: Llama",
                    "provider_name": "DeepInfra",
                    "tag": "deepinfra/turbo",
                    "context_length": 60_000,
                    "max_completion_tokens": 4096,
                    "max_prompt_tokens": 30_000,
                    "pricing": {"prompt": "0.00000005", "completion": "0.0000002", "input_cache_read": "0.000000025"},
                    "quantization": "fp8",
                    "supported_parameters": ["tools", "temperature"],
                    "status": 0,
                    "uptime_last_5m": 90,
                    "uptime_last_30m": 90,
                    "uptime_last_1d": 90,
                    "latency_last_30m": {"p50": 200, "p75": 250, "p90": 300, "p99": 500},
                    "throughput_last_30m": {"p50": 60, "p75": 55, "p90": 50, "p99": 45},
                    "supports_implicit_caching": True,
                    "supports_tool_choice": {"auto": False, "function": False, "none": False, "required": False},
                    "supports_diarization": False,
                    "native_tools": {},
                    "service_tier": None,
                    "providerwatch": {
                        "id": "deepinfra:llama",
                        "status": "up",
                        "score": 0.99,
                        "measured_at": "2026-11-22T07:00:00.000000Z",
                        "source": "synthetic",
                        "window": "30m",
                        "sample_count": 10,
                        "ttft_s": {"p50": 0.2, "p75": 0.25, "p90": 0.3, "p99": 0.5},
                        "output_tps": {"p50": 50, "p75": 60, "p90": 70, "p99": 80},
                        "e2e_tps": {"p50": 40, "p75": 45, "p90": 50, "p99": 55},
                        "uptime_ratio": {"5m": 0.9, "30m": 0.9, "1h": 0.9, "1d": 0.9},
                        "uptime_count": {"5m": 10, "30m": 10, "1h": 10, "1d": 10},
                        "prompt_usd_per_mtok": 0.05,
                        "completion_usd_per_mtok": 0.2,
                    },
                }
            ],
        }
    }


def test_what_is_not_configured_is_null_or_says_so() -> None:
    found = listed(unpriced(make_endpoint(context_length=None)))
    assert found["pricing"] == {"prompt": "-1", "completion": "-1"}
    assert (found["context_length"], found["max_completion_tokens"], found["quantization"]) == (0, None, None)
    assert (found["tag"], found["provider_name"], found["supported_parameters"]) == ("groq", "groq", [])
    assert found["model_name"] == found["model_id"] == "meta-llama/llama-3.2-1b-instruct"
    assert found["providerwatch"]["prompt_usd_per_mtok"] is None


def test_too_little_data_is_null_and_the_twins_still_tell_it() -> None:
    few = Counts(ok=2, account=50, monitor=9)
    scarce = {name: replace(each, count=4) for name, each in QUICK.items()}
    found = listed(make_endpoint(counts=dict.fromkeys(("5m", "30m", "1h", "1d"), few), summaries=scarce))
    assert [found[f"uptime_last_{window}"] for window in ("5m", "30m", "1d")] == [None] * 3
    assert (found["latency_last_30m"], found["throughput_last_30m"]) == (None, None)
    twins = found["providerwatch"]
    assert (twins["sample_count"], twins["ttft_s"]["p50"]) == (4, 0.2)
    assert (twins["uptime_ratio"]["5m"], twins["uptime_count"]["5m"]) == (1.0, 2)


def test_enough_is_three_for_uptime_and_five_for_percentiles() -> None:
    enough = {name: replace(each, count=5) for name, each in QUICK.items()}
    counts = dict.fromkeys(("5m", "30m", "1h", "1d"), Counts(ok=2, failed=1))
    found = listed(make_endpoint(counts=counts, summaries=enough))
    assert found["uptime_last_5m"] == 66.667
    assert found["latency_last_30m"]["p50"] == 200


def test_an_endpoint_without_measurements_is_all_null() -> None:
    nothing = summary(None, None, None, None, count=0, falling=True)
    found = listed(
        make_endpoint(
            status=Status.UNKNOWN,
            score=None,
            measured_at=None,
            counts=dict.fromkeys(("5m", "30m", "1h", "1d"), Counts()),
            summaries=dict.fromkeys(QUICK, nothing),
        )
    )
    assert (found["status"], found["uptime_last_5m"], found["latency_last_30m"]) == (0, None, None)
    assert (found["providerwatch"]["score"], found["providerwatch"]["measured_at"]) == (None, None)


def test_a_speed_without_what_is_reached_has_no_percentiles() -> None:
    plain = {**QUICK, "e2e_tps": summary(1, 2, 3, 4)}
    assert listed(make_endpoint(summaries=plain))["throughput_last_30m"] is None


@pytest.mark.parametrize(
    ("status", "account", "number"),
    [
        (Status.UP, None, 0),
        (Status.UNKNOWN, None, 0),
        (Status.DEGRADED, None, -1),
        (Status.UP, REFUSED, -2),
        (Status.UNKNOWN, REFUSED, -2),
        (Status.DEGRADED, REFUSED, -2),
        (Status.MAINTENANCE, REFUSED, -3),
        (Status.DOWN, REFUSED, -5),
        (Status.DOWN, None, -5),
        (Status.PAUSED, None, -10),
    ],
)
def test_the_status_is_zero_where_requests_go_as_usual(status: Status, account: Trouble | None, number: int) -> None:
    assert status_of(make_endpoint(status=status, account=account)) == number
    assert listed(make_endpoint(status=status, account=account))["status"] == number


@every_standing
def test_the_number_is_that_of_the_table(status: Status, account: str | None, policy: TierPolicy) -> None:
    assert status_of(make_endpoint(status=status, account=None if account is None else REFUSED)) is policy.openrouter


def test_each_number_means_one_thing() -> None:
    assert sorted(OpenRouterStatus) == [-10, -5, -3, -2, -1, 0]


@unhurried
@given(st.floats(0, 1e6) | st.floats(0, 1e-6))
def test_a_price_is_a_plain_decimal_number_that_is_exactly_what_was_written(price: float) -> None:
    text = usd_per_token(price)
    assert re.fullmatch(r"[0-9]+(\.[0-9]*[1-9])?", text)
    assert float(Decimal(text) * 10**6) == price


@pytest.mark.parametrize(
    ("price", "text"), [(0, "0"), (0.0, "0"), (0.027, "0.000000027"), (15, "0.000015"), (2e6, "2"), (1e8, "100")]
)
def test_prices_as_they_are_read(price: float, text: str) -> None:
    assert usd_per_token(price) == text


def test_the_list_of_models_shows_the_cheapest_of_those_that_stand_best() -> None:
    cheap = make_endpoint("a:m", pricing=Pricing(prompt=1, completion=1), status=Status.DOWN)
    middle = make_endpoint(
        "b:m",
        pricing=Pricing(prompt=2, completion=2),
        context_length=1000,
        max_completion_tokens=7,
        supported_parameters=("tools", "seed"),
    )
    dear = make_endpoint("c:m", pricing=Pricing(prompt=3, completion=3), supported_parameters=("stop", "tools"))
    (found,) = models(unpriced(make_endpoint("d:m")), cheap, dear, middle)
    assert found["pricing"]["prompt"] == "0.000002"
    assert found["top_provider"] == {"context_length": 1000, "max_completion_tokens": 7, "is_moderated": False}
    assert found["context_length"] == 60_000
    assert found["supported_parameters"] == ["stop", "tools", "seed"]
    assert found["links"] == {"details": "/api/v1/models/meta-llama/llama-3.2-1b-instruct/endpoints"}
    assert found["canonical_slug"] == found["id"]


def test_a_price_that_is_not_known_is_shown_only_where_none_is() -> None:
    (found,) = models(unpriced(make_endpoint(context_length=None)))
    assert found["pricing"] == {"prompt": "-1", "completion": "-1"}
    assert found["context_length"] is None


def test_models_come_in_the_order_of_the_configuration() -> None:
    found = models(make_endpoint("a:1", spec=make_spec("a:1", model="z/z")), make_endpoint("a:2"))
    assert [each["id"] for each in found] == ["z/z", "meta-llama/llama-3.2-1b-instruct"]


def test_a_page_of_models_has_the_total_number_and_the_next_offset() -> None:
    endpoints = [make_endpoint(f"a:{name}", spec=make_spec(f"a:{name}", model=f"z/{name}")) for name in "abcde"]

    def page(offset: int, limit: int | None) -> tuple[list[str], str | None]:
        document = valid(models_document(endpoints, offset, limit), ListedModelsDocument, "models")
        assert document["total_count"] == 5
        return [each["id"] for each in document["data"]], document["links"]["next"]

    assert page(0, None) == (["z/a", "z/b", "z/c", "z/d", "z/e"], None)
    assert page(0, 2) == (["z/a", "z/b"], "/api/v1/models?offset=2&limit=2")
    assert page(2, 2) == (["z/c", "z/d"], "/api/v1/models?offset=4&limit=2")
    assert page(4, 2) == (["z/e"], None)
    assert page(3, 2) == (["z/d", "z/e"], None)
    assert page(9, 2) == ([], None)
    assert page(4, None) == (["z/e"], None)


def test_the_architecture_is_what_is_written() -> None:
    architecture = Architecture(
        tokenizer="Llama3", instruct_type="llama3", modality="text+image->text", input_modalities=("text", "image")
    )
    (found,) = models(make_endpoint(model=ModelCard(architecture=architecture)))
    assert found["architecture"] == {
        "tokenizer": "Llama3",
        "instruct_type": "llama3",
        "modality": "text+image->text",
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
    }
    (found,) = models(make_endpoint(model=ModelCard(architecture=replace(architecture, modality=None))))
    assert found["architecture"]["modality"] == "text+image->text"


def test_every_provider_that_has_endpoints_is_listed_once() -> None:
    card = ProviderCard(
        name="Groq", status_page_url="https://s", privacy_policy_url="https://p", terms_of_service_url="https://t"
    )
    found = providers(
        make_endpoint("vllm:a"), make_endpoint("groq:a", provider=card), make_endpoint("groq:b", provider=card)
    )
    assert found == [
        {
            "name": "Groq",
            "slug": "groq",
            "status_page_url": "https://s",
            "privacy_policy_url": "https://p",
            "terms_of_service_url": "https://t",
        },
        {
            "name": "vllm",
            "slug": "vllm",
            "status_page_url": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
        },
    ]


def test_nothing_configured_gives_empty_lists() -> None:
    assert models() == providers() == []


@pytest.mark.parametrize("quantization", [*QUANTIZATIONS, None])
def test_every_quantization_of_a_configuration_is_one_of_theirs(quantization: str | None) -> None:
    assert listed(make_endpoint(quantization=quantization))["quantization"] == quantization


def test_a_board_publishes_facts_that_all_documents_can_be_made_of() -> None:
    board, tick = make_board(make_spec()), first_tick()
    board.absorb(
        sample_at(tick + number * timedelta(minutes=1), e2e_tps=40.0 + number, ttft_s=0.2 + number / 100)
        for number in range(11)
    )
    (row,) = board.publish(tick + timedelta(minutes=10.5), sweep=True).rows.values()
    assert row.endpoint is not None
    found = listed(row.endpoint)
    assert found["latency_last_30m"] == {"p50": 250, "p75": 275, "p90": 290, "p99": 299}
    assert found["throughput_last_30m"] == {"p50": 45, "p75": 42.5, "p90": 41, "p99": 40.1}
    assert (found["uptime_last_30m"], found["providerwatch"]["sample_count"]) == (100, 11)
    assert models(row.endpoint)[0]["pricing"] == found["pricing"]
