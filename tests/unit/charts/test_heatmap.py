"""The heat map: a cell for each bin of each step, darker with its count; failures apart; gaps hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.figures import SECONDS
from monitor.charts.heatmap import LEVELS, HeatColumn, HeatMap, heat_table, heatmap, level
from tests.unit.charts.drawn import HOUR, START, area_of, assert_sound, moving, number, texts, title_of, with_class

EDGES = (0.1, 0.2, 0.4, 0.8)


def chart(*columns: tuple[Sequence[int], int], **changes: Any) -> HeatMap:
    known = [
        HeatColumn(at=START + k * HOUR, counts=counts, failed=failed) for k, (counts, failed) in enumerate(columns)
    ]
    whole = {"title": "TTFT", "unit": SECONDS, "step": HOUR, "edges": EDGES, "columns": known}
    return HeatMap(**{**whole, **changes})


def drawn(*columns: tuple[Sequence[int], int], **changes: Any) -> Element:
    return assert_sound(heatmap(chart(*columns, **changes), chart_id="c"))


def cells(root: Element) -> list[Element]:
    return [each for each in with_class(root, "cell") if each.get("data-x")]


def test_cells_lie_between_the_edges_of_their_bins() -> None:
    root = drawn(((1, 2, 4), 0))
    bottoms = [number(each, "y") + number(each, "height") for each in cells(root)]
    tops = [number(each, "y") for each in cells(root)]
    assert tops[:2] == pytest.approx(bottoms[1:], abs=0.02)
    labels = dict(moving(root, "y"))
    assert labels["200 ms"] == pytest.approx(tops[0], abs=0.02)
    heights = {round(number(each, "height")) for each in cells(root)}
    assert len(heights) == 1


def test_more_samples_are_darker() -> None:
    assert [level(count, 100) for count in (0, 1, 4, 25, 100)] == [0, 1, 2, 4, LEVELS]
    classes = [each.get("class") for each in cells(drawn(((1, 25, 100), 0)))]
    assert classes == ["cell h1", "cell h4", "cell h8"]


def test_empty_bins_have_no_cell() -> None:
    assert len(cells(drawn(((0, 3, 0), 0)))) == 1


def test_failures_have_a_row_of_their_own_below_the_bins() -> None:
    root = drawn(((1, 2, 4), 3), ((1, 2, 4), 0))
    (failed,) = with_class(root, "failed")
    area = area_of(failed)
    assert area is not None
    assert area.top > max(number(each, "y") + number(each, "height") for each in cells(root))
    assert title_of(failed) == "3 of 10 failed · 2026-11-21 22:00 to 23:00 UTC"
    assert "failed" in {text.words for text in texts(root)}


def test_a_step_without_a_sample_is_hatched_from_top_to_bottom() -> None:
    root = drawn(((1, 2, 4), 0), ((0, 0, 0), 0))
    (void,) = with_class(root, "b-void")
    assert title_of(void) == "2026-11-21 23:00 to 2026-11-22 00:00 UTC · not measured"
    assert "1 of 2 steps not measured" in (root.findtext("desc") or "")


def test_a_cell_says_its_bin_count_and_window() -> None:
    first = cells(drawn(((2, 0, 0), 0)))[0]
    assert title_of(first) == "100 ms to 200 ms · n 2 · 2026-11-21 22:00 to 23:00 UTC"
    assert first.get("data-n") == "2"
    assert first.get("data-series") == "100 ms to 200 ms"
    assert float(first.get("data-value", "")) == pytest.approx(0.02**0.5)


def test_the_key_says_what_the_darkest_cell_means() -> None:
    assert {"1", "1,700 samples"} <= {text.words for text in texts(drawn(((2, 1700, 0), 0)))}


def test_only_failures_are_figures_too() -> None:
    assert len(with_class(drawn(((0, 0, 0), 9)), "failed")) == 1


@pytest.mark.parametrize("columns", [[], [((0, 0, 0), 0)]])
def test_without_a_sample_the_reason_is_said(columns: list[Any]) -> None:
    assert [text.words for text in texts(drawn(*columns, empty="needs 20 samples"))] == ["needs 20 samples"]


def test_the_table_has_a_column_for_each_bin() -> None:
    table = heat_table(chart(((1, 2, 4), 3)))
    assert table.head == ("time", "100 ms to 200 ms", "200 ms to 400 ms", "400 ms to 800 ms", "failed")
    assert table.rows == (("2026-11-21 22:00 to 23:00 UTC", 1, 2, 4, 3),)


COUNTS = st.integers(0, 10**6)


@given(
    edges=st.lists(st.floats(1e-4, 1e4), min_size=4, max_size=4, unique_by=lambda value: f"{value:.3g}"),
    figures=st.lists(st.tuples(st.tuples(COUNTS, COUNTS, COUNTS), COUNTS), max_size=60),
    width=st.integers(260, 900),
    height=st.integers(110, 300),
)
def test_any_counts_give_a_sound_map(edges: list[float], figures: list[Any], width: int, height: int) -> None:
    root = drawn(*figures, edges=sorted(edges), width=width, height=height)
    assert len(cells(root)) == sum(count > 0 for counts, _ in figures for count in counts)
