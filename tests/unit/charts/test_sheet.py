"""The sheet and the shared patterns: every class has a rule, every pattern that a rule names exists once."""

from __future__ import annotations

import re

import pytest

from monitor.charts.legend import LegendEntry, legend, legend_chart, legend_height
from monitor.charts.markup import el
from monitor.charts.patterns import shared_patterns
from monitor.charts.roles import Role
from monitor.charts.uptime_strip import ROLES
from tests.unit.charts.drawn import CSS, STYLED, assert_apart, assert_sound, number, parse, texts


def rule(name: str) -> str:
    found = re.search(rf"\.{name} \{{ ([^}}]*)\}}", CSS)
    assert found is not None, name
    return found[1]


def test_every_pattern_that_the_sheet_names_is_defined_once() -> None:
    root = parse(shared_patterns())
    defined = [element.get("id") for element in root.iter("pattern")]
    assert len(set(defined)) == len(defined)
    assert set(re.findall(r"url\(#(\w+)\)", CSS)) == set(defined)
    assert all(name in STYLED for element in root.iter() for name in element.get("class", "").split())
    assert root.get("aria-hidden") == "true"


@pytest.mark.parametrize("role", Role)
def test_every_role_has_a_rule(role: Role) -> None:
    assert "fill" in rule(role)


def test_no_two_states_of_a_strip_look_the_same_without_colour() -> None:
    fills = [re.sub(r" ?var\([^)]*\)", "", rule(role)) for role in ROLES.values()]
    assert len(set(fills)) == len(fills)


def test_what_the_sheet_uses_without_defining_are_roles_of_the_page() -> None:
    defined = set(re.findall(r"(--[\w-]+):", CSS))
    page = {
        "--line", "--line-strong", "--text", "--muted", "--faint", "--card", "--void", "--up", "--up-soft",
        "--degraded", "--degraded-soft", "--down", "--down-soft", "--limit", "--maintenance", "--maintenance-soft",
        "--p1", "--p2", "--p3", "--p4", "--p5", "--p6", "--t1", "--t2", "--t3",
    }  # fmt: skip
    assert set(re.findall(r"var\((--[\w-]+)\)", CSS)) - defined == page


def test_a_legend_that_does_not_fit_into_a_row_stands_in_columns() -> None:
    entries = [LegendEntry(words=f"entry number {k}", role="t1", line=k % 2 == 0) for k in range(7)]
    shown = texts(parse(el("svg", legend(entries, left=10, right=310, top=0))))
    assert len({text.area.left for text in shown}) == 2
    assert_apart(shown)
    assert max(text.area.bottom for text in shown) <= legend_height(entries, width=300)
    assert legend_height([], width=300) == 0
    assert legend_height(entries, width=30) > legend_height(entries, width=300) > legend_height(entries, width=1500)


def test_a_legend_that_charts_share_is_a_chart_of_its_own() -> None:
    entries = [LegendEntry(words=f"entry number {k}", role="t1") for k in range(7)]
    root = assert_sound(legend_chart(entries, chart_id="c", width=300))
    assert [text.words for text in texts(root)] == [entry.words for entry in entries]
    assert number(assert_sound(legend_chart([], chart_id="c", width=300)), "height") == 1


def test_a_long_entry_is_shortened_and_whole_in_its_title() -> None:
    (text,) = texts(parse(el("svg", legend([LegendEntry(words="x" * 99, role="t1")], left=0, right=100, top=0))))
    assert text.whole == "x" * 99
    assert text.area.right <= 100
    assert number(text.element, "x") == 17
