"""The published JSON Schema, and the examples in `config/`."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from monitor.cli.common import extensions
from monitor.config import json_schema, load
from monitor.config._source import parse

CONFIG = Path(__file__).parents[3] / "config"
EXAMPLES = ["minimal.yaml", "providerwatch.example.yaml"]


def test_the_example_loads_and_holds_every_key(tmp_path: Path) -> None:
    (tmp_path / "providerwatch-token").write_text("t0ken\n")
    (tmp_path / "key_vllm").write_text("vllm-key\n")
    path = tmp_path / "providerwatch.yaml"
    text = (CONFIG / "providerwatch.example.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    env = {
        "GROQ_API_KEY": "gsk_x",
        "OPENAI_KEY_FOR_PROBES": "sk-x",
        "OPENAI_ORGANIZATION": "org-x",
        "INFLUX_TOKEN": "influx-x",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    config = load(path, env, extensions())
    assert [spec.endpoint.id for spec in config.endpoints] == [
        "groq:llama-3.1-8b-instant",
        "vllm-8b",
        "openai:gpt-4.1-mini",
        "groq:openai/gpt-oss-20b",
        "my-vllm:openai/gpt-oss-20b",
        "my-vllm:BAAI/bge-m3",
    ]
    assert [spec.probes for spec in config.endpoints][-1] == ("embed",)
    for definition in [json_schema(extensions()), *json_schema(extensions())["$defs"].values()]:
        assert all(f"{key}:" in text for key in definition["properties"])


def test_the_minimal_example_loads() -> None:
    config = load(CONFIG / "minimal.yaml", {"GROQ_API_KEY": "gsk_x"})
    assert [spec.endpoint.id for spec in config.endpoints] == ["groq:llama-3.1-8b-instant"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_hold_no_key(name: str) -> None:
    text = (CONFIG / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if "api_key:" in line or line.strip().startswith("token:"):
            assert "${" in line


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    schema = json_schema(extensions())
    assert all(not definition["additionalProperties"] for definition in [schema, *schema["$defs"].values()])


def test_the_schema_says_defaults_as_they_are_written() -> None:
    properties = json_schema(extensions())["$defs"]["ProbeSection"]["properties"]
    assert [properties[name]["default"] for name in ("every", "ttft_timeout", "timeout")] == ["60s", "10s", "30s"]
    assert json_schema(extensions())["properties"]["listen"]["default"] == "127.0.0.1:8780"


def test_the_schema_allows_nothing_to_be_null() -> None:
    assert "null" not in str(json_schema(extensions()))
    assert "None" not in str(json_schema(extensions()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_schema_is_valid_and_accepts_the_examples(name: str) -> None:
    schema = json_schema(extensions())
    jsonschema.Draft202012Validator.check_schema(schema)
    example = parse((CONFIG / name).read_text(encoding="utf-8"), name).data
    jsonschema.Draft202012Validator(schema).validate(example)


def test_the_schema_lets_a_provider_of_the_catalogue_leave_out_what_is_known() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(extensions()))
    endpoints = {"a/b": {"endpoints": [{"provider": "groq", "model": "m"}]}}
    assert validator.is_valid({"models": endpoints})
    assert validator.is_valid({"providers": {"groq": {"max_concurrent": 1}}, "models": endpoints})
    assert not validator.is_valid({"providers": {}})


def test_the_schema_knows_whose_blame_can_be_moved_to_whom() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(extensions()))
    assert validator.is_valid({"models": {}, "scoring": {"blame": {"auth": "provider", "dns": "account"}}})
    assert not validator.is_valid({"models": {}, "scoring": {"blame": {"internal": "provider"}}})
    assert not validator.is_valid({"models": {}, "scoring": {"blame": {"auth": "monitor"}}})


def test_the_schema_refuses_a_duration_without_a_unit_but_not_a_reference() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(extensions()))
    small: dict[str, object] = {"providers": {}, "models": {}}
    assert validator.is_valid({**small, "grace": "30s"})
    assert validator.is_valid({**small, "grace": "${env:GRACE}"})
    assert not validator.is_valid({**small, "grace": "30"})
    assert not validator.is_valid({**small, "grace": 30})


@pytest.mark.parametrize(
    ("every", "accepted"),
    [
        ("60s", True),
        ("15s..5m", True),
        ("15s .. 5m", True),
        ("${env:EVERY}", True),
        ("15s..${env:LONGEST}", True),
        ("15..5m", False),
        ("15s..5", False),
        ("15s..1m..5m", False),
        ("15s..", False),
        ("..5m", False),
        ("fast", False),
        (60, False),
    ],
)
def test_the_schema_says_how_an_interval_is_written(every: object, accepted: bool) -> None:
    probe = {"$ref": "#/$defs/ProbeSection", "$defs": json_schema(extensions())["$defs"]}
    assert jsonschema.Draft202012Validator(probe).is_valid({"task": "chat", "every": every}) is accepted
