"""For any file, loading gives a configuration or a ConfigError."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.cli.common import extensions
from monitor.config import Config, ConfigError, load
from tests.support.examples import examples

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(60))
"""Machines that test are busy."""

SECRET = "s3cret-of-the-environment"
WORDS = """
vantage canaries listen token public store max_concurrent grace providers models probes scoring publish api
base_url api_key labels headers options endpoints provider model id enabled pricing prompt
completion router_ids task every timeout ttft_timeout slo ttft output_tps files format path
retention groq meta/llama chat prompt_tokens envoy envoy-eds budget usd_per_day tokens_per_day
maintenance from to cluster haproxy_agent metrics
"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(
        ["openai_chat", "http://h/v1", "groq", "chat", "60s", "${env:KEY}", "${env:HALF}", "$${", "${", "[::1]:80"]
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=5),
    max_leaves=30,
)
MARKUP = st.lists(
    st.sampled_from([*"{}[]:,-?!&*#|>%@`'\"\\ \n\t~<=$.01ax", ": ", "- ", "\n  ", "<<: ", "*a", "&a ", "---"])
)

NAMES = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=20)
LABELS = st.dictionaries(
    NAMES, st.text(string.printable[:95].replace("$", ""), min_size=1, max_size=20).filter(str.strip), max_size=2
)
DURATIONS = st.integers(1, 900).map(lambda seconds: f"{seconds}s")
RANGES = st.integers(1, 900).map(lambda seconds: f"{seconds}s..{seconds + 1}m")


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder, "pw.yaml")


def loaded(path: Path, content: bytes) -> Config | None:
    """The configuration in a file, or None after a look at the lines that say why there is none."""
    path.write_bytes(content)
    try:
        return load(path, {"KEY": SECRET, "HALF": "\ud800"}, extensions())
    except ConfigError as error:
        problems, told = error.problems, str(error)
    lines = told.split("\n")
    assert all(line.isprintable() and line.startswith(f"{path}:") for line in lines)
    assert len(lines) == len(problems)
    assert SECRET not in told
    return None


@patient
@given(content=st.binary())
def test_any_bytes_end_in_a_configuration_or_in_lines(path: Path, content: bytes) -> None:
    assert loaded(path, content) is None


@patient
@given(text=st.text())
def test_any_text_ends_in_lines(path: Path, text: str) -> None:
    assert loaded(path, text.encode("utf-8", "surrogatepass")) is None


@patient
@given(text=MARKUP.map("".join))
def test_any_markup_ends_in_lines(path: Path, text: str) -> None:
    assert loaded(path, text.encode()) is None


@patient
@given(tree=st.dictionaries(KEYS, TREES, max_size=8))
def test_any_tree_ends_in_lines_or_in_a_configuration(path: Path, tree: dict[str, object]) -> None:
    loaded(path, json.dumps(tree).encode())


@st.composite
def files(draw: st.DrawFn) -> dict[str, object]:
    """A file that is right."""
    providers = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    probes = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    count = draw(st.integers(1, 6))
    endpoints = [
        {
            "provider": draw(st.sampled_from(providers)),
            "model": f"{draw(NAMES)}-{index}",
            "labels": draw(LABELS),
            "probes": draw(st.lists(st.sampled_from(probes), min_size=1, unique=True)),
            "pricing": {"prompt": draw(st.floats(0, 100)), "completion": draw(st.integers(0, 100))},
            "enabled": draw(st.booleans()),
        }
        for index in range(count)
    ]
    return {
        "vantage": draw(NAMES),
        "listen": f"127.0.0.1:{draw(st.integers(0, 65535))}",
        "grace": draw(DURATIONS),
        "max_concurrent": draw(st.integers(1, 1000)),
        "providers": {
            name: {
                "api": "openai_chat",
                "base_url": f"http://host/{index}",
                "api_key": "${env:KEY}",
                "labels": draw(LABELS),
            }
            for index, name in enumerate(providers)
        },
        "models": {f"a/{draw(NAMES)}": {"endpoints": endpoints}},
        "probes": {name: {"task": "chat", "every": draw(DURATIONS | RANGES), "timeout": "901s"} for name in probes},
    }


@patient
@given(file=files())
def test_every_right_file_loads(path: Path, file: dict[str, object]) -> None:
    config = loaded(path, json.dumps(file, ensure_ascii=False).encode())
    assert config is not None
    [model] = file["models"].values()  # type: ignore[attr-defined]  # as built above
    assert [spec.endpoint.model for spec in config.endpoints] == [endpoint["model"] for endpoint in model["endpoints"]]
    assert len({spec.endpoint.id for spec in config.endpoints}) == len(config.endpoints)
    assert SECRET not in repr(config)
