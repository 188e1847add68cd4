"""Tests of the bars of uptime, and of what another choice of providers would have been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.charts.table import Table
from monitor.domain.text import NOT_MEASURED
from monitor.web.pages.model.endpoints import ModelEndpoint
from monitor.web.pages.model.figures import DAYS, HOURS, EndpointHistory
from monitor.web.pages.model.uptime import ALL, UptimeSection, routed_uptime, uptime_section
from tests.unit.charts.drawn import HOSTILE, assert_sound, with_class
from tests.unit.web.pages.model.values import history_of, model_history, shown, uptimes


def section(*endpoints: ModelEndpoint, histories: list[EndpointHistory] | None = None) -> UptimeSection:
    found = [history_of(endpoint.id) for endpoint in endpoints] if histories is None else histories
    return uptime_section(endpoints, model_history(*found))


def test_each_endpoint_has_72_hours_and_90_days_and_several_have_a_row_for_all() -> None:
    found = section(shown("a:m"), shown("b:m", 1))
    assert [row.name for row in found.rows] == [ALL, "a", "b"]
    for number, row in enumerate(found.rows):
        assert len(with_class(assert_sound(row.hours, f"hours-{number}"), "bar")) == HOURS
        assert len(with_class(assert_sound(row.days, f"days-{number}"), "bar")) == DAYS


def test_one_endpoint_needs_no_row_for_all() -> None:
    assert [row.name for row in section(shown()).rows] == ["groq"]


def test_figures_are_floored_to_two_decimals_and_have_their_count() -> None:
    (row,) = section(shown()).rows
    assert (row.in_hours.words, row.in_hours.below) == ("99.30%", "n 4,320")
    assert row.in_hours.about == "30 of 4,320 probes failed in 72 hours"
    assert row.in_days.words == "100%"


def test_the_row_for_all_is_the_share_of_all_probes() -> None:
    bad = history_of("b:m", hours=tuple(replace(bar, ok=0, failed=60) for bar in history_of().hours))
    found = section(shown("a:m"), shown("b:m", 1), histories=[history_of("a:m"), bad])
    assert found.rows[0].in_hours.words == "49.65%"


def test_maintenance_of_one_endpoint_is_none_of_all() -> None:
    idle = tuple(replace(bar, ok=0, failed=0, maintenance=True) for bar in history_of().hours)
    silent = tuple(replace(bar, maintenance=False) for bar in idle)
    found = section(
        shown("a:m"), shown("b:m", 1), histories=[history_of("a:m", hours=idle), history_of("b:m", hours=silent)]
    )
    assert {row[1] for row in found.tables[0].rows} == {"not measured"}
    assert {row[2] for row in found.tables[0].rows} == {"maintenance"}


def test_an_endpoint_that_was_never_measured_has_a_dash() -> None:
    never = history_of(hours=tuple(replace(bar, ok=0, failed=0) for bar in history_of().hours))
    (row,) = section(shown(), histories=[never]).rows
    assert (row.in_hours.words, row.in_hours.below) == (NOT_MEASURED, "n 0")


def test_endpoints_that_the_store_does_not_know_have_no_row() -> None:
    found = section(shown(), histories=[])
    assert found.rows == ()
    assert found.tables[0].rows == ()


def test_the_tables_have_a_row_for_each_hour_and_day_newest_first() -> None:
    hours, days = section(shown("a:m"), shown("b:m", 1)).tables
    assert (len(hours.rows), len(days.rows)) == (HOURS, DAYS)
    assert hours.head == ("time", ALL, "a", "b")
    assert hours.rows[0] == ("2026-11-22 07:00 to 08:00 UTC", "100% · n 120", "100% · n 60", "100% · n 60")
    assert hours.rows[1][2] == "50.00% · n 60"


def test_rate_limits_stand_beside_the_uptime() -> None:
    limited = history_of(hours=tuple(replace(bar, rate_limited=3) for bar in history_of().hours))
    assert cell(section(shown(), histories=[limited]).tables[0]) == "100% · n 60 · 3 rate limited"


def test_hostile_names_stay_text() -> None:
    found = section(*(shown(f"p{number}:m", number, label=name) for number, name in enumerate(HOSTILE)))
    for number, row in enumerate(found.rows):
        assert_sound(row.hours, f"hours-{number}")


def test_a_choice_by_the_hour_before_does_not_know_the_hour_that_judges_it() -> None:
    fails_last, fails_first = uptimes(1.0, 1.0, 0.0), uptimes(0.5, 0.5, 1.0)
    found = routed_uptime([fails_last, fails_first])
    assert found.hours == 2
    assert found.followed == pytest.approx(0.5)
    assert found.even == pytest.approx(0.625)


def test_of_equally_good_providers_each_counts_alike() -> None:
    found = routed_uptime([uptimes(1.0, 0.8), uptimes(1.0, 1.0), uptimes(0.9, 0.0)])
    assert found.followed == pytest.approx(0.9)
    assert found.even == pytest.approx(0.6)


def test_following_the_better_one_avoids_a_long_outage_after_its_first_hour() -> None:
    down, steady = uptimes(1, 1, 0, 0, 0, 0, 1, 1), uptimes(*[0.99] * 8)
    found = routed_uptime([down, steady])
    assert found.followed is not None
    assert found.even is not None
    assert found.followed > found.even


def test_hours_that_were_not_measured_in_a_row_do_not_count() -> None:
    assert routed_uptime([uptimes(1.0, None, 1.0), uptimes(None, 0.5, None)]).hours == 0
    assert routed_uptime([]).followed is None
    assert routed_uptime([uptimes(1.0)]).even is None


def test_the_estimate_has_the_number_of_hours_that_it_is_made_of() -> None:
    routed = section(shown("a:m"), shown("b:m", 1)).routed
    assert routed is not None
    assert (routed.followed, routed.even, routed.hours) == ("99.29%", "99.29%", "71 hours")


def test_without_a_choice_or_an_hour_there_is_no_estimate() -> None:
    silent = [history_of(name, hours=uptimes(None)) for name in ("a:m", "b:m")]
    assert section(shown()).routed is None
    assert section(shown("a:m"), shown("b:m", 1), histories=silent).routed is None


def cell(table: Table) -> object:
    return table.rows[0][1]
