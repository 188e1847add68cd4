"""A loader of configurations that stand in a test, with wire APIs and a catalogue of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from monitor.cli.common import extensions
from monitor.config import Catalogue, Config, ConfigError, load
from probes._model import Endpoint, Event, Fault, Frame, Headers, Probe, Prompt, Request, Task

Load: TypeAlias = Callable[..., Config]
Lines: TypeAlias = Callable[..., list[str]]

APIS = ("anthropic_messages", "openai_chat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(Probe):
    """A codec that is never asked for anything."""

    tasks = frozenset({Task.CHAT})

    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        raise NotImplementedError

    def read(self, frame: Frame) -> Iterable[Event]:
        raise NotImplementedError

    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        raise NotImplementedError


def codec(api: str, options: Mapping[str, object]) -> Probe:
    """Knows `effort` (low or high), `depth` (a number), `nested` (no stars) and `word` (not s3cret)."""
    for name in options:
        if name not in {"effort", "depth", "nested", "word"}:
            raise ValueError(f"{api} has no option\n{name!r}")
    if options.get("word") == "s3cret":
        raise ValueError("word must not be s3cret")
    if options.get("effort", "low") not in {"low", "high"}:
        raise ValueError(f"effort cannot be {options['effort']!r}")
    if not isinstance(options.get("depth", 1), int):
        raise TypeError(f"depth cannot be {options['depth']!r}")
    if "***" in str(options.get("nested")):
        raise ValueError(f"nested cannot be {options['nested']!r}")
    if "s3cret-nested" in str(options.get("nested")):
        raise ValueError(f"nested must not be {options['nested']!r}")
    return Mute()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pw.yaml"


@pytest.fixture
def load_text(path: Path) -> Load:
    """Loads a text as a file, with an environment."""

    def load_it(text: str, env: Mapping[str, str] | None = None, known: Catalogue | None = None) -> Config:
        path.write_text(text, encoding="utf-8")
        return load(
            path, env or {}, extensions(), available=lambda: APIS, codec=codec, known=lambda: known or Catalogue()
        )

    return load_it


@pytest.fixture
def lines(load_text: Load, path: Path) -> Lines:
    """The lines that loading a text ends in, with the file's name shortened."""

    def lines_of(text: str, env: Mapping[str, str] | None = None, known: Catalogue | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, env, known)
        return str(caught.value).replace(f"{path}", "pw.yaml").split("\n")

    return lines_of
