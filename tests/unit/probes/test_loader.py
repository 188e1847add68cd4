"""Finding wire APIs: our own modules, and those that other packages bring by entry point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from probes._loader import available, codec, codec_class
from probes._model import Probe
from probes.openai_chat import OpenAIChat

CODEC = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Optional
from probes._errors import refusal
from probes._model import Fault, Probe, Request, Task

@dataclass(frozen=True, slots=True, kw_only=True)
class Acme(Probe):
    tasks = frozenset({Task.CHAT})
    region: str = "eu"
    turns: int = 1
    limit: Optional[float] = None
    strict: bool = False
    quick: bool | None = None
    tags: tuple[str, ...] = ()

    def request(self, endpoint, task, prompt):
        return Request(method="GET", url=endpoint.base_url, headers=(), body=b"")

    def read(self, frame):
        return ()

    def refusal(self, status, headers, body):
        return refusal(status, headers, body)
"""


def install(folder: Path, **modules: str) -> None:
    """Lay out a distribution whose modules are registered as wire APIs under their own names."""
    metadata = folder / "acme_codecs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-codecs\nVersion: 1.0\n")
    lines = [f"{name.removeprefix('their_')} = {name}" for name in modules]
    (metadata / "entry_points.txt").write_text("\n".join(["[providerwatch.probes]", *lines, ""]))
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_our_own_apis_are_the_modules_without_an_underscore() -> None:
    assert "openai_chat" in available()
    assert not [name for name in available() if name.startswith("_")]
    assert list(available()) == sorted(available())


def test_an_api_is_named_as_its_file() -> None:
    assert codec_class("openai_chat") is OpenAIChat


def test_an_unknown_api_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown api 'nonsense'"):
        codec("nonsense", {})


@pytest.mark.parametrize("name", ["_model", "_driver", "", "openai_chat.OpenAIChat", "../openai_chat"])
def test_what_is_no_api_is_not_loaded(name: str) -> None:
    with pytest.raises(ValueError, match="unknown api"):
        codec(name, {})


def test_options_are_the_codecs_fields() -> None:
    made = codec("openai_chat", {"max_tokens_field": "max_completion_tokens", "include_usage": False})
    assert made == OpenAIChat(max_tokens_field="max_completion_tokens", include_usage=False)


def test_a_whole_number_is_a_float() -> None:
    """YAML writes `temperature: 1`."""
    assert codec("openai_chat", {"temperature": 1}) == OpenAIChat(temperature=1)


def test_an_optional_option_can_be_null() -> None:
    assert codec("openai_chat", {"temperature": None}) == OpenAIChat(temperature=None)


def test_an_unknown_option_is_refused_with_those_there_are() -> None:
    known = "random_seed, reasoning_effort, reasoning_tokens, temperature, tool_choice"
    with pytest.raises(ValueError, match=rf"mistral_chat has no option 'color' \(it has: {known}\)"):
        codec("mistral_chat", {"color": "red"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("include_usage", 1),
        ("include_usage", None),
        ("include_usage", "yes"),
        ("max_tokens_field", 1),
        ("max_tokens_field", None),
        ("max_tokens_field", ["max_tokens"]),
        ("reasoning_effort", 1),
    ],
)
def test_an_option_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"option '{name}' of openai_chat: invalid value"):
        codec("openai_chat", {name: value})


def test_other_packages_bring_apis_by_entry_point(theirs: Path) -> None:
    install(theirs, their_acme=CODEC)
    assert "acme" in available()
    made = codec("acme", {"turns": 3})
    assert isinstance(made, Probe)
    assert type(made).__name__ == "Acme"
    assert made == codec("acme", {"turns": 3})


@pytest.mark.parametrize(
    ("name", "value", "is_right"),
    [
        ("limit", 1, True),
        ("limit", 1.5, True),
        ("limit", None, True),
        ("limit", False, False),
        ("turns", 2, True),
        ("turns", 2.0, False),
        ("turns", True, False),
        ("strict", True, True),
        ("strict", 0, False),
        ("quick", True, True),
        ("quick", None, True),
        ("quick", 1, False),
        ("region", "us", True),
        ("region", None, False),
        ("tags", ["a"], False),
        ("tags", "a", False),
    ],
)
def test_every_type_of_yaml_is_distinguished(theirs: Path, name: str, value: object, is_right: bool) -> None:
    install(theirs, their_typed=CODEC)
    if is_right:
        assert getattr(codec("typed", {name: value}), name) == value
    else:
        with pytest.raises(ValueError, match=f"option '{name}' of typed: invalid value"):
            codec("typed", {name: value})


def test_an_unknown_api_is_refused_whatever_other_packages_register(theirs: Path) -> None:
    install(theirs, their_acme=CODEC, their_typed=CODEC)
    assert codec_class("typed").__name__ == "Acme"
    with pytest.raises(ValueError, match="unknown api 'nonsense'"):
        codec_class("nonsense")


def test_their_api_does_not_displace_ours(theirs: Path) -> None:
    install(theirs, their_openai_chat=CODEC)
    assert codec_class("openai_chat") is OpenAIChat
    assert available().count("openai_chat") == 1


@pytest.mark.parametrize(
    ("name", "source", "number"),
    [("their_none", "", 0), ("their_two", CODEC + "\nclass Other(Probe):\n    pass\n", 2)],
)
def test_a_module_holds_one_probe(theirs: Path, name: str, source: str, number: int) -> None:
    install(theirs, **{name: source})
    with pytest.raises(ValueError, match=f"{name} must define one Probe subclass, but defines {number}"):
        codec(name.removeprefix("their_"), {})


def test_an_api_without_options_says_so(theirs: Path) -> None:
    bare = "\n".join(line for line in CODEC.splitlines() if " = " not in line or "tasks" in line)
    install(theirs, their_bare=bare)
    with pytest.raises(ValueError, match=r"bare has no option 'color' \(it has: none\)"):
        codec("bare", {"color": "red"})


def test_ours_are_modules_of_the_package() -> None:
    for name in available():
        assert isinstance(__import__(f"probes.{name}"), ModuleType)


def test_all_apis_can_be_imported_before_any_is_needed() -> None:
    code = (
        "import sys; from probes import _loader; _loader.import_own(); print([n for n in sys.modules if '_chat' in n])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "probes.openai_chat" in seen
    assert "probes.ollama_chat" in seen
