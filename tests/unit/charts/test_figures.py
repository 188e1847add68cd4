"""Numbers, times, texts and elements: short, with their unit, never wider than their room, always escaped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from monitor.charts import figures
from monitor.charts.figures import RATIO, SCORE, SECONDS, TOKENS_PER_SECOND, USD, USD_PER_MILLION, Unit, count_of
from monitor.charts.markup import el, join, number, points
from monitor.charts.roles import PROVIDERS, dash, of_provider
from monitor.charts.text_width import fit, text_width
from tests.unit.charts.drawn import DAY, HOSTILE, HOUR, START, parse

TOKENS = count_of("tokens")


@pytest.mark.parametrize(
    ("unit", "value", "shown", "bare"),
    [
        (SECONDS, 0.21, "210 ms", "210 ms"),
        (SECONDS, 3.1, "3.10 s", "3.10 s"),
        (TOKENS_PER_SECOND, 118.4, "118 tokens/s", "118"),
        (TOKENS_PER_SECOND, 3.14, "3.1 tokens/s", "3.1"),
        (RATIO, 0.99999, "99.99%", "99.99%"),
        (RATIO, 1.0, "100%", "100%"),
        (RATIO, 0.57, "57.00%", "57.00%"),
        (SCORE, 0.996, "0.99", "0.99"),
        (USD, 3.0, "$3.00", "$3.00"),
        (USD, 0.0, "$0.00", "$0.00"),
        (USD, 1234567.0, "$1,234,567.00", "$1,234,567.00"),
        (USD, 1e18, "$1e+18", "$1e+18"),
        (USD_PER_MILLION, 0.027, "$0.027/M", "$0.027"),
        (TOKENS, 999, "999 tokens", "999"),
        (TOKENS, 28_190, "28.1 k tokens", "28.1 k"),
        (TOKENS, 4_199_999, "4.1 M tokens", "4.1 M"),
        (TOKENS, 2e9, "2 G tokens", "2 G"),
        (TOKENS, 3.5e12, "3.5 T tokens", "3.5 T"),
        (TOKENS, 1e18, "1e+18 tokens", "1e+18"),
        (TOKENS, 2.5, "2.5 tokens", "2.5"),
    ],
)
def test_a_value_has_its_unit_unless_a_word_stands_near(unit: Unit, value: float, shown: str, bare: str) -> None:
    assert (unit.shown(value), unit.bare(value)) == (shown, bare)


@pytest.mark.parametrize("unit", [SECONDS, TOKENS_PER_SECOND, RATIO, SCORE, USD, USD_PER_MILLION, TOKENS])
def test_what_was_not_measured_is_a_dash_in_every_unit(unit: Unit) -> None:
    assert unit.shown(None) == unit.bare(None) == "–"


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (SECONDS, 0.0, "0"),
        (SECONDS, 0.25, "250 ms"),
        (SECONDS, 0.0001, "0.1 ms"),
        (SECONDS, 1.5, "1.5 s"),
        (SECONDS, 1e9, "1e+09 s"),
        (RATIO, 0.995, "99.5%"),
        (USD, 0.5, "$0.5"),
        (USD_PER_MILLION, 0.5, "$0.5"),
        (SCORE, 0.2, "0.2"),
        (TOKENS_PER_SECOND, 300.0, "300"),
        (TOKENS, 150_000.0, "150 k"),
    ],
)
def test_ticks_are_as_short_as_they_can_be(unit: Unit, value: float, text: str) -> None:
    assert unit.tick(value) == text


def test_a_window_names_its_day_once() -> None:
    assert figures.window(START, HOUR) == "2026-11-21 22:00 to 23:00 UTC"
    assert figures.window(START, 3 * HOUR) == "2026-11-21 22:00 to 2026-11-22 01:00 UTC"
    assert figures.window(START - 22 * HOUR, DAY) == "2026-11-21 UTC"
    assert figures.window(START, DAY) == "2026-11-21 22:00 to 2026-11-22 22:00 UTC"


def test_times_for_scripts_and_for_people_are_utc() -> None:
    assert figures.iso(START) == "2026-11-21T22:00:00Z"
    assert figures.moment(START + timedelta(minutes=5)) == "2026-11-21 22:05 UTC"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_drawn(value: float | None) -> None:
    assert figures.drawable(value) is None


def test_the_widths_are_those_of_a_wide_font() -> None:
    assert text_width("Groq") == pytest.approx((0.772 + 0.411 + 0.611 + 0.635) * 11, abs=0.1)
    assert text_width("é") == text_width("e")
    assert text_width("e\N{COMBINING ACUTE ACCENT}") == text_width("e")
    assert text_width("中") == text_width("א") == 11
    assert text_width("🤖") > text_width("中")


@given(text=st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE)), width=st.floats(0, 300))
def test_a_fitted_text_is_never_wider_than_its_room(text: str, width: float) -> None:
    shown = fit(text, width)
    assert text_width(shown) <= width + 1e-6
    assert shown in {text, ""} or (shown.endswith("…") and text.startswith(shown[:-1]))


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert fit("Fireworks", 100) == "Fireworks"
    assert fit("Fireworks", 30) == "Fir…"
    assert fit("Fireworks", 3) == ""


def test_attributes_and_children_are_escaped() -> None:
    assert el("text", "a <b> & c", Markup("<tspan/>"), data_x='"1"', class_="unit") == (
        '<text data-x="&#34;1&#34;" class="unit">a &lt;b&gt; &amp; c<tspan/></text>'
    )


def test_an_attribute_without_a_value_is_left_out() -> None:
    assert el("line", x1=1, x2=2.50, y1=1 / 3, y2=None) == '<line x1="1" x2="2.5" y1="0.33"/>'


@given(text=st.text())
def test_any_text_gives_well_formed_markup(text: str) -> None:
    assert parse(el("title", text, data_series=text)).tag == "title"


def test_numbers_have_two_decimals_at_most() -> None:
    assert [number(value) for value in (0.0, -0.001, 10, 1.005, 2.10)] == ["0", "0", "10", "1", "2.1"]
    assert points([(1, 2), (3.456, 4)]) == "1,2 3.46,4"
    assert join([el("a"), el("b")]) == "<a/><b/>"


def test_the_seventh_provider_has_the_first_colour_and_another_dash() -> None:
    assert of_provider(6) is PROVIDERS[0]
    assert dash(0) is None
    assert len({dash(repeat) for repeat in range(4)}) == 4
