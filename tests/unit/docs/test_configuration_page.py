"""docs/configuration.md has one row for every key of the JSON Schema, with its default."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([\w.\[\]]+)` \| (.*?) ?\| .*\S \|$", PAGE, re.MULTILINE)
SCHEMA = json.loads(CliRunner().invoke(app, ["check", "--schema"]).stdout)


def keys(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key that the schema knows, as the page writes it, and what the schema says of it."""
    if "$ref" in node:
        node = {**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], **node}
    for kind in node.get("anyOf", ()):
        yield from keys(kind, path)
    for name, value in node.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        yield key, value
        yield from keys(value, key)
    if isinstance(node.get("additionalProperties"), dict):
        yield from keys(node["additionalProperties"], f"{path}.X")
    if "items" in node:
        yield from keys(node["items"], f"{path}[]")


KEYS = dict(keys(SCHEMA))


def test_every_key_has_one_row_and_no_row_is_of_another() -> None:
    assert sorted(key for key, _ in ROWS) == sorted(KEYS)


# Written by the page in another unit.
SAME = {"3650d": "10y", "100000000": "100MB"}
SCALARS = {
    key: str(value["default"]).lower()
    for key, value in KEYS.items()
    if isinstance(value.get("default"), str | int | bool) and value["default"] != "" and key != "sinks.X.kind"
}


@pytest.mark.parametrize("key", SCALARS)
def test_a_row_shows_the_default(key: str) -> None:
    assert dict(ROWS)[key] == f"`{SAME.get(SCALARS[key], SCALARS[key])}`"
