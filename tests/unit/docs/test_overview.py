"""README and CONTRIBUTING show the rooms, the layers and the way of a sample as the code has them."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
WAY = re.findall(
    r"^\d+\. `([\w/]+\.py)`: (.*?)(?=^\d+\. |^$)",
    CONTRIBUTING.partition("## One sample")[2].partition("\n## ")[0],
    re.MULTILINE | re.DOTALL,
)


def test_the_first_screen_is_five_sentences_read_aloud_in_less_than_forty_seconds() -> None:
    first = README.partition("\n\n")[2].partition("\n\n")[0]
    assert len(re.findall(r"[a-z]\.(?=\s|$)", first)) == 5
    assert len(first.split()) <= 95  # people read about 150 words a minute


def test_every_room_has_a_line() -> None:
    rooms = {path.parent.name for path in (ROOT / "monitor").glob("*/__init__.py")}
    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE) != []
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == rooms


def test_the_layers_are_those_that_import_linter_enforces() -> None:
    shown = CONTRIBUTING.partition("## Rooms")[2].partition("```")[2].partition("```")[0]
    layers = [layer.replace("monitor.", "").split(" | ") for layer in LAYERS["layers"]]
    assert [line.split() for line in shown.strip().splitlines()] == layers


def test_the_way_of_a_sample_has_twelve_files_at_most() -> None:
    assert 2 < len(WAY) <= 12
    assert WAY[0][0].startswith("monitor/scheduler/")
    assert WAY[-1][0] == "monitor/web/routes/scores.py"


@pytest.mark.parametrize(("file", "text"), WAY, ids=[file for file, _ in WAY])
def test_what_a_step_names_is_in_its_file(file: str, text: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    defined = {
        node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    methods = {
        f"{kind.name}.{node.name}"
        for kind in tree.body
        if isinstance(kind, ast.ClassDef)
        for node in kind.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    paths = set(re.findall(r'path="([^"]+)"', (ROOT / file).read_text(encoding="utf-8")))
    named = re.findall(r"`([^`]+)`", text)
    assert any(name in defined | methods | paths for name in named), named
