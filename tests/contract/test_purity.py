"""Codecs are pure, and `probes` imports no other package of ours: checked in the source of every module."""

from __future__ import annotations

from pathlib import Path

import pytest

import probes
from tests.contract.purity import (
    CLOCKS_AND_NETWORK,
    CODEC_LIBRARY,
    FOREIGN,
    PURE_NEIGHBOURS,
    codec_problems,
    effects,
    imports,
    is_pure_neighbour,
)

MODULES = {path.stem: path for folder in probes.__path__ for path in Path(folder).rglob("*.py")}
CODECS = sorted(name for name in MODULES if not name.startswith("_"))
GOOD = """
from __future__ import annotations
import json
from dataclasses import dataclass
from datetime import datetime
from probes import _errors, _json
from probes._model import Probe, Text

@dataclass(frozen=True, slots=True, kw_only=True)
class Good(Probe):
    def read(self, frame):
        yield Text(json.loads(frame.data))
"""


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_is_one_frozen_probe_that_touches_nothing_outside(name: str) -> None:
    assert codec_problems(MODULES[name].read_text()) == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_of_probes_knows_the_daemon_or_its_libraries(name: str) -> None:
    assert not roots(imports(MODULES[name].read_text())) & FOREIGN


@pytest.mark.parametrize("name", sorted(PURE_NEIGHBOURS))
def test_a_pure_module_knows_neither_network_nor_clock(name: str) -> None:
    source = MODULES[name].read_text()
    taken = imports(source)
    assert not roots(taken - CODEC_LIBRARY) & CLOCKS_AND_NETWORK
    assert all(is_pure_neighbour(used) or used == "probes" for used in taken if used.partition(".")[0] == "probes")
    assert effects(source) == []


def test_a_good_codec_has_no_problems() -> None:
    assert codec_problems(GOOD) == []


@pytest.mark.parametrize(
    "line",
    [
        "import socket",
        "import time",
        "import random",
        "import logging, json",
        "import os.path",
        "import urllib.request",
        "import orjson",
        "import json as time, time as json",
        "from asyncio import sleep",
        "from pathlib import Path",
        "from urllib import request",
        "from subprocess import run",
        "from threading import Lock",
        "from probes import openai_chat",
        "from probes import _driver",
        "from probes._socket import keep_stamping",
        "from probes.openai_chat import OpenAIChat",
        "from . import _driver",
        "from .openai_chat import OpenAIChat",
        "import probes.openai_chat",
        "import monitor.scheduler.jobs",
        "def hidden():\n    import socket",
        "async def read(): pass",
        "async def wait():\n    await nothing",
        "print('x')",
        "secret = open",
        "answer = input()",
        "eval('1')",
        "__import__('socket')",
        "__builtins__['open']",
        "at = datetime.now()",
        "at = datetime.utcnow()",
        "clock = datetime.today",
        "def count():\n    global seen",
    ],
)
def test_a_line_that_reaches_outside_is_found(line: str) -> None:
    assert codec_problems(GOOD + line) != []


@pytest.mark.parametrize(
    "line", ["from . import _json", "from ._model import Text", "import probes._json", "import re"]
)
def test_a_pure_line_is_let_pass(line: str) -> None:
    assert codec_problems(GOOD + line) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (GOOD.replace("frozen=True, ", ""), "Good is not a frozen dataclass"),
        (GOOD.replace("frozen=True", "frozen=False"), "Good is not a frozen dataclass"),
        (GOOD.replace("@dataclass(frozen=True, slots=True, kw_only=True)\n", ""), "Good is not a frozen dataclass"),
        (GOOD.replace("@dataclass(frozen=True, slots=True, kw_only=True)\n", "@dataclass\n"), "Good is not a frozen"),
        (GOOD.replace("(Probe)", ""), "0 subclasses of Probe"),
        (GOOD + "@dataclass(frozen=True)\nclass Other(Probe): pass\n", "2 subclasses of Probe"),
        (GOOD + "def make():\n    class Inner(_model.Probe): pass\n", "2 subclasses of Probe"),
    ],
)
def test_what_is_not_one_frozen_probe_is_found(source: str, problem: str) -> None:
    assert any(told.startswith(problem) for told in codec_problems(source))


@pytest.mark.parametrize(
    "line", ["import pydantic", "from sqlalchemy.orm import Session", "import prometheus_client as p"]
)
def test_an_import_of_the_daemons_libraries_is_found(line: str) -> None:
    assert roots(imports(GOOD + line)) & FOREIGN
