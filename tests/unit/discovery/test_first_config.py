"""A first configuration: `check` accepts it, it contains no key, and text from servers cannot harm it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Config, Entry, catalogue, load
from monitor.discovery.first_config import nothing_found, report, usd_per_day, write
from monitor.discovery.search import Findings, FoundKey, FoundServer

AT = datetime(2026, 11, 1, tzinfo=UTC)
CATALOGUE = catalogue()
PLACES = {"ollama": "http://127.0.0.1:11434"}


def key(provider: str, entry: Entry | None = None, variables: str | None = None) -> FoundKey:
    entry = entry or CATALOGUE.providers[provider]
    return FoundKey(provider=provider, entry=entry, variables=variables or entry.keys[0])


def server(provider: str, *models: str, variables: str | None = None) -> FoundServer:
    entry = CATALOGUE.providers[provider]
    return FoundServer(
        provider=provider, entry=entry, base_url="http://127.0.0.1:9/v1", variables=variables, models=models
    )


def text_of(findings: Findings) -> str:
    text = write(findings, CATALOGUE, AT)
    assert text is not None
    return text


def loaded(text: str, folder: Path) -> Config:
    path = folder / "pw.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", text), "k3y"))


def test_a_file_for_every_provider_of_the_catalogue_is_accepted(tmp_path: Path) -> None:
    keys = [key(name) for name, entry in CATALOGUE.providers.items() if entry.keys and not entry.local]
    servers = [server(name, "qwen3:8b") for name, entry in CATALOGUE.providers.items() if entry.local]
    text = text_of(Findings(keys=tuple(keys), servers=tuple(servers)))
    config = loaded(text, tmp_path)
    here = {name for name, entry in CATALOGUE.providers.items() if entry.base_url}
    assert {spec.endpoint.provider for spec in config.endpoints} == here
    assert all(spec.probes for spec in config.endpoints)
    assert max(map(len, text.splitlines())) <= 130


def test_a_server_is_said_to_be_on_this_machine_only_if_it_is() -> None:
    there = replace(server("vllm", "m"), base_url="http://gpu1:8000/v1")
    assert "  vllm:  # vLLM, on this machine\n" in text_of(Findings(servers=(server("vllm", "m"),)))
    assert "  vllm:  # vLLM\n" in text_of(Findings(servers=(there,)))


def test_a_key_stays_in_the_environment() -> None:
    text = text_of(Findings(keys=(key("groq"),)))
    assert "    api_key: ${env:GROQ_API_KEY}\n" in text


def test_endpoints_of_one_model_stand_together(tmp_path: Path) -> None:
    found = Findings(keys=(key("groq"), key("openai"), key("novita")))
    models = [spec.model for spec in loaded(text_of(found), tmp_path).endpoints]
    llama = "meta-llama/llama-3.1-8b-instruct"
    assert models == [llama, llama, "openai/gpt-4.1-mini"]


def test_what_a_day_costs_is_said_where_it_is_known() -> None:
    found = Findings(keys=(key("openai"), key("friendli"), key("voyage")))
    text = text_of(found)
    assert "{provider: openai, model: gpt-4.1-mini}  # about $0.21 a day" in text
    assert "{provider: friendli, model: google/gemma-4-31B-it}\n" in text
    assert "{provider: voyage, model: voyage-3.5-lite}  # less than $0.01 a day" in text
    assert usd_per_day(found, AT) == pytest.approx(0.21, abs=0.01)
    assert usd_per_day(Findings(), AT) is None


def test_embeddings_alone_get_no_chat(tmp_path: Path) -> None:
    config = loaded(text_of(Findings(keys=(key("voyage"),))), tmp_path)
    assert list(config.probes) == ["embed"]


def test_a_provider_whose_address_is_not_known_is_left_to_the_reader(tmp_path: Path) -> None:
    keys = (key("groq"), key("bedrock", variables="AWS_ACCESS_KEY_ID:AWS_SECRET_ACCESS_KEY"))
    text = text_of(Findings(keys=keys))
    assert "  #   base_url: https://bedrock-runtime.us-east-1.amazonaws.com\n" in text
    assert "  #   api_key: ${env:AWS_ACCESS_KEY_ID}:${env:AWS_SECRET_ACCESS_KEY}\n" in text
    assert list(loaded(text, tmp_path).providers) == ["groq"]
    assert write(Findings(keys=keys[1:]), CATALOGUE, AT) is None


def test_a_server_is_written_with_its_address_its_key_and_its_first_models(tmp_path: Path) -> None:
    names = [f"m{number:02}" for number in range(30)]
    text = text_of(Findings(servers=(server("litellm", *names, variables="LITELLM_API_KEY"),)))
    config = loaded(text, tmp_path)
    assert [spec.endpoint.model for spec in config.endpoints] == ["m00", "m01", "m02"]
    assert config.endpoints[0].endpoint.base_url == "http://127.0.0.1:9/v1"
    assert "    api_key: ${env:LITELLM_API_KEY}\n" in text
    assert "  # litellm has also: m03, m04, " in text
    assert "m22, and 7 more\n" in text


def test_models_that_do_not_chat_are_not_asked_to(tmp_path: Path) -> None:
    ollama = server("ollama", "all-minilm:latest", "llama3.2:1b", "nomic-embed-text")
    studio = server("lm-studio", "text-embedding-nomic-embed-text-v1.5", "whisper-large-v3")
    config = loaded(text_of(Findings(servers=(ollama, studio))), tmp_path)
    asked = {spec.endpoint.model: (spec.endpoint.api, spec.probes) for spec in config.endpoints}
    assert asked == {
        "llama3.2:1b": ("ollama_chat", ("chat",)),
        "text-embedding-nomic-embed-text-v1.5": ("openai_embeddings", ("embed",)),
    }


PUBLIC = [
    ("Qwen/Qwen2.5-7B-Instruct", "qwen/qwen2.5-7b-instruct"),
    ("llama3.2:1b", "local/llama3.2-1b"),
    ("models/deep/SmolLM2-135M.gguf", "local/smollm2-135m"),
    ("@cf/x", "cf/x"),
    ("a/@", "a/model"),
    ("true", "local/true"),
    ("123", "local/123"),
]


@pytest.mark.parametrize(("name", "public"), PUBLIC)
def test_a_model_gets_a_public_name(name: str, public: str, tmp_path: Path) -> None:
    [spec] = loaded(text_of(Findings(servers=(server("vllm", name),))), tmp_path).endpoints
    assert (spec.endpoint.model, spec.model) == (name, public)


HOSTILE = ["${env:HOME}", "a\nstore: x", "a, id: b}", "#", "a #b", "-", "é", "x" * 151, "a b", '"', "\x1b[2J", "${"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_mean_something_is_left_out(name: str) -> None:
    assert write(Findings(servers=(server("vllm", name),)), CATALOGUE, AT) is None
    both = text_of(Findings(servers=(server("vllm", name, "fine"),)))
    assert "also" not in both
    assert name not in report(Findings(servers=(server("vllm", "fine", name),)), AT, None) or len(name) == 1


@given(names=st.lists(st.text(max_size=20) | st.from_regex(r"[-A-Za-z0-9@._:/+]{1,20}", fullmatch=True), max_size=4))
def test_whatever_a_server_says_the_file_is_accepted(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = write(Findings(servers=(server("sglang", *dict.fromkeys(names)),)), CATALOGUE, AT)
    if text is not None:
        models = [spec.endpoint.model for spec in loaded(text, tmp_path_factory.getbasetemp()).endpoints]
        assert set(models) <= set(names)


def test_the_report_says_what_was_found_what_it_costs_and_what_comes_next() -> None:
    keys = (key("openai"), key("bedrock", variables="AWS_ACCESS_KEY_ID:AWS_SECRET_ACCESS_KEY"))
    servers = (server("ollama", "a", "b", "c", "d"), server("vllm", "m"))
    assert report(Findings(keys=keys, servers=servers), AT, Path("pw.yaml")).splitlines() == [
        "found",
        "  OpenAI: OPENAI_API_KEY",
        "  Amazon Bedrock: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; write its address, such as "
        "https://bedrock-runtime.us-east-1.amazonaws.com",
        "  Ollama at http://127.0.0.1:9/v1: a, b, c, and 1 more",
        "  vLLM at http://127.0.0.1:9/v1: m",
        "Probes cost about $0.21 a day; a longer `every:` makes them cheaper.",
        "Next: providerwatch check --connect -c pw.yaml",
    ]
    assert report(Findings(servers=servers[1:]), AT, None).splitlines()[-1].endswith("--connect -c FILE")


def test_nothing_found_says_what_was_looked_for() -> None:
    told = nothing_found(Findings(), CATALOGUE, PLACES)
    assert "Ollama: http://127.0.0.1:11434" in told
    assert "OPENAI_API_KEY" in told
    assert "providerwatch demo" in told
    told = nothing_found(Findings(keys=(key("azure"),)), CATALOGUE, PLACES)
    assert "Azure OpenAI: AZURE_OPENAI_API_KEY; write its address, such as https://NAME.openai.azure.com" in told
