"""Calls become counts and sums of bounded size."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from monitor.traffic.counted import OTHERS, Apps, PendingTraffic, Tokens, TrafficBatch
from monitor.traffic.known import REMEMBERED
from probes._model import ErrorClass
from tests.unit.score.values import START, after
from tests.unit.traffic.values import NAME, OTHER, make_call

SECOND = int(START.timestamp())
DAY = START.date()


def test_calls_are_counted_by_ten_seconds_and_ending_and_their_tokens_by_day_and_application() -> None:
    gathered = PendingTraffic()
    assert not gathered
    calls = [
        make_call(1, prompt_tokens=5, output_tokens=2, app="search"),
        make_call(9, prompt_tokens=7, reasoning_tokens=1, app="search"),
        make_call(10),
        make_call(11, ErrorClass.DNS, endpoint=OTHER),
    ]
    gathered.add(calls, START)
    assert gathered.counted("ab" * 8, after(1)) == TrafficBatch(
        id="ab" * 8,
        at=after(1),
        keys=[call.key for call in calls],
        counts={(NAME, SECOND, None): 2, (NAME, SECOND + 10, None): 1, (OTHER, SECOND + 10, ErrorClass.DNS): 1},
        activity={
            (DAY, NAME, "search"): Tokens(requests=2, prompt_tokens=12, output_tokens=2, reasoning_tokens=1),
            (DAY, NAME, ""): Tokens(requests=1),
            (DAY, OTHER, ""): Tokens(requests=1),
        },
    )
    assert gathered


def test_what_is_not_to_judge_is_activity_and_no_more() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(0, ErrorClass.DNS, judges=False)], START)
    assert (len(gathered.keys), gathered.counts, len(gathered.activity)) == (1, {}, 1)


def test_the_day_is_that_of_utc() -> None:
    gathered = PendingTraffic()
    at = datetime.fromisoformat("2026-11-23T00:30:00+02:00")
    gathered.add([make_call(at=at)], START)
    assert [use[0] for use in gathered.activity] == [date(2026, 11, 22)]


def test_while_the_store_fails_keys_that_cannot_come_again_are_let_go() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(0)], START)
    gathered.add([make_call(1)], after(600))
    assert gathered.shed(START + REMEMBERED) == 0
    assert len(gathered.keys) == 2
    assert gathered.shed(after(1) + REMEMBERED) == 0
    assert len(gathered.keys) == 1
    assert sum(gathered.counts.values()) == 2


def test_of_counts_beyond_the_bound_the_oldest_are_given_up_and_told() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(60), make_call(0), make_call(1), make_call(120)], START)
    assert gathered.shed(START, most=2) == 2
    assert [second - SECOND for _, second, _ in gathered.counts] == [60, 120]


def test_a_limited_number_of_applications_a_day_is_counted_separately() -> None:
    apps = Apps(most=2)
    apps.restore(DAY, "a")
    assert [apps.name(app, START) for app in ("a", "b", "c", "", "b")] == ["a", "b", OTHERS, "", "b"]
    tomorrow = START + timedelta(days=1)
    assert [apps.name(app, tomorrow) for app in ("c", "d", "a")] == ["c", "d", OTHERS]
    assert apps.name("z", START) == OTHERS
    assert apps.name("z", START.astimezone(UTC) + timedelta(days=2)) == "z"
    assert len(apps._days) == 2
