"""Models in lists: under their own name, as an alias, as a variant; and suggestions for wrong names."""

from __future__ import annotations

import pytest

from monitor.discovery.model_list import listed_as, request_key, similar
from probes._model import Endpoint, Secret

LISTED = [
    ("gpt-4.1", ["gpt-4.1", "gpt-4.1-2025-04-14"], "gpt-4.1"),
    ("claude-haiku-4-5", ["claude-haiku-4-5-20251001", "claude-haiku-4-5-20250901"], "claude-haiku-4-5-20251001"),
    ("claude-3-5-haiku-latest", ["claude-3-5-haiku-20241022"], "claude-3-5-haiku-20241022"),
    ("mistral-small", ["mistral-small-latest"], "mistral-small-latest"),
    ("mistral-small-latest", ["mistral-small"], "mistral-small"),
    ("openai/gpt-oss-20b:groq", ["openai/gpt-oss-20b"], "openai/gpt-oss-20b"),
    (
        "meta-llama/llama-3.1-8b-instruct:nitro",
        ["meta-llama/llama-3.1-8b-instruct"],
        "meta-llama/llama-3.1-8b-instruct",
    ),
    ("qwen3:8b", ["qwen3"], None),
    ("smollm2", ["smollm2:latest"], "smollm2:latest"),
    ("smollm2:latest", ["smollm2"], "smollm2"),
    ("library/smollm2", ["library/smollm2:latest", "library/smollm2:8b"], "library/smollm2:latest"),
    ("qwen3:8b", ["qwen3:8b:latest-not", "qwen3:latest"], None),
    ("gpt-4.1", ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"], None),
    ("gpt-4o-2024-05-13", ["gpt-4o", "gpt-4o-2024-08-06"], None),
    ("m", [], None),
]


@pytest.mark.parametrize(("model", "names", "name"), LISTED)
def test_a_model_is_found_under_its_name_or_that_of_which_it_is_an_alias_or_a_variant(
    model: str, names: list[str], name: str | None
) -> None:
    assert listed_as(model, frozenset(names)) == name


def test_a_wrong_name_is_compared_whatever_its_case() -> None:
    assert similar("LLAMA-3.1-8b-instan", ["llama-3.1-8b-instant", "gemma2-9b-it"]) == "llama-3.1-8b-instant"
    assert similar("llama", ["gpt-4.1"]) is None


def test_a_list_without_end_does_not_take_long_to_compare() -> None:
    names = [f"model-{number}-{'x' * 150}" for number in range(50_000)] + ["y" * 1_000_000]
    assert similar("z" * 1_000_000, names) is None


def endpoint(**fields: object) -> Endpoint:
    given = {"id": "a:m", "provider": "a", "model": "m", "api": "openai_chat", "base_url": "http://h/v1", **fields}
    return Endpoint(**given)  # type: ignore[arg-type]


def test_the_same_question_is_known_for_one() -> None:
    assert request_key(endpoint()) == request_key(endpoint(id="a:n", model="n", options={"temperature": None}))


def test_an_endpoint_for_which_nothing_can_be_asked_is_a_question_of_its_own() -> None:
    assert request_key(endpoint(options={"nonsense": 1})) == "a:m"


DIFFERENT: list[dict[str, object]] = [
    {"provider": "b"},
    {"base_url": "http://h/v2"},
    {"api": "openai_embeddings"},
    {"api_key": Secret("k")},
    {"headers": (("X-Team", Secret("t")),)},
    {"options": {"models_path": None}},
]


@pytest.mark.parametrize("fields", DIFFERENT)
def test_another_question_is_not_taken_for_the_same(fields: dict[str, object]) -> None:
    assert request_key(endpoint()) != request_key(endpoint(**fields))
