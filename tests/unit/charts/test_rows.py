"""Rows of providers: figures now with their intervals, spreads, and scores in a table's cell."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.boxes import BoxChart, Five, SpreadRow, box_chart, box_table
from monitor.charts.figures import SECONDS, TOKENS_PER_SECOND
from monitor.charts.interval import IntervalBar, interval_bar
from monitor.charts.now_rows import NowChart, NowRow, now_chart, now_table
from monitor.charts.roles import Role, of_provider
from tests.unit.charts.drawn import HOSTILE, area_of, assert_sound, number, texts, title_of, with_class

FIVE: Five = (0.15, 0.19, 0.21, 0.26, 0.48)


def now(*rows: NowRow, **changes: Any) -> NowChart:
    return NowChart(**{"title": "TTFT now", "unit": SECONDS, "window": "last 30 minutes", "rows": rows, **changes})


def now_drawn(*rows: NowRow, **changes: Any) -> Element:
    return assert_sound(now_chart(now(*rows, **changes), chart_id="c"))


def row(value: float | None, low: float | None = None, high: float | None = None, **changes: Any) -> NowRow:
    return NowRow(**{"name": "Groq", "role": Role.S1, "value": value, "low": low, "high": high, "n": 30, **changes})


def box(*rows: SpreadRow, **changes: Any) -> BoxChart:
    return BoxChart(**{"title": "Spread of TTFT", "unit": SECONDS, "window": "last 7 days", "rows": rows, **changes})


def box_drawn(*rows: SpreadRow, **changes: Any) -> Element:
    return assert_sound(box_chart(box(*rows, **changes), chart_id="c"))


def spread(five: Five | None, **changes: Any) -> SpreadRow:
    return SpreadRow(**{"name": "Groq", "role": Role.S1, "percentiles": five, "n": 1438, **changes})


def across(root: Element) -> dict[str, float]:
    """The labels of the axis below the rows, by the middle of their text."""
    bottom = max(text.area.bottom for text in texts(root))
    return {text.words: text.area.middle[0] for text in texts(root) if text.area.bottom == bottom}


def test_the_dot_lies_at_the_value_and_its_interval_around_it() -> None:
    root = now_drawn(row(0.4, 0.3, 0.5), row(0.8, name="Together"))
    labels = across(root)
    zero, pixels = labels["0"], (labels["400 ms"] - labels["0"]) / 0.4
    dots = with_class(root, "now")[1:]
    assert [number(dot, "cx") for dot in dots] == pytest.approx([zero + 0.4 * pixels, zero + 0.8 * pixels], abs=0.05)
    (interval,) = with_class(root, "range")
    ends = [number(interval, "x1"), number(interval, "x2")]
    assert ends == pytest.approx([zero + 0.3 * pixels, zero + 0.5 * pixels], abs=0.05)


def test_a_row_has_its_name_its_value_and_all_of_it_in_its_title() -> None:
    root = now_drawn(row(0.21, 0.2, 0.23))
    assert {"Groq", "210 ms"} <= {text.words for text in texts(root)}
    (group,) = (each for each in root.iter("g") if each.get("data-series"))
    assert title_of(group) == "Groq: 210 ms (200 ms to 230 ms) · n 30 · last 30 minutes"
    assert [group.get(f"data-{name}") for name in ("x", "value", "n", "series")] == [
        "last 30 minutes",
        "0.21",
        "30",
        "Groq",
    ]


def test_a_row_without_a_value_is_hatched() -> None:
    root = now_drawn(row(0.21), row(None, name="my-vllm"))
    assert len(with_class(root, "b-void")) == 1
    assert "my-vllm: not measured" in (root.findtext("desc") or "")
    assert "–" in {text.words for text in texts(root)}


def test_a_wide_interval_does_not_flatten_the_other_rows() -> None:
    assert list(across(now_drawn(row(0.4, 0.3, 90.0)))) == ["0", "500 ms", "1 s"]


def test_the_unit_stands_above_where_ticks_do_not_say_it() -> None:
    words = {text.words for text in texts(now_drawn(row(118.0, 110.0, 120.0), unit=TOKENS_PER_SECOND))}
    assert {"tokens/s", "118"} <= words


def test_rows_without_a_single_value_say_why() -> None:
    assert [text.words for text in texts(now_drawn(row(None), empty="needs 20 samples, has 6"))] == [
        "needs 20 samples, has 6"
    ]
    assert [text.words for text in texts(box_drawn(spread(None)))] == ["nothing measured"]
    assert [text.words for text in texts(box_drawn())] == ["nothing measured"]


def test_the_tables_have_a_row_for_each_provider() -> None:
    table = now_table(now(row(0.21, 0.2, 0.23), row(None, name="b", n=None)))
    assert table.rows == (("Groq", "210 ms", "200 ms to 230 ms", 30), ("b", "–", "–", "–"))
    spreads = box_table(box(spread(FIVE), spread(None, name="b", n=None)))
    assert spreads.caption == "Spread of TTFT, last 7 days"
    assert spreads.head == ("provider", "p5", "p25", "p50", "p75", "p95", "n")
    assert spreads.rows == (
        ("Groq", "150 ms", "190 ms", "210 ms", "260 ms", "480 ms", 1438),
        ("b", "–", "–", "–", "–", "–", "–"),
    )


def test_a_box_shows_the_middle_half_its_median_and_the_ends() -> None:
    root = box_drawn(spread((0.1, 0.2, 0.3, 0.4, 0.5)))
    labels = across(root)
    zero, pixels = labels["0"], (labels["400 ms"] - labels["0"]) / 0.4
    middle, median = area_of(with_class(root, "box")[0]), with_class(root, "median")[0]
    assert middle is not None
    assert [middle.left, number(median, "x1"), middle.right] == pytest.approx(
        [zero + value * pixels for value in (0.2, 0.3, 0.4)], abs=0.05
    )
    ends = {number(each, "x1") for each in with_class(root, "whisker")} | {
        number(each, "x2") for each in with_class(root, "whisker")
    }
    assert min(ends) == pytest.approx(zero + 0.1 * pixels, abs=0.05)
    assert max(ends) == pytest.approx(zero + 0.5 * pixels, abs=0.05)


def test_spreads_share_one_logarithmic_scale() -> None:
    root = box_drawn(spread((0.1, 0.2, 0.4, 0.8, 1.6)), spread((0.1, 0.1, 0.4, 0.5, 1.0)), log=True)
    assert "logarithmic" in {text.words for text in texts(root)}
    first, second = (number(each, "x1") for each in with_class(root, "median"))
    assert first == second
    box_area = area_of(with_class(root, "box")[0])
    assert box_area is not None
    assert first - box_area.left == pytest.approx(box_area.right - first, abs=0.03)


@pytest.mark.parametrize("five", [(0.0, 0.1, 0.2, 0.3, 0.4), (0.1, float("nan"), 0.2, 0.3, 0.4)])
def test_percentiles_that_cannot_be_drawn_are_not_measured(five: Five) -> None:
    root = box_drawn(spread(FIVE), spread(five, name="odd"), log=True)
    assert "odd: not measured" in (root.findtext("desc") or "")
    assert len(with_class(root, "box")) == 1


def test_a_row_of_a_spread_says_every_percentile() -> None:
    (group,) = (each for each in box_drawn(spread(FIVE)).iter("g") if each.get("data-series"))
    assert title_of(group) == (
        "Groq: p5 150 ms, p25 190 ms, p50 210 ms, p75 260 ms, p95 480 ms · n 1,438 · last 7 days"
    )


NUMBERS = st.one_of(st.none(), st.floats(), st.floats(0, 10))
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


@given(
    figures=st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS), max_size=20),
    unit=st.sampled_from([SECONDS, TOKENS_PER_SECOND]),
    width=st.integers(260, 800),
)
def test_any_figures_give_sound_rows(figures: list[Any], unit: Any, width: int) -> None:
    rows = [row(value, low, high, name=name, role=of_provider(k)) for k, (name, value, low, high) in enumerate(figures)]
    now_drawn(*rows, unit=unit, width=width)


@given(
    figures=st.lists(st.tuples(NAMES, st.one_of(st.none(), st.tuples(*[st.floats(0, 1e9)] * 5))), max_size=20),
    log=st.booleans(),
    width=st.integers(260, 800),
)
def test_any_percentiles_give_sound_boxes(figures: list[Any], log: bool, width: int) -> None:
    rows = [
        spread(None if five is None else tuple(sorted(five)), name=name, role=of_provider(k))
        for k, (name, five) in enumerate(figures)
    ]
    box_drawn(*rows, log=log, width=width)


def score(value: float | None, low: float | None, high: float | None, **changes: Any) -> Element:
    bar = IntervalBar(**{"title": "score", "value": value, "low": low, "high": high, "n": 57, **changes})
    return assert_sound(interval_bar(bar, chart_id="c"))


def test_a_score_has_its_dot_and_its_interval_on_a_track_from_0_to_1() -> None:
    root = score(0.82, 0.71, 0.9)
    (track,), (band,), (dot,) = (with_class(root, name) for name in ("track", "band", "dot"))
    start, length = number(track, "x"), number(track, "width")
    assert number(dot, "cx") == pytest.approx(start + 0.82 * length, abs=0.01)
    assert number(band, "x") == pytest.approx(start + 0.71 * length, abs=0.01)
    assert number(band, "width") == pytest.approx(0.19 * length, abs=0.02)
    assert title_of(root) == "score: 0.82 · 0.71 to 0.90 · n 57"


def test_a_score_without_an_interval_or_a_count_has_none() -> None:
    root = score(0.82, None, 0.9, n=None)
    assert with_class(root, "band") == []
    assert title_of(root) == "score: 0.82"


def test_a_score_that_is_not_known_is_hatched_and_says_so() -> None:
    root = score(None, None, None)
    assert with_class(root, "dot") == []
    assert with_class(root, "b-void") != []
    assert title_of(root) == "score: not known yet"


@given(value=NUMBERS, low=NUMBERS, high=NUMBERS)
def test_any_score_gives_a_sound_bar(value: float | None, low: float | None, high: float | None) -> None:
    score(value, low, high)
