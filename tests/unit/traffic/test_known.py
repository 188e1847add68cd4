"""Ids are kept for as long as they could be reported again, up to a maximum number."""

from __future__ import annotations

import pytest

from monitor.traffic.known import REMEMBERED, KnownIds, TooManyError
from tests.unit.score.values import START, after


def test_a_key_is_known_until_a_request_of_that_id_would_be_too_old() -> None:
    known = KnownIds()
    known.add([1, 2, 1], START)
    assert (1 in known, 3 in known, len(known)) == (True, False, 2)
    known.make_room(0, START + REMEMBERED)
    assert 1 in known
    known.make_room(0, after(2 * REMEMBERED.total_seconds()))
    assert (1 in known, len(known)) == (False, 0)


def test_what_comes_later_is_known_for_longer() -> None:
    known = KnownIds()
    known.add([1], START)
    known.add([2], after(10))
    known.add([3], after(600))
    known.make_room(0, after(REMEMBERED.total_seconds() + 100))
    assert [key in known for key in (1, 2, 3)] == [False, False, True]


def test_without_room_nothing_changes_and_the_error_has_the_time_to_wait() -> None:
    known = KnownIds(most=3)
    known.add([1, 2], START)
    known.make_room(1, after(1))
    with pytest.raises(TooManyError) as caught:
        known.make_room(2, after(1))
    assert caught.value.wait_s == REMEMBERED.total_seconds() + 29
    assert len(known) == 2
    known.make_room(2, after(caught.value.wait_s + 2))


def test_more_than_there_is_ever_room_for_is_refused_at_once() -> None:
    with pytest.raises(TooManyError) as caught:
        KnownIds(most=3).make_room(4, START)
    assert caught.value.wait_s > 0


def test_a_clock_that_is_set_back_forgets_nothing() -> None:
    known = KnownIds()
    known.add([1], after(500))
    known.add([2], START)
    known.make_room(0, after(501))
    assert (1 in known, 2 in known) == (True, True)


def test_keys_that_came_while_the_clock_was_ahead_are_forgotten_as_soon_as_others() -> None:
    """Or there would be no room for as long as it was ahead."""
    known = KnownIds(most=2)
    known.add([1], after(30 * 86_400))
    known.make_room(1, START)
    known.add([2], START)
    assert (1 in known, 2 in known) == (True, True)
    known.make_room(2, after(REMEMBERED.total_seconds() + 60))
    assert len(known) == 0
