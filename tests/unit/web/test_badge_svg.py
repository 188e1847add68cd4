"""A badge has a text and a colour, is as wide as its text, and has a title for screen readers."""

from __future__ import annotations

import string
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.text_width import text_width
from monitor.domain.status import Status
from monitor.score.windows import WINDOWS
from monitor.web.badge_svg import Badge, BadgeWindow, Colour, of_status, of_ttft, of_uptime, svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("status", "message", "colour"),
    [
        (Status.UP, "up", Colour.GREEN),
        (Status.DEGRADED, "degraded", Colour.YELLOW),
        (Status.DOWN, "down", Colour.RED),
        (Status.UNKNOWN, "no data", Colour.GREY),
        (Status.MAINTENANCE, "maintenance", Colour.BLUE),
        (Status.PAUSED, "paused", Colour.GREY),
    ],
)
def test_a_status_is_a_word_and_a_colour(status: Status, message: str, colour: Colour) -> None:
    assert of_status(status) == Badge(label="status", message=message, colour=colour)


@pytest.mark.parametrize(
    ("ratio", "message", "colour"),
    [
        (1.0, "100%", Colour.GREEN),
        (0.999_999, "99.99%", Colour.GREEN),
        (0.9995, "99.95%", Colour.GREEN),
        (0.99, "99%", Colour.GREEN),
        (0.989_999, "98.99%", Colour.LIGHT_GREEN),
        (0.95, "95%", Colour.LIGHT_GREEN),
        (0.9, "90%", Colour.YELLOW),
        (0.8, "80%", Colour.ORANGE),
        (0.7999, "79.99%", Colour.RED),
        (0.29, "29%", Colour.RED),
        (0.0, "0%", Colour.RED),
        (None, "no data", Colour.GREY),
    ],
)
def test_an_uptime_is_cut_off_and_never_rounded_up(ratio: float | None, message: str, colour: Colour) -> None:
    assert of_uptime("30d", ratio) == Badge(label="uptime 30d", message=message, colour=colour)


@pytest.mark.parametrize(
    ("median_s", "message"),
    [
        (0.0004, "0 ms"),
        (0.21, "210 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (1.234, "1.23 s"),
        (12.34, "12.3 s"),
        (999.4, "999 s"),
        (1234.5, "1234 s"),
        (None, "no data"),
    ],
)
def test_a_time_has_three_digits_and_its_unit(median_s: float | None, message: str) -> None:
    badge = of_ttft("30m", median_s, Status.DEGRADED)
    colour = Colour.GREY if median_s is None else Colour.YELLOW
    assert badge == Badge(label="ttft 30m", message=message, colour=colour)


@given(st.text(string.printable), st.text())
def test_a_badge_is_as_wide_as_its_two_texts_and_is_read_aloud(label: str, message: str) -> None:
    plain = "".join(letter for letter in message if letter.isprintable())
    badge = Badge(label="".join(label.split()), message=plain, colour=Colour.GREEN)
    root = ET.fromstring(svg(badge))
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"{badge.label}: {badge.message}"
    assert root.findtext(SVG + "title") == f"{badge.label}: {badge.message}"
    rects = [element for element in root.iter(SVG + "rect") if element.get("fill") in {"#555", Colour.GREEN}]
    assert sum(int(rect.get("width") or 0) for rect in rects) == int(root.get("width") or 0)
    for each in root.iter(SVG + "text"):
        begin, length = float(each.get("x") or 0), float(each.get("textLength") or 0)
        assert length == round(text_width(each.text or ""), 1)
        assert begin + length <= int(root.get("width") or 0)


def test_a_badge_may_be_of_every_window_that_uptime_is_published_for() -> None:
    assert [*BadgeWindow] == [window.name for window in WINDOWS]


def test_nothing_in_a_badge_needs_a_style_or_another_file() -> None:
    text = svg(of_status(Status.UP)).decode()
    assert "style" not in text
    assert "href" not in text
    assert "<script" not in text


@pytest.mark.parametrize(("narrow", "wide"), [("iiii", "mmmm"), ("up", "down"), ("1%", "100%"), ("a", "\u65e5")])
def test_widths_follow_the_letters(narrow: str, wide: str) -> None:
    assert text_width(narrow) < text_width(wide)


def test_every_letter_of_ascii_has_a_width_of_its_own() -> None:
    for letter in string.ascii_letters + string.digits + string.punctuation + " ":
        assert 0 < text_width(letter) < 11
