"""Tests of tokens by day and of applications."""

from __future__ import annotations

from datetime import timedelta

from monitor.traffic.counted import Activity, Tokens
from monitor.web.pages.model.activity import UNNAMED, activity_section
from monitor.web.pages.model.figures import ACTIVE_DAYS, ProbeDay
from tests.unit.charts.drawn import HOSTILE, assert_sound, with_class
from tests.unit.web.pages.model.values import NOW, history_of, model_history

TODAY = NOW.date()


def used(app: str = "search", days_ago: int = 0, **tokens: int) -> Activity:
    plain = {"requests": 2, "prompt_tokens": 1000, "output_tokens": 300, "reasoning_tokens": 100}
    return Activity(
        day=TODAY - timedelta(days=days_ago), endpoint="groq:llama", app=app, tokens=Tokens(**{**plain, **tokens})
    )


def probed(days_ago: int = 0) -> ProbeDay:
    return ProbeDay(
        day=TODAY - timedelta(days=days_ago),
        probes=10,
        prompt_tokens=500,
        output_tokens=60,
        reasoning_tokens=10,
        cost_usd=0.25,
    )


def test_tokens_of_applications_are_summed_by_day_with_reasoning_apart_from_completion() -> None:
    section = activity_section(model_history(activity=(used(), used("bot"), used(days_ago=3))))
    assert section.traffic.sums == "3 k prompt, 300 reasoning and 600 completion tokens in 6 requests"
    rows = section.traffic.drawing.table.rows
    assert len(rows) == ACTIVE_DAYS == section.days
    assert rows[-1][1:] == ("2 k tokens", "200 tokens", "400 tokens", "2.6 k tokens", 4)
    assert rows[-2][1:] == ("0 tokens", "0 tokens", "0 tokens", "0 tokens", 0)


def test_probes_have_their_cost_and_days_without_one_are_not_measured() -> None:
    section = activity_section(
        model_history(history_of("a:m", probe_days=(probed(2), probed())), history_of("b:m", probe_days=(probed(),)))
    )
    assert section.probes.sums == "$0.75 for 1.5 k prompt, 30 reasoning and 150 completion tokens in 30 probes"
    root = assert_sound(section.probes.drawing.chart, "probes")
    assert len(with_class(root, "b-void")) == ACTIVE_DAYS - 2 + 1  # and one in the legend


def test_without_reports_and_probes_the_charts_say_so() -> None:
    section = activity_section(model_history())
    assert (section.traffic.sums, section.probes.sums) == ("no reported requests", "no probe yet")
    assert with_class(assert_sound(section.traffic.drawing.chart, "traffic"), "empty")
    assert section.applications == ()


def test_applications_are_sorted_by_their_tokens() -> None:
    activity = (used("small", prompt_tokens=1), used("large"), used("large", days_ago=9), used("", prompt_tokens=5))
    rows = activity_section(model_history(activity=activity)).applications
    assert [row.name for row in rows] == ["large", UNNAMED, "small"]
    assert (rows[0].requests, rows[0].prompt, rows[0].reasoning, rows[0].completion) == ("4", "2 k", "200", "400")
    assert rows[0].last_day == "2026-11-22"


def test_more_reasoning_than_output_is_no_negative_completion() -> None:
    section = activity_section(model_history(activity=(used(output_tokens=10, reasoning_tokens=50),)))
    assert section.applications[0].completion == "0"


def test_hostile_names_of_applications_are_printable() -> None:
    rows = activity_section(model_history(activity=tuple(map(used, HOSTILE)))).applications
    assert all(row.name.isprintable() for row in rows)
