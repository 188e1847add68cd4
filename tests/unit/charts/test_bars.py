"""Stacked bars: the pieces add up, and what was not measured is hatched, never empty."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.bars import BarChart, BarPart, BarStack, bar_chart, bar_table
from monitor.charts.figures import SECONDS, count_of
from monitor.charts.roles import KINDS, Role
from tests.unit.charts.drawn import (
    DAY,
    HOSTILE,
    START,
    area_of,
    assert_sound,
    moving,
    number,
    texts,
    title_of,
    with_class,
)

KINDS_OF_TOKENS = (
    BarPart(name="prompt", role=Role.T1),
    BarPart(name="reasoning", role=Role.T2),
    BarPart(name="completion", role=Role.T3),
)
MIDNIGHT = START + timedelta(hours=2)


def chart(*values: tuple[float | None, ...], **changes: Any) -> BarChart:
    stacks = [BarStack(at=MIDNIGHT + index * DAY, values=each, n=1440) for index, each in enumerate(values)]
    whole = {"title": "Tokens", "unit": count_of("tokens"), "step": DAY, "parts": KINDS_OF_TOKENS, "stacks": stacks}
    return BarChart(**{**whole, **changes})


def drawn(*values: tuple[float | None, ...], **changes: Any) -> Element:
    return assert_sound(bar_chart(chart(*values, **changes), chart_id="c"))


def pieces(root: Element) -> list[Element]:
    return [each for each in with_class(root, "seg") if each.get("data-value") is not None]


def test_the_pieces_of_a_bar_stand_on_each_other_and_add_up_to_its_total() -> None:
    root = drawn((100.0, 20.0, 80.0), (50.0, 0.0, None))
    labels = dict(moving(root, "y"))
    pixels = (labels["0"] - labels["100"]) / 100
    first = pieces(root)[:3]
    assert [number(each, "height") for each in first] == pytest.approx(
        [100 * pixels, 20 * pixels, 80 * pixels], abs=0.03
    )
    for lower, upper in pairwise(first):
        assert number(upper, "y") + number(upper, "height") == pytest.approx(number(lower, "y"), abs=0.03)
    assert number(first[0], "y") + number(first[0], "height") == pytest.approx(labels["0"], abs=0.03)
    assert number(first[-1], "y") == pytest.approx(labels["200"], abs=0.03)
    assert [each.get("data-series") for each in pieces(root)[3:]] == ["prompt"]


def test_a_bucket_without_a_measurement_is_hatched_and_named_in_the_legend() -> None:
    root = drawn((1.0, 1.0, 1.0), (None, None, float("nan")))
    hatched, swatch = with_class(root, "b-void")
    area = area_of(hatched)
    assert area is not None
    assert area.height > 100
    assert swatch.get("width") == "12"
    assert "not measured" in {text.words for text in texts(root)}
    assert "2026-11-23 UTC · not measured" in {title_of(each) for each in root.iter("g")}


def test_a_bucket_of_zeros_is_measured() -> None:
    root = drawn((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert with_class(root, "b-void") == []
    assert len(with_class(root, "hit")) == 2


def test_every_piece_and_every_bar_says_its_value_count_and_window() -> None:
    root = drawn((1000.0, 20.0, 80.0))
    assert title_of(pieces(root)[0]) == "prompt: 1 k tokens · n 1,440 · 2026-11-22 UTC"
    names = ("data-x", "data-value", "data-n", "data-series")
    assert [pieces(root)[0].get(name) for name in names] == ["2026-11-22T00:00:00Z", "1000.0", "1440", "prompt"]
    (bar,) = (each for each in root.iter("g") if each.get("data-x"))
    assert title_of(bar) == (
        "2026-11-22 UTC · prompt 1 k tokens · reasoning 20 tokens · completion 80 tokens"
        " · in all 1.1 k tokens · n 1,440"
    )


def test_the_legend_names_the_parts_as_they_stand_above_each_other() -> None:
    (key,) = with_class(drawn((1.0, 1.0, 1.0)), "key")
    assert [each.text for each in key.iter("text")] == ["completion", "reasoning", "prompt"]


def test_bars_lie_side_by_side() -> None:
    areas = [area_of(each) for each in with_class(drawn(*[(1.0, 1.0, 1.0)] * 30), "hit")]
    known = [area for area in areas if area is not None]
    assert len(known) == 30
    for before, after in pairwise(known):
        assert before.right == pytest.approx(after.left, abs=0.02)


def test_without_a_measurement_the_reason_is_said() -> None:
    assert [text.words for text in texts(drawn(empty="first probe in 18 s"))] == ["first probe in 18 s"]
    assert [text.words for text in texts(drawn((None, None, None)))] == ["nothing measured"]


def test_the_table_has_parts_totals_and_counts() -> None:
    table = bar_table(chart((1000.0, 20.0, None), (None, None, None)))
    assert table.head == ("time", "prompt", "reasoning", "completion", "total", "n")
    assert table.rows == (
        ("2026-11-22 UTC", "1 k tokens", "20 tokens", "–", "1 k tokens", 1440),
        ("2026-11-23 UTC", "–", "–", "–", "–", 1440),
    )
    uncounted = BarChart(title="", unit=SECONDS, step=DAY, parts=(), stacks=[BarStack(at=START, values=())])
    assert bar_table(uncounted).rows[0][-1] == "–"


VALUES = st.one_of(st.none(), st.floats(), st.floats(0, 1e7))


@given(
    values=st.lists(st.tuples(*[VALUES] * 6), max_size=40),
    names=st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), min_size=6, max_size=6),
    width=st.integers(240, 1200),
    n=st.one_of(st.none(), st.integers(0, 10**9)),
)
def test_any_figures_give_a_sound_chart(
    values: list[tuple[float | None, ...]], names: list[str], width: int, n: int | None
) -> None:
    parts = [BarPart(name=name, role=role) for name, role in zip(names, KINDS, strict=True)]
    stacks = [BarStack(at=START + index * DAY, values=each, n=n) for index, each in enumerate(values)]
    root = drawn(parts=parts, stacks=stacks, width=width, unit=count_of(names[0]))
    assert all(number(each, "height") > 0 for each in pieces(root))
