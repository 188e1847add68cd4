"""The pages on routers match the code."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cli.common import extensions
from monitor.config import Config, load
from monitor.domain.router_ids import ROUTERS
from monitor.domain.status import Status
from monitor.routing.formats import FORMATS
from monitor.routing.router_format import RouterFormat
from monitor.scoreboard.board import Board
from tests.routers.pages import PAGES, block, blocks
from tests.support.router_files import render
from tests.support.rows import make_row
from tests.unit.score.values import START

CONFIGURED = ("envoy", "haproxy", "traefik", "vllm")


def page(tmp_path: Path, name: str) -> Config:
    """The configuration of a page."""
    path = tmp_path / "providerwatch.yaml"
    path.write_text(block(name, "yaml", "models:"))
    return load(path, {}, extensions())


@pytest.mark.parametrize("name", CONFIGURED)
def test_a_pages_configuration_loads_and_what_it_publishes_can_be_made(tmp_path: Path, name: str) -> None:
    config = page(tmp_path, name)
    snapshot = Board(config, [], START).snapshot
    assert all(name in spec.router_ids for spec in config.endpoints)
    for file in config.publish_files:
        assert isinstance(file, RouterFormat)
        assert file.render(snapshot)
    assert config.publish_files or config.haproxy_agent


def test_every_router_with_names_of_its_own_has_a_page_and_stands_in_the_list() -> None:
    listed = re.findall(r"`(\w+): [A-Z]+[/@][A-Z:]+`", (PAGES / "README.md").read_text())
    assert sorted(listed) == sorted(ROUTERS) == sorted(CONFIGURED)


def test_the_pages_describe_every_format() -> None:
    text = "".join(path.read_text() for path in PAGES.glob("*.md"))
    assert all(f"`{file_format}`" in text for file_format in FORMATS if file_format != "openrouter")


def test_the_page_on_vllm_shows_the_file_that_is_written(tmp_path: Path) -> None:
    config = page(tmp_path, "vllm")
    near, far = config.endpoints
    rows = [make_row("p:1", router_ids=near.router_ids), make_row("p:2", Status.DOWN, 0.0, router_ids=far.router_ids)]
    snapshot = Board(config, [], START).snapshot
    made = render("vllm", replace(snapshot, rows={row.id: row for row in rows}))
    assert json.loads(made) == json.loads(block("vllm", "json", "static_backends"))
    assert made.decode() == block("vllm", "json", "static_backends")


@pytest.mark.parametrize("text", blocks("python", "python"))
def test_the_examples_in_python_are_programs(text: str) -> None:
    exec(compile(text, "python.md", "exec"), {"__name__": "example"})
