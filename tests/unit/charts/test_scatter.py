"""The scatter: every provider where its figures are, names that do not touch, the good corner shaded."""

from __future__ import annotations

from itertools import combinations
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.figures import TOKENS_PER_SECOND, USD_PER_MILLION
from monitor.charts.frame import Area
from monitor.charts.placement import area_of as label_area
from monitor.charts.placement import overlap, place_labels, spread
from monitor.charts.roles import of_provider
from monitor.charts.scatter import ScatterChart, ScatterPoint, scatter_chart, scatter_table
from tests.unit.charts.drawn import (
    HOSTILE,
    area_of,
    assert_sound,
    moving,
    number,
    parse,
    texts,
    title_of,
    with_class,
)

FOUR = (("Groq", 0.64, 276.0), ("Fireworks", 0.9, 118.0), ("Together", 0.88, 74.0), ("DeepInfra", 0.27, 61.0))


def chart(*figures: tuple[str, float | None, float | None], **changes: Any) -> ScatterChart:
    places = [ScatterPoint(name=name, role=of_provider(k), x=x, y=y, n=30) for k, (name, x, y) in enumerate(figures)]
    whole = {
        "title": "Speed and price", "x_unit": USD_PER_MILLION, "y_unit": TOKENS_PER_SECOND, "places": places,
        "x_name": "USD per M tokens, 3:1", "y_name": "output tokens/s", "window": "last 30 minutes",
    }  # fmt: skip
    return ScatterChart(**{**whole, **changes})


def drawn(*figures: tuple[str, float | None, float | None], **changes: Any) -> Element:
    return assert_sound(scatter_chart(chart(*figures, **changes), chart_id="c"))


def test_points_lie_where_both_axes_say() -> None:
    root = drawn(*FOUR)
    up = dict(moving(root, "y"))
    across = {text.words: text.area.middle[0] for text in texts(root) if text.words.startswith("$")}
    for dot, (_, x, y) in zip(with_class(root, "place"), FOUR, strict=True):
        assert number(dot, "cy") == pytest.approx(up["0"] - y / 100 * (up["0"] - up["100"]), abs=0.05)
        per_dollar = (across["$0.8"] - across["$0.2"]) / 0.6
        assert number(dot, "cx") == pytest.approx(across["$0.2"] + (x - 0.2) * per_dollar, abs=0.3)


def test_the_good_corner_is_cheaper_and_faster_than_the_median() -> None:
    root = drawn(
        ("fast", 0.1, 300.0), ("slow", 0.5, 50.0), ("dear", 0.9, 290.0), ("bad", 0.9, 20.0), ("mid", 0.4, 100.0)
    )
    corner = area_of(with_class(root, "corner")[0])
    assert corner is not None
    inside = {
        dot.get("data-series")
        for dot in with_class(root, "place")
        if number(dot, "cx") < corner.right - 0.01 and number(dot, "cy") < corner.bottom - 0.01
    }
    assert inside == {"fast"}
    assert "fast and cheap" in {text.words for text in texts(root)}


def test_two_providers_have_the_middle_of_the_scales_for_a_corner() -> None:
    corner = area_of(with_class(drawn(*FOUR[:2]), "corner")[0])
    base = next(line for line in drawn(*FOUR[:2]).iter("line") if "base" in line.get("class", ""))
    assert corner is not None
    assert corner.width == pytest.approx((number(base, "x2") - number(base, "x1")) / 2, abs=0.02)


def test_a_point_says_both_figures_count_and_window() -> None:
    dot = with_class(drawn(*FOUR), "place")[0]
    assert title_of(dot) == "Groq: 276 tokens/s · $0.64/M · n 30 · last 30 minutes"
    names = ("data-x", "data-y", "data-value", "data-n", "data-series")
    assert [dot.get(name) for name in names] == ["0.64", "276.0", "276.0", "30", "Groq"]


def test_a_provider_without_both_figures_is_in_the_description_and_not_drawn() -> None:
    root = drawn(*FOUR, ("free", None, 80.0), ("new", 0.5, None), ("zero", 0.0, 9.0), log_x=True)
    assert len(with_class(root, "place")) == 4
    assert "free: 80 tokens/s · – · n 30" in (root.findtext("desc") or "")


def test_names_of_points_at_one_place_are_led_away_from_it() -> None:
    root = drawn(*((f"provider {k}", 0.5, 100.0) for k in range(6)), ("far", 1.0, 200.0))
    names = [text for text in texts(root) if text.words.startswith("provider")]
    assert len(names) == 6
    assert len(with_class(root, "leader")) >= 2


def test_names_that_have_no_room_are_left_to_the_titles() -> None:
    root = drawn(*((f"provider with a long name {k}", 0.5, 100.0) for k in range(60)), ("far", 1.0, 200.0))
    assert len(with_class(root, "place")) == 61
    assert 3 < len([text for text in texts(root) if text.whole.startswith("provider")]) < 60


def test_without_a_point_the_reason_is_said() -> None:
    assert [text.words for text in texts(drawn(("new", None, 1.0), empty="no price known"))] == ["no price known"]


def test_the_table_has_both_figures() -> None:
    table = scatter_table(chart(FOUR[0], ("free", None, None)))
    assert table.head == ("provider", "output tokens/s", "USD per M tokens, 3:1", "n")
    assert table.rows == (("Groq", "276 tokens/s", "$0.64/M", 30), ("free", "–", "–", 30))
    uncounted = chart(places=[ScatterPoint(name="a", role=of_provider(0), x=1.0, y=1.0)])
    assert scatter_table(uncounted).rows[0][-1] == "–"
    assert "n not known" in title_of(with_class(parse(scatter_chart(uncounted, chart_id="c")), "place")[0])


@given(
    figures=st.lists(
        st.tuples(
            st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)),
            st.one_of(st.none(), st.floats(0, 20), st.floats(min_value=0)),
            st.one_of(st.none(), st.floats(0, 500), st.floats(min_value=0)),
        ),
        max_size=20,
    ),
    log=st.booleans(),
    width=st.integers(300, 900),
)
def test_any_figures_give_a_sound_scatter(figures: list[Any], log: bool, width: int) -> None:
    drawn(*figures, log_x=log, width=width)


@given(positions=st.lists(st.floats(0, 200), max_size=15))
def test_spread_positions_keep_their_order_and_their_distance(positions: list[float]) -> None:
    moved = spread(positions, spacing=13, low=0, high=200)
    assert all(-1e-6 <= place <= 200 for place in moved)
    for one, other in combinations(range(len(positions)), 2):
        assert abs(moved[one] - moved[other]) >= 13 - 1e-6
        if positions[one] < positions[other]:
            assert moved[one] < moved[other]


def test_positions_that_are_apart_are_not_moved() -> None:
    assert spread([10, 100, 50], spacing=13, low=0, high=200) == (10, 100, 50)


@given(points=st.lists(st.tuples(st.floats(0, 400), st.floats(0, 200), st.text("abcxyz ", max_size=20)), max_size=30))
def test_placed_labels_touch_neither_each_other_nor_a_point(points: list[tuple[float, float, str]]) -> None:
    area = Area(left=0, top=0, right=400, bottom=200)
    labels = [label_area(label) for label in place_labels(points, area=area) if label is not None]
    assert not any(overlap(one, other) for one, other in combinations(labels, 2))
    assert all(area.left <= box.left and box.right <= area.right for box in labels)
    for x, y, _ in points:
        dot = Area(left=x - 5, top=y - 5, right=x + 5, bottom=y + 5)
        assert not any(overlap(dot, box) for box in labels)
