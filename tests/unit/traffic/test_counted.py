"""Calls become counts and sums of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from monitor.traffic.counted import OTHERS, Apps, PendingTraffic, Tokens, TrafficBatch, TrafficKey
from monitor.traffic.known import REMEMBERED
from probes._model import ErrorClass
from tests.unit.score.values import START, after
from tests.unit.traffic.values import NAME, OTHER, make_call


def key_count(gathered: PendingTraffic) -> int:
    return sum(len(keys) for _, keys in gathered.keys)


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
    assert (key_count(gathered), gathered.counts, len(gathered.activity)) == (1, {}, 1)


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
    assert key_count(gathered) == 2
    held = gathered.keys
    assert gathered.shed(after(1) + REMEMBERED) == 0
    assert key_count(gathered) == 1
    assert sum(gathered.counts.values()) == 2
    assert gathered.keys is held, "half a million keys are not copied with every sample"


def test_keys_that_came_while_the_clock_was_ahead_are_let_go_too() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(0)], after(86_400))
    gathered.add([], START)
    gathered.add([make_call(1)], after(1))
    gathered.shed(after(0.5) + REMEMBERED)
    assert key_count(gathered) == 1


class Unread(dict[TrafficKey, int]):
    """Counts that may not be gone through."""

    def __iter__(self) -> Iterator[TrafficKey]:
        raise AssertionError


def test_while_there_is_room_no_count_is_looked_at() -> None:
    """There may be 200,000, and the queue sheds with every sample."""
    gathered = PendingTraffic(counts=Unread())
    gathered.add([make_call(second) for second in (0, 60, 120)], START)
    assert gathered.shed(START, most=3) == 0
    assert len(gathered.counts) == 3


def test_of_counts_beyond_the_bound_the_oldest_are_given_up_and_told() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(60), make_call(0), make_call(1), make_call(120)], START)
    assert gathered.shed(START, most=2) == 2
    assert [second - SECOND for _, second, _ in gathered.counts] == [60, 120]


def test_room_is_made_for_more_than_one_count_at_once() -> None:
    gathered = PendingTraffic()
    gathered.add([make_call(10 * number) for number in range(301)], START)
    assert gathered.shed(START, most=300) == 4
    assert min(second for _, second, _ in gathered.counts) == SECOND // 10 * 10 + 40


def test_a_limited_number_of_applications_a_day_is_counted_separately() -> None:
    apps = Apps(most=2)
    apps.restore(DAY, "a")
    assert [apps.name(app, START) for app in ("a", "b", "c", "", "b")] == ["a", "b", OTHERS, "", "b"]
    tomorrow = START + timedelta(days=1)
    assert [apps.name(app, tomorrow) for app in ("c", "d", "a")] == ["c", "d", OTHERS]
    assert apps.name("z", START) == OTHERS
    assert apps.name("z", START.astimezone(UTC) + timedelta(days=2)) == "z"
    assert len(apps._days) == 2
