"""Maintenance windows: merged, found, and subtracted from other spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.maintenance import (
    NOTICE,
    MaintenanceWindow,
    announced,
    current,
    ended,
    joined,
    matches,
    next_change,
    outside,
)
from tests.unit.score.values import unhurried

START = datetime(2026, 12, 1, tzinfo=UTC)
FEW = (3, 5), (8, 9)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def spans(*hours: tuple[float, float]) -> tuple[MaintenanceWindow, ...]:
    return tuple(MaintenanceWindow(begin=hour(begin), end=hour(end)) for begin, end in hours)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ([], []),
        ([(8, 9), (3, 5)], [(3, 5), (8, 9)]),
        ([(3, 5), (4, 9)], [(3, 9)]),
        ([(3, 9), (4, 5), (9, 10)], [(3, 10)]),
    ],
)
def test_spans_that_overlap_or_touch_are_joined(
    given_: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert joined(spans(*given_)) == spans(*expected)


def test_a_span_holds_its_begin_and_not_its_end() -> None:
    found = [current(spans(*FEW), hour(number)) for number in (2.9, 3, 4.9, 5, 8, 9)]
    first, second = spans(*FEW)
    assert found == [None, first, first, None, second, None]


def test_maintenance_is_announced_a_day_before_and_while_it_lasts() -> None:
    days = NOTICE / timedelta(hours=1)
    first, second = spans((3, 5), (3 + days + 5, 90))
    found = [announced((first, second), hour(number)) for number in (2.9 - days, 3 - days, 4, 5, 8, 89, 90)]
    assert found == [None, first, first, None, second, second, None]


def test_the_last_end_is_of_what_is_over() -> None:
    found = [ended(spans(*FEW), hour(number)) for number in (4, 5, 8.5, 12)]
    assert found == [None, hour(5), hour(5), hour(9)]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 12, [(0, 3), (5, 8), (9, 12)]),
        (4, 8.5, [(5, 8)]),
        (3, 5, []),
        (5, 8, [(5, 8)]),
        (3.5, 4.5, []),
        (10, 12, [(10, 12)]),
        (0, 2, [(0, 2)]),
        (2, 2, []),
    ],
)
def test_time_outside_of_maintenance_is_what_is_left(
    begin: float, end: float, expected: list[tuple[float, float]]
) -> None:
    assert tuple(outside(spans(*FEW), hour(begin), hour(end))) == spans(*expected)


@unhurried
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8), st.integers(-5, 70), st.integers(-5, 90)
)
def test_every_moment_is_either_in_a_span_or_outside(drawn: list[tuple[int, int]], begin: int, end: int) -> None:
    every = spans(*((first, first + length) for first, length in drawn))
    together = joined(every)
    left = list(outside(together, hour(begin), hour(end)))
    for number in range(begin, end):
        inside = any(span.begin <= hour(number) < span.end for span in every)
        assert (current(together, hour(number)) is not None) is inside
        assert sum(span.begin <= hour(number) < span.end for span in left) == (not inside)
    assert all(hour(begin) <= span.begin < span.end <= hour(end) for span in left)


@pytest.mark.parametrize(
    ("pattern", "endpoint", "expected"),
    [
        ("groq:*", "groq:meta/llama", True),
        ("groq:*", "Groq:llama", False),
        ("*", "anything", True),
        ("*:llama-?b", "vllm:llama-8b", True),
        ("llama", "groq:llama", False),
        ("odd[1]", "odd[1]", True),
        ("odd[1]", "odd1", True),
    ],
)
def test_a_pattern_matches_as_with_names_of_files_and_always_itself(
    pattern: str, endpoint: str, expected: bool
) -> None:
    assert matches(pattern, endpoint) is expected


def test_the_next_change_is_the_next_notice_beginning_or_end_of_any_span() -> None:
    two, seen, at = spans((48, 49), (80, 81)), [], hour(0)
    while (moment := next_change(two, at)) is not None:
        seen.append(moment)
        at = moment
    assert seen == [hour(24), hour(48), hour(49), hour(56), hour(80), hour(81)]
    assert next_change((), hour(0)) is None
