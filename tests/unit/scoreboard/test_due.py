"""Work that is due by time alone: due times, and old rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoreboard.due import DueTimes, RowAges, drift
from tests.unit.score.values import START

SECOND = timedelta(seconds=1)


def test_names_come_when_their_moments_have_come_and_then_never_again() -> None:
    moments = DueTimes()
    for name, at in (("late", 30), ("soon", 10), ("middle", 20), ("never", None)):
        moments.put(name, None if at is None else START + at * SECOND)
    assert moments.earliest == START + 10 * SECOND
    assert list(moments.take(START + 9 * SECOND)) == []
    assert list(moments.take(START + 20 * SECOND)) == ["soon", "middle"]
    assert moments.earliest == START + 30 * SECOND
    assert list(moments.take(START + 40 * SECOND)) == ["late"]
    assert moments.earliest is None


def test_the_earlier_of_two_moments_of_a_name_counts() -> None:
    moments = DueTimes()
    for at in (20, 30, 10, 10):
        moments.put("one", START + at * SECOND)
    assert list(moments.take(START + 60 * SECOND)) == ["one"]
    assert moments.earliest is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=30))
def test_no_name_is_forgotten_and_none_comes_early(puts: list[tuple[str, int]]) -> None:
    moments, first = DueTimes(), dict[str, int]()
    for name, at in puts:
        moments.put(name, START + at * SECOND)
        first[name] = min(at, first.get(name, at))
    came = {name: second for second in range(51) for name in moments.take(START + second * SECOND)}
    assert came == first


@pytest.mark.parametrize(("rows", "seconds"), [(1, 5), (1_000, 5), (4_000, 12), (10_000, 30), (100_000, 30)])
def test_the_more_rows_the_older_one_may_get_up_to_half_a_minute(rows: int, seconds: int) -> None:
    assert drift(rows) == seconds * SECOND


NAMES = [f"e{number}" for number in range(100)]


def test_who_has_not_asked_for_long_gets_all_rows_anew_and_who_asks_again_at_once_none() -> None:
    ages = RowAges(NAMES, START)
    later = START + 60 * SECOND
    assert ages.overdue(later) == NAMES
    for name in NAMES:
        ages.rendered(name, later)
    assert ages.overdue(later + SECOND) == []


def test_who_asks_all_the_time_gets_rows_a_few_at_a_time_and_none_gets_too_old() -> None:
    ages, rendered, most = RowAges(NAMES, START), dict.fromkeys(NAMES, START), 0
    for step in range(1, 400):
        now = START + step * SECOND / 10
        names = ages.overdue(now)
        most = max(most, len(names))
        for name in names:
            ages.rendered(name, now)
            rendered[name] = now
        assert now - min(rendered.values()) <= 2 * drift(len(NAMES))
    assert most <= 30


def test_a_touched_row_is_rendered_at_once_and_once() -> None:
    ages = RowAges(NAMES, START)
    ages.touch("e7")
    assert ages.overdue(START) == ages.touched == ["e7"]
    assert (ages.is_overdue("e7", START), ages.is_overdue("e8", START)) == (True, False)
    ages.rendered("e7", START)
    assert ages.overdue(START) == []


def test_a_clock_that_was_set_back_makes_all_rows_old() -> None:
    ages = RowAges(NAMES, START)
    assert ages.is_overdue("e1", START - SECOND)
    assert ages.overdue(START - SECOND) == NAMES
