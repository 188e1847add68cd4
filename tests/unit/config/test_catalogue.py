"""The catalogue in the package: every entry is usable, and has only options that its api accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import Entry, Quirk, catalogue, load
from monitor.config._addresses import base_url
from monitor.config._catalogue import joined, read
from monitor.config._values import name, provider_name
from probes._loader import available, codec
from probes._model import Task

DOCS = Path(__file__).parents[3] / "docs" / "providers.md"
CATALOGUE = catalogue()
ENTRIES = CATALOGUE.providers.items()
REASONING = [
    *("o3-mini", "gpt-5-mini", "openai/gpt-5", "gpt-5-codex", "gpt-5-pro", "gpt-oss:20b", "openai/gpt-oss-120b"),
    *(
        "deepseek-reasoner",
        "deepseek-ai/DeepSeek-R1-0528",
        "deepseek-v4-pro",
        "magistral-medium-latest",
        "Qwen/QwQ-32B",
    ),
    *("qwen/qwen3-32b", "qwen3:8b", "Qwen/Qwen3-235B-A22B-Thinking-2507", "glm-4.6", "zai-org/GLM-5.2", "kimi-k2.5"),
    *("kimi-k2-thinking", "MiniMax-M2", "grok-4.5", "grok-3-mini", "google/gemini-2.5-pro", "sonar-reasoning-pro"),
]
PLAIN = ["gpt-4.1-mini", "llama-3.1-8b-instant", "Qwen/Qwen3-30B-A3B-Instruct-2507", "grok-4-fast-non-reasoning"]
OTHERS = ["claude-haiku-4-5", "claude-sonnet-5", "us.anthropic.claude-opus-4-8-v1:0", "gemini-2.5-flash"]
OTHERS += ["gemini-2.5-pro", "gemini-3.1-pro-preview", "gemini-3.5-flash", "text-embedding-3-small", "mistral-embed"]
OTHERS += ["command-a-reasoning-08-2025", "nomic-embed-text-v1.5", "BAAI/bge-m3"]


def options_of(entry: Entry, model: str) -> tuple[str, dict[str, object]]:
    api = CATALOGUE.api(entry, model)
    usual = entry.options if api == entry.api else {}
    return api, {**usual, **CATALOGUE.quirks(entry, model, api)}


def quirks() -> Iterator[Quirk]:
    yield from CATALOGUE.families
    for _, entry in ENTRIES:
        yield from entry.models


def test_it_knows_the_providers_that_people_use() -> None:
    well_known = "openai anthropic gemini mistral cohere groq together fireworks openrouter azure bedrock ollama vllm"
    assert set(well_known.split()) <= set(CATALOGUE.providers)
    assert len(CATALOGUE.providers) >= 35


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_an_entrys_api_exists_and_takes_its_options_with_every_model(provider: str, entry: Entry) -> None:
    apis, example = available(), [entry.example.model] if entry.example else []
    for model in [*example, *REASONING, *PLAIN, *OTHERS]:
        api, options = options_of(entry, model)
        assert api in apis
        assert codec(api, options).tasks & {Task.CHAT, Task.EMBEDDING}


@pytest.mark.parametrize("family", CATALOGUE.families)
def test_every_api_of_a_family_takes_its_options(family: Quirk) -> None:
    assert family.apis
    for api in family.apis:
        codec(api, family.options)


def test_every_pattern_can_be_searched() -> None:
    for quirk in quirks():
        re.compile(quirk.match)


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_an_entry_is_what_a_configuration_may_hold(provider: str, entry: Entry) -> None:
    provider_name(provider)
    assert (entry.base_url is None) is (entry.hint is not None)
    base_url(entry.base_url or entry.hint or "")
    assert entry.local or (entry.keys and (entry.base_url or entry.hint or "").startswith("https://"))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*(:[A-Z][A-Z0-9_]*)*", key) for key in entry.keys)
    if entry.example is not None:
        name(entry.example.model)
        name(entry.example.public)
    assert entry.local or entry.example


def test_servers_of_ones_own_listen_on_this_machine_at_ports_of_their_own() -> None:
    local = [entry.base_url for _, entry in ENTRIES if entry.local]
    assert all(address and address.startswith("http://127.0.0.1:") for address in local)
    assert len(set(local)) == len(local)


def room(entry: Entry, model: str) -> int:
    api, options = options_of(entry, model)
    asker = codec(api, options)
    return getattr(asker, "reasoning_tokens", 0)


@pytest.mark.parametrize("model", REASONING)
@pytest.mark.parametrize("provider", ["openai", "openrouter", "groq", "vllm", "ollama", "azure", "bedrock", "mistral"])
def test_a_reasoning_model_gets_room_to_answer(provider: str, model: str) -> None:
    assert room(CATALOGUE.providers[provider], model) >= 1024


@pytest.mark.parametrize("model", PLAIN)
def test_a_model_that_does_not_reason_gets_no_more_than_was_configured(model: str) -> None:
    assert room(CATALOGUE.providers["openrouter"], model) == 0


def test_reasoning_is_as_little_as_the_api_allows() -> None:
    wanted = {
        ("openai", "gpt-5-mini"): ("reasoning_effort", "low"),
        ("openai", "o4-mini"): ("temperature", None),
        ("groq", "qwen/qwen3-32b"): ("reasoning_effort", "none"),
        ("gemini", "gemini-2.5-flash"): ("thinking_budget", 0),
        ("gemini", "gemini-3-pro-preview"): ("thinking_level", "low"),
        ("anthropic", "claude-sonnet-5"): ("effort", "low"),
        ("ollama", "qwen3:8b"): ("think", False),
        ("cohere", "command-a-reasoning-08-2025"): ("thinking", "disabled"),
    }
    for (provider, model), (option, value) in wanted.items():
        assert options_of(CATALOGUE.providers[provider], model)[1][option] == value, (provider, model)


def test_embedding_models_of_chat_providers_are_asked_for_embeddings() -> None:
    asked = {"openai": "text-embedding-3-small", "mistral": "mistral-embed", "lm-studio": "nomic-embed-text-v1.5"}
    assert {CATALOGUE.api(CATALOGUE.providers[key], model) for key, model in asked.items()} == {"openai_embeddings"}


@pytest.mark.parametrize(("provider", "entry"), ENTRIES)
def test_a_file_that_names_nothing_but_an_endpoint_loads(provider: str, entry: Entry, tmp_path: Path) -> None:
    model = entry.example.model if entry.example else "qwen3:8b"
    file: dict[str, object] = {
        "models": {"a/b": {"endpoints": [{"provider": provider, "model": model}]}},
        "probes": {"chat": {"task": "chat"}, "embed": {"task": "embedding"}},
    }
    if entry.base_url is None:
        file["providers"] = {provider: {"base_url": entry.hint}}
    path = tmp_path / "pw.yaml"
    path.write_text(json.dumps(file), encoding="utf-8")
    env = dict.fromkeys(entry.keys[-1].split(":"), "k3y") if entry.keys else {}
    endpoint = load(path, env).endpoints[0].endpoint
    assert endpoint.base_url == (entry.base_url or entry.hint)
    assert (endpoint.api_key is None) is (not entry.keys)


def test_the_docs_name_every_provider_with_its_variables() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for provider, entry in ENTRIES:
        [row] = [line for line in text.splitlines() if line.startswith(f"| `{provider}` ")]
        assert entry.title in row
        assert f"`{entry.api}`" in row
        assert (entry.base_url or entry.hint or "") in row
        assert all(variable in row for key in entry.keys for variable in key.split(":"))


def test_an_entry_with_a_key_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="adress"):
        read("providers: {a: {title: A, api: b, base_url: http://h, adress: x}}", "f")


def test_variables_are_listed_as_a_choice() -> None:
    assert joined(["A"]) == "A"
    assert joined(["A", "B"]) == "A or B"
    assert joined(["A", "B:C"]) == "A, or B and C"
