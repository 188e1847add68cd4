"""Lines: every point where its value belongs, a gap wherever nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.events import Mark, MarkKind, Shade, ShadeKind
from monitor.charts.figures import SECONDS, TOKENS_PER_SECOND
from monitor.charts.lines import line_chart
from monitor.charts.roles import Role, of_provider
from monitor.charts.series import LineChart, LineSeries, SeriesPoint, line_table
from monitor.charts.sparkline import Sparkline, sparkline
from tests.unit.charts.drawn import (
    DAY,
    HOSTILE,
    HOUR,
    START,
    area_of,
    assert_sound,
    corners,
    moving,
    number,
    texts,
    title_of,
    with_class,
)

STEP = timedelta(minutes=30)


def points(*values: float | None, band: float = 0.0) -> list[SeriesPoint]:
    return [
        SeriesPoint(
            at=START + index * STEP,
            value=value,
            low=None if value is None or not band else value - band,
            high=None if value is None or not band else value + band,
            n=30,
        )
        for index, value in enumerate(values)
    ]


def series(*values: float | None, name: str = "Groq", role: Role = Role.S1, band: float = 0.0) -> LineSeries:
    return LineSeries(name=name, role=role, points=points(*values, band=band))


def chart(*lines: LineSeries, **changes: Any) -> LineChart:
    whole: dict[str, Any] = {
        "title": "TTFT", "unit": SECONDS, "start": START, "end": START + DAY, "step": STEP, "series": lines,
    }  # fmt: skip
    return LineChart(**{**whole, **changes})


def drawn(*lines: LineSeries, **changes: Any) -> Element:
    return assert_sound(line_chart(chart(*lines, **changes), chart_id="c"))


def data(root: Element, name: str = "Groq") -> list[Element]:
    return [each for each in with_class(root, "pt") if each.get("data-series") == name]


def strokes(root: Element) -> list[list[tuple[float, float]]]:
    return [corners(each) for each in root.iter("polyline")]


def test_points_lie_where_the_axes_say() -> None:
    root = drawn(series(0.1, 0.25, 0.4, 0.2))
    labels = dict(moving(root, "y"))
    zero, tick = labels["0"], labels["200 ms"]
    for circle in data(root):
        share = float(circle.get("data-value", "")) / 0.2
        assert number(circle, "cy") == pytest.approx(zero + share * (tick - zero), abs=0.02)
    times = dict(moving(root, "time"))
    left, right = times["2026-11-22T00:00:00Z"], times["2026-11-22T03:00:00Z"]
    per_hour = (right - left) / 3
    assert [number(circle, "cx") for circle in data(root)] == pytest.approx(
        [left + per_hour * hours for hours in (-2, -1.5, -1, -0.5)], abs=0.02
    )
    assert strokes(root) == [[(number(each, "cx"), number(each, "cy")) for each in data(root)]]


def test_on_a_logarithmic_axis_equal_ratios_are_equally_far_apart() -> None:
    root = drawn(series(0.1, 1.0, 10.0, 0.0, -1.0), log=True)
    low, middle, high = (number(circle, "cy") for circle in data(root))
    assert low - middle == pytest.approx(middle - high, abs=0.02)
    assert dict(moving(root, "y"))["1 s"] == pytest.approx(middle, abs=0.02)


def test_a_gap_breaks_the_line_and_its_interval() -> None:
    root = drawn(series(0.1, 0.2, None, 0.3, 0.2, 0.1, band=0.05))
    assert [len(stroke) for stroke in strokes(root)] == [2, 3]
    assert [len(corners(band)) for band in with_class(root, "area")] == [4, 6]


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_gap(nothing: float | None) -> None:
    assert [len(stroke) for stroke in strokes(drawn(series(0.1, 0.2, nothing, 0.3, 0.2)))] == [2, 2]


def test_a_missing_step_is_a_gap_too() -> None:
    whole = points(0.1, 0.2, 0.3, 0.4, 0.5)
    root = drawn(LineSeries(name="Groq", role=Role.S1, points=[*whole[:2], *whole[3:]]))
    assert [len(stroke) for stroke in strokes(root)] == [2, 2]


def test_a_point_between_two_gaps_is_a_dot_with_an_upright_interval() -> None:
    root = drawn(series(None, 0.2, None, band=0.05))
    (dot,) = data(root)
    (whisker,) = with_class(root, "whisker")
    assert "lone" in dot.get("class", "")
    assert strokes(root) == []
    assert number(whisker, "y1") < number(dot, "cy") < number(whisker, "y2")


def test_an_interval_that_is_known_for_some_points_is_drawn_for_those() -> None:
    some = [*points(0.1, 0.2, band=0.05), *points(0.1, 0.2, 0.3)[2:]]
    assert [
        len(corners(band)) for band in with_class(drawn(LineSeries(name="a", role=Role.S1, points=some)), "area")
    ] == [4]


def test_a_wide_interval_does_not_flatten_the_lines() -> None:
    wide = SeriesPoint(at=START, value=0.2, low=0.1, high=1000.0, n=3)
    root = drawn(LineSeries(name="a", role=Role.S1, points=[wide, *points(0.2, 0.3)[1:]]))
    assert "500 ms" in dict(moving(root, "y"))


def test_every_datum_says_value_interval_count_and_window() -> None:
    first = data(drawn(series(0.21, 0.2, band=0.01)))[0]
    assert title_of(first) == "Groq: 210 ms · 200 ms to 220 ms · n 30 · 2026-11-21 22:00 to 22:30 UTC"
    names = ("data-x", "data-value", "data-n", "data-series")
    assert [first.get(name) for name in names] == ["2026-11-21T22:00:00Z", "0.21", "30", "Groq"]


def test_a_column_at_each_time_has_the_values_of_all_series_and_what_happened() -> None:
    root = drawn(
        series(0.1, None, None),
        series(0.3, 0.5, None, name="Together", role=Role.S2),
        marks=[Mark(at=START + STEP, words="Groq down")],
        shades=[Shade(start=START + STEP / 2, end=START + STEP, kind=ShadeKind.NETWORK)],
    )
    columns = with_class(root, "hit")
    assert [title_of(each) for each in columns] == [
        "2026-11-21 22:00 to 22:30 UTC · Groq 100 ms · Together 300 ms · own network down",
        "2026-11-21 22:30 to 23:00 UTC · Together 500 ms · Groq down",
    ]
    middle = number(columns[1], "x") + number(columns[1], "width") / 2
    assert middle == pytest.approx(number(data(root, "Together")[1], "cx"), abs=0.02)


def test_a_count_that_is_not_known_is_said_to_be_so() -> None:
    root = drawn(LineSeries(name="Groq", role=Role.S1, points=[SeriesPoint(at=START, value=0.2)]))
    assert "n not known" in title_of(data(root)[0])
    assert data(root)[0].get("data-n") is None


def test_points_outside_the_chart_are_left_out() -> None:
    assert len(data(drawn(series(0.1, 0.2, 0.3), end=START + STEP))) == 2


def test_lines_have_their_names_at_their_ends_in_the_order_of_their_ends() -> None:
    root = drawn(
        series(0.1, 0.2),
        series(0.3, 0.5, name="Together", role=Role.S2),
        series(0.4, 0.49, name="Vertex", role=Role.S3),
    )
    (ends,) = with_class(root, "ends")
    names = {each.text: number(each, "y") for each in ends.iter("text")}
    assert sorted(names, key=names.__getitem__) == ["Together", "Vertex", "Groq"]
    assert with_class(root, "key") == []


def test_a_line_without_a_value_has_a_name_too() -> None:
    root = drawn(series(0.1, 0.2), series(None, None, name="Together", role=Role.S2))
    (ends,) = with_class(root, "ends")
    assert {each.text for each in ends.iter("text")} == {"Groq", "Together"}
    assert "Together: nothing measured." in (root.findtext("desc") or "")


def test_twenty_lines_have_a_legend_and_differ_in_colour_or_dash() -> None:
    root = drawn(*(series(0.1 * k, 0.2 * k, name=f"p{k}", role=of_provider(k), band=0.01) for k in range(1, 21)))
    looks = {(each.get("class"), each.get("stroke-dasharray")) for each in root.iter("polyline")}
    assert len(looks) == 20
    (key,) = with_class(root, "key")
    assert len(list(key.iter("text"))) == 20
    assert with_class(root, "area") == []
    assert number(root, "height") > 220


def test_one_line_needs_no_name() -> None:
    root = drawn(series(0.1, 0.2))
    assert "Groq" not in {text.words for text in texts(root)}


def test_a_mark_has_its_words_in_its_title_and_above_the_chart() -> None:
    mark = Mark(at=START + 12 * HOUR, words="Groq down")
    change = Mark(at=START + 3 * HOUR, words="served model changed to m2", kind=MarkKind.MODEL_CHANGE)
    root = drawn(series(0.1, 0.2), marks=[mark, change])
    first, second = with_class(root, "marks")[0]
    assert title_of(first) == "served model changed: served model changed to m2 · 2026-11-22 01:00 UTC"
    assert title_of(second) == "incident: Groq down · 2026-11-22 10:00 UTC"
    assert {"Groq down", "served model changed to m2"} <= {text.whole for text in texts(root)}
    line = next(second.iter("line"))
    assert number(line, "x1") == pytest.approx(dict(moving(root, "time"))["2026-11-22T09:00:00Z"] + 28, abs=3)


def test_words_of_marks_that_have_no_room_stand_in_their_titles_alone() -> None:
    crowd = [Mark(at=START + index * timedelta(minutes=20), words=f"incident number {index}") for index in range(36)]
    root = drawn(series(0.1, 0.2), marks=[*crowd, Mark(at=START - HOUR, words="before")])
    (group,) = with_class(root, "marks")
    assert len(group) == 36
    assert 1 <= len(list(group.iter("text"))) < 10


def test_words_beside_the_right_edge_stand_left_of_their_mark() -> None:
    mark = Mark(at=START + DAY, words="a long story about an incident")
    root = drawn(series(0.1, 0.2), marks=[mark])
    (words,) = [text for text in texts(root) if text.whole == mark.words]
    assert words.area.right < number(next(with_class(root, "marks")[0].iter("line")), "x1")


def test_shaded_spans_have_a_pattern_and_a_word() -> None:
    maintenance = Shade(start=START + HOUR, end=START + 3 * HOUR, kind=ShadeKind.MAINTENANCE, words="Vertex moves")
    network = Shade(start=START - HOUR, end=START + HOUR, kind=ShadeKind.NETWORK)
    past = Shade(start=START - 3 * HOUR, end=START - 2 * HOUR, kind=ShadeKind.NETWORK)
    root = drawn(series(0.1, 0.2), shades=[maintenance, network, past])
    one, other = with_class(root, "shade")
    assert (one.get("class"), other.get("class")) == ("shade b-maintenance", "shade b-network")
    assert title_of(one) == "Vertex moves · 2026-11-21 23:00 to 2026-11-22 01:00 UTC"
    assert title_of(other).startswith("own network down · ")
    assert {"maintenance", "own network down"} <= {text.words for text in texts(root)}
    assert number(one, "x") == pytest.approx(number(other, "x") + number(other, "width"), abs=0.02)


def test_the_unit_stands_above_the_axis_where_ticks_do_not_say_it() -> None:
    root = drawn(series(100.0, 120.0), unit=TOKENS_PER_SECOND, marks=[Mark(at=START, words="down")])
    assert "tokens/s" in {text.words for text in texts(root)}


@pytest.mark.parametrize("lines", [(), (series(None, None),), (series(0.0, -1.0),)])
def test_without_a_figure_the_reason_is_said_on_hatching(lines: Sequence[LineSeries]) -> None:
    root = drawn(*lines, empty="needs 20 samples, has 6", log=True)
    assert [text.words for text in texts(root)] == ["needs 20 samples, has 6"]
    assert with_class(root, "b-void")


def test_the_table_has_the_figures_of_the_chart() -> None:
    table = line_table(
        chart(
            series(0.21, None, band=0.01),
            LineSeries(name="Together", role=Role.S2, points=points(0.5)),
            marks=[Mark(at=START + STEP, words="Groq down")],
            shades=[Shade(start=START + HOUR, end=START + 2 * HOUR, kind=ShadeKind.NETWORK)],
        )
    )
    assert table.head == ("time", "Groq", "Together", "events")
    assert table.rows == (
        ("2026-11-21 22:00 UTC", "210 ms · 200 ms to 220 ms · n 30", "500 ms · n 30", ""),
        ("2026-11-21 22:30 UTC", "– · n 30", "–", "incident: Groq down"),
        ("2026-11-21 23:00 UTC", "–", "–", "own network down until 2026-11-22 00:00 UTC"),
    )


def test_the_table_of_a_chart_without_events_has_no_column_for_them() -> None:
    assert line_table(chart(series(0.1))).head == ("time", "Groq")


VALUES = st.one_of(st.none(), st.floats(min_value=0), st.floats(0, 10))


@given(
    values=st.lists(st.lists(VALUES, max_size=8), max_size=20),
    names=st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)), min_size=20, max_size=20),
    words=st.lists(st.sampled_from(HOSTILE), max_size=4),
    band=st.floats(0, 2),
    log=st.booleans(),
    width=st.integers(240, 1200),
    height=st.integers(90, 400),
)
def test_any_figures_give_a_sound_chart(
    *,
    values: list[list[float | None]],
    names: list[str],
    words: list[str],
    band: float,
    log: bool,
    width: int,
    height: int,
) -> None:
    lines = [series(*each, name=names[k], role=of_provider(k), band=band) for k, each in enumerate(values)]
    marks = [Mark(at=START + k * 5 * HOUR, words=each) for k, each in enumerate(words)]
    shades = [Shade(start=START, end=START + k * HOUR, kind=ShadeKind.NETWORK, words=w) for k, w in enumerate(words)]
    whole = chart(*lines, marks=marks, shades=shades, log=log, width=width, height=height, title=names[0])
    root = assert_sound(line_chart(whole, chart_id="c"))
    assert len(line_table(whole).head) == 1 + len(lines) + bool(words)
    for circle in with_class(root, "pt"):
        assert float(circle.get("data-value", "nan")) >= 0


def spark(*values: float | None) -> Element:
    figures = Sparkline(title="TTFT", unit=SECONDS, start=START, end=START + DAY, step=STEP, points=points(*values))
    return assert_sound(sparkline(figures, chart_id="c"))


def test_a_sparkline_ends_in_a_dot_at_its_newest_value() -> None:
    root = spark(0.1, 0.2, None, 0.3, None, 0.2, 0.4)
    assert [len(stroke) for stroke in strokes(root)] == [2, 2]
    lone, dot = with_class(root, "end")
    assert (number(dot, "cx"), number(dot, "cy")) == strokes(root)[-1][-1]
    assert title_of(dot) == "400 ms · n 30"
    assert number(lone, "cx") < number(dot, "cx")
    assert root.findtext("desc") == "Last 400 ms · n 30; 100 ms to 400 ms."


def test_a_sparkline_without_a_value_is_hatched() -> None:
    assert [text.words for text in texts(spark(None, None))] == ["–"]
    assert area_of(with_class(spark(), "b-void")[0]) is not None
