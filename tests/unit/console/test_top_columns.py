"""Cells, orders and widths of the columns of `top`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.console.top.columns import COLUMNS, CellContext, gap, in_order, placed
from monitor.console.top.rows import OpenIncident
from tests.unit.console.top_values import at, ids, make_row
from tests.unit.score.values import START

CONTEXT = CellContext(now=START)
ACCOUNT = {"class": "auth", "since": at(-180)}


def cell(name: str, context: CellContext = CONTEXT, **fields: Any) -> tuple[str, str]:
    column = next(column for column in COLUMNS if column.name == name)
    return column.show(make_row(**fields), context)


@pytest.mark.parametrize(
    ("name", "fields", "shown"),
    [
        ("status", {}, "● up"),
        ("status", {"status": "melted"}, "  melted"),
        ("status", {"account": ACCOUNT}, "! refused"),
        ("status", {"account": ACCOUNT, "status": "down"}, "! down"),
        ("endpoint", {}, "groq:llama"),
        ("provider", {}, "groq"),
        ("model", {}, "meta-llama/llama-3.2-1b-instruct"),
        ("score", {}, "0.99"),
        ("score", {"score": None}, "–"),
        ("interval", {}, "0.96–0.99"),
        ("interval", {"confidence": None}, "–"),
        ("uptime", {}, "98.2%"),
        ("samples", {}, "57"),
        ("samples", {"evidence": None}, "–"),
        ("ttft", {}, "210/310 ms"),
        ("ttft", {"ttft_s": {"p50": 0.0004, "p90": 0.00996}}, "0.4/10 ms"),
        ("ttft", {"ttft_s": {"p50": 0.21, "p90": None}}, "210/– ms"),
        ("ttft", {"ttft_s": None}, "–"),
        ("e2e", {}, "1.20/12.2 s"),
        ("e2e", {"e2e_s": {"p50": 9.996, "p90": 1234}}, "10.0/1234 s"),
        ("speed", {}, "50"),
        ("speed", {"output_tps": {"p50": None}}, "–"),
        ("price", {}, "0.027/0.2"),
        ("price", {"pricing": {"prompt_usd_per_mtok": 150, "completion_usd_per_mtok": None}}, "150/–"),
        ("price", {"pricing": None}, "–"),
        ("age", {}, "12 s"),
        ("incident", {}, ""),
        ("incident", {"account": ACCOUNT}, "account: auth, 3 min"),
    ],
)
def test_a_cell_shows_its_figure(name: str, fields: dict[str, Any], shown: str) -> None:
    assert cell(name, **fields)[0] == shown


def test_an_open_incident_has_its_cause_and_its_age_and_its_worst_status_if_that_is_another() -> None:
    incident = OpenIncident(worst="down", cause="connect", began_at=START - timedelta(minutes=12))
    context = CellContext(now=START, incidents={"groq:llama": incident})
    assert cell("incident", context, status="down") == ("connect, 12 min", "bold red")
    assert cell("incident", context, status="degraded") == ("connect, 12 min; down at worst", "bold red")
    both = ("connect, 12 min; account: auth, 3 min", "bold red")
    assert cell("incident", context, status="down", account=ACCOUNT) == both
    strange = OpenIncident(worst="?", cause="slo", began_at=None)
    assert cell("incident", CellContext(now=START, incidents={"groq:llama": strange})) == ("slo; ? at worst", "")


def test_a_stale_age_has_a_colour_and_no_age_without_a_clock() -> None:
    assert cell("age", stale_after=at(0)) == ("12 s", "yellow")
    assert cell("age", stale_after=None) == ("12 s", "dim")
    assert cell("age", CellContext(now=None)) == ("–", "dim")


ROWS = [
    make_row("a:1", status="up", score=0.9, measured_at=at(-5), ttft_s={"p50": 0.2}, confidence=[0.8, 0.9]),
    make_row("b:2", status="down", score=0.1, measured_at=at(-50), ttft_s={"p50": 2}, confidence=[0.1, 0.9]),
    make_row("c:3", status="paused", score=None, measured_at=None, ttft_s={}, confidence=None),
    make_row("d:4", status="up", account=ACCOUNT, score=0.9, measured_at=at(-9), ttft_s={"p50": 0.1}),
]


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("status", "b d c a"),
        ("endpoint", "a b c d"),
        ("provider", "a b c d"),
        ("score", "b a d c"),
        ("interval", "b a d c"),
        ("ttft", "b a d c"),
        ("age", "b d a c"),
        ("incident", "d a b c"),
    ],
)
def test_an_order_begins_with_what_needs_attention_and_ends_with_what_is_not_measured(name: str, order: str) -> None:
    assert [row.id[0] for row in in_order(ROWS, CONTEXT, name, reverse=False)] == order.split()


def test_reversed_what_is_not_measured_still_comes_last() -> None:
    assert ids(in_order(ROWS, CONTEXT, "score", reverse=True)) == ["a:1", "d:4", "b:2", "c:3"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_column_sorts(column: Any) -> None:
    strange = make_row("e:5", status="melted", pricing=None, output_tps=None, e2e_s=None)
    assert len(in_order([*ROWS, strange], CONTEXT, column.name, reverse=True)) == 5


@given(width=st.integers(0, 400), length=st.integers(1, 120))
def test_the_columns_never_exceed_the_width_of_the_screen(width: int, length: int) -> None:
    found = placed([make_row("x" * length)], CONTEXT, width)
    used = sum(item.width for item in found) + gap(width) * (len(found) - 1)
    assert used <= max(width, 11)


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (20, "status endpoint"),
        (40, "status endpoint score uptime"),
        (80, "status endpoint score interval uptime ttft speed"),
        (120, "status endpoint score interval uptime ttft speed age incident"),
        (200, "status endpoint provider model score interval uptime samples ttft e2e speed price age incident"),
    ],
)
def test_the_columns_that_fit(width: int, names: str) -> None:
    assert [item.column.name for item in placed(ROWS, CONTEXT, width)] == names.split()


def test_without_a_width_every_text_is_whole() -> None:
    widths = {item.column.name: item.width for item in placed([make_row("x" * 90)], CONTEXT, None)}
    assert len(widths) == len(COLUMNS)
    assert widths["endpoint"] == 90
    assert widths["status"] == 10
