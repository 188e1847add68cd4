"""The wait after a failed delivery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.pipeline.backoff import LONGEST_S, wait_s

_chances = st.floats(0, 1)


def test_the_wait_doubles_with_every_failure_up_to_five_minutes() -> None:
    waits = [wait_s(failures, chance=1.0) for failures in range(1, 12)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]


def test_chance_spreads_over_the_second_half() -> None:
    assert [wait_s(4, chance=chance) for chance in (0.0, 0.5, 1.0)] == [4.0, 6.0, 8.0]


def test_what_the_destination_asks_for_is_honoured() -> None:
    assert wait_s(1, chance=0.0, retry_after_s=7.5) == 7.5
    assert wait_s(9, chance=0.0, retry_after_s=7.5) == 128.0


def test_a_destination_that_asks_for_years_is_asked_again_in_five_minutes() -> None:
    assert wait_s(1, chance=0.0, retry_after_s=1e12) == LONGEST_S


@given(failures=st.integers(1, 10**9), chance=_chances, asked_s=st.none() | st.floats(0, 1e12))
def test_no_wait_is_zero_or_beyond_the_longest(failures: int, chance: float, asked_s: float | None) -> None:
    assert 0.5 <= wait_s(failures, chance=chance, retry_after_s=asked_s) <= LONGEST_S
