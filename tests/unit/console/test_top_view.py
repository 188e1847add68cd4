"""What each key changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.console.top.keys import SpecialKey
from monitor.console.top.view import RowGrouping, ScreenPlace, TopView, pressed

PLACE = ScreenPlace(offset=30, page=10, total=100, columns=("status", "endpoint", "score"))


START = TopView()


def after(keys: list[str], view: TopView = START, place: ScreenPlace = PLACE) -> TopView:
    for key in keys:
        view = pressed(view, key, place)
    return view


@pytest.mark.parametrize(
    ("key", "offset"),
    [
        ("up", 29),
        ("k", 29),
        ("down", 31),
        ("j", 31),
        ("page up", 20),
        ("page down", 40),
        (" ", 40),
        ("home", 0),
        ("end", 90),
    ],
)
def test_the_table_scrolls_within_its_bounds(key: str, offset: int) -> None:
    assert after([key]).offset == offset
    small = ScreenPlace(offset=0, page=10, total=3)
    assert after([key], place=small).offset == 0


def test_sorting_goes_through_the_columns_on_the_screen() -> None:
    assert [after(["s"] * number).sort for number in range(4)] == ["status", "endpoint", "score", "status"]
    assert after(["S"]).sort == "score"
    assert after(["s"], TopView(sort="price", offset=5)) == TopView(sort="status")
    assert after(["s"], place=ScreenPlace()).sort == "status"


def test_a_number_sorts_by_that_column_and_reverses_it_the_second_time() -> None:
    assert after(["3"]) == TopView(sort="score")
    assert after(["3", "3"]) == TopView(sort="score", reverse=True)
    assert after(["3", "3", "3"]) == TopView(sort="score")
    assert after(["9"]) == after(["0"]) == after(["²"]) == TopView()
    assert after(["r"]) == TopView(reverse=True)


def test_the_filter_follows_each_key_until_enter() -> None:
    typed = after(["/", "q", "é", " ", "backspace", "page up"])
    assert typed == TopView(filter="qé", editing=True)
    assert after([SpecialKey.ENTER], typed) == TopView(filter="qé")
    assert after([SpecialKey.ESCAPE], typed) == TopView()
    assert after([SpecialKey.ERASE_LINE], typed) == TopView(editing=True)
    assert after(["backspace"], TopView(editing=True)) == TopView()
    assert after([SpecialKey.ESCAPE], TopView(filter="x")) == TopView()
    assert len(after(["/", *"x" * 300]).filter) == 200


def test_groups_go_round() -> None:
    found = [after(["g"] * number).grouping for number in range(4)]
    assert found == [RowGrouping.NONE, RowGrouping.PROVIDER, RowGrouping.MODEL, RowGrouping.NONE]


def test_help_ends_with_any_key_and_q_quits_from_it() -> None:
    assert after(["?"]).help
    assert after(["h"]).help
    assert after(["?", "s"]) == TopView()
    assert after(["?", "q"]).quit


@pytest.mark.parametrize("view", [TopView(), TopView(editing=True), TopView(help=True)])
def test_ctrl_c_quits_from_everywhere(view: TopView) -> None:
    assert after([SpecialKey.QUIT], view) == replace(view, quit=True)
    assert after(["q"]).quit


def test_a_key_without_a_meaning_changes_nothing() -> None:
    assert after(["x", "enter", "é"]) == TopView()
