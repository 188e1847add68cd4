"""The examples in docs/http-history.md work."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from yarl import URL

from monitor.domain.status import Status
from monitor.history.buckets import LATENCIES
from monitor.history.pagination import from_cursor
from monitor.history.series import ONLY_RAW, Metric, series_query
from monitor.web.badge_svg import Badge, BadgeWindow, Colour, of_status, of_ttft, of_uptime, svg
from monitor.web.store_reads import ReadLimits
from tests.integration.history.serving import Begin, Served, make_history, samples
from tests.integration.history.test_openapi import CLOSED, ON_PAGE
from tests.support.board_values import make_board, make_spec
from tests.support.memory_store import MemoryStore
from tests.unit.store.samples import START

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "http-history.md").read_text()
ID, OTHER = "groq:llama-3.1-8b-instant", "vllm:meta-llama/Llama-3.1-8B-Instruct"
CURLS = re.findall(r"^\$ (curl .+)$", PAGE, re.MULTILINE)
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)]
SHOWN: dict[str, Any] = dict(
    zip(
        ("samples", "series", "incidents"),
        map(json.loads, re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)),
        strict=True,
    )
)


@pytest.fixture
async def shown(begin: Begin) -> Served:
    store = MemoryStore()
    await store.append(samples(5, name=ID), {})
    served = await begin(make_history(store, now=START + timedelta(hours=1)))
    served.board = make_board(make_spec(ID), make_spec(OTHER))
    return served


@pytest.mark.parametrize("line", CURLS)
async def test_what_is_typed_is_answered(shown: Served, line: str) -> None:
    url = URL(shlex.split(line)[-1], encoded=True)
    response, body = await shown.ask(str(url.relative()))
    assert response.status == 200, body


def test_every_route_and_parameter_is_on_the_page() -> None:
    for route in ON_PAGE:
        assert f"`GET {route.path}`" in PAGE or f"`{route.path}`" in PAGE
        line = next(line for line in PAGE.splitlines() if route.path in line)
        for parameter in route.parameters:
            assert parameter.in_path or f"{parameter.name}=" in line


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_are_what_the_schemas_say(name: str) -> None:
    (route,) = [route for route in ON_PAGE if route.path.endswith(f"/{name}")]
    schema = CLOSED["paths"][route.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    document = json.loads(json.dumps(SHOWN[name]))
    if name == "samples":  # shortened
        document["data"] = []
        known = CLOSED["components"]["schemas"]["Sample"]["properties"]
        assert {*SHOWN[name]["data"][0]} - {"…"} <= known.keys()
    Draft202012Validator({"components": CLOSED["components"], **schema}).validate(document)


def test_the_cursor_is_the_place_of_the_sample_that_is_shown() -> None:
    page = SHOWN["samples"]
    place = from_cursor(page["next"])
    assert (place.id, place.at.isoformat()) == (
        page["data"][0]["id"],
        page["data"][0]["started_at"].replace("Z", "+00:00"),
    )


def test_the_metrics_are_those_that_there_are() -> None:
    rows = dict(re.findall(r"^\| `((?:\w+ )+\w+)` \| (any|`1d`)", PAGE, re.MULTILINE))
    told = {reach: set(names.split()) for names, reach in rows.items()}
    assert told == {"any": {*Metric} - ONLY_RAW, "`1d`": {*ONLY_RAW}}
    assert set(re.findall(r"`(\w+)`", PAGE.partition("- Latencies (")[2].partition(")")[0])) == {*LATENCIES}


def test_the_page_lists_the_default_step_of_each_window() -> None:
    units = {"m": 60, "h": 3600, "d": 86400}
    rows = re.findall(r"^\| `(\d+)([hd])` \| `(\d+)([mhd])` \| (\w+)", PAGE, re.MULTILINE)
    assert len(rows) == 6
    for window, unit, step, step_unit, source in rows:
        found = series_query(Metric.TTFT, task=None, window_s=int(window) * units[unit], step_s=None)
        assert found.step_s == int(step) * units[step_unit]
        assert found.source.name.lower() == source


def test_figures_are_the_codes() -> None:
    limits = ReadLimits()
    assert f"It is kept for {limits.kept_s:g} s (`Cache-Control: max-age={limits.kept_s:g}`)" in PAGE
    assert f"within {limits.deadline_s:g} s gets a 503 with `Retry-After: {limits.retry_after_s}`" in PAGE
    assert f"while {limits.waiting} reads wait" in PAGE
    assert limits.at_once == 2
    assert "two are served at once" in PAGE


@pytest.mark.parametrize(
    "badge",
    [of_status(Status.UP), of_uptime("30d", 0.9996), of_ttft("30m", 0.21, Status.UP)],
    ids=lambda badge: badge.label,
)
def test_the_badges_that_are_shown_are_those_that_are_made(badge: Badge) -> None:
    name = f"images/badge-{badge.label.partition(' ')[0]}.svg"
    assert (DOCS / name).read_bytes() == svg(badge)
    assert f"![{badge.label}: {badge.message}]({name})" in PAGE


def test_the_page_lists_colours_and_windows_of_badges() -> None:
    assert f"another of `{' '.join(BadgeWindow)}`" in PAGE
    words = {
        Colour.GREEN: "green",
        Colour.YELLOW: "yellow",
        Colour.RED: "red",
        Colour.BLUE: "blue",
        Colour.GREY: "grey",
    }
    for status in set(Status) - {Status.UNKNOWN}:
        assert f"`{status}` {words[of_status(status).colour]}" in PAGE
