"""Persistent trouble: its probability, beginning and end, and bursts."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.markov import HOUR_S
from monitor.score.persistent import NEWCOMER, PersistentTrouble, bounded
from tests.unit.score.values import unhurried

KNOWN = PersistentTrouble(share=0.5)
samples = st.lists(st.sampled_from("osf"), max_size=40).map("".join)


def told(letters: Iterable[str], persistent: PersistentTrouble = KNOWN, keep: float = 1.0) -> PersistentTrouble:
    """After these samples: `o` good, `s` misses the SLO, `f` fails."""
    for letter in letters:
        persistent = persistent.after(persistent.share, keep, good=letter == "o", late=letter == "s")
    return persistent


def drawn(good: float, again: float, count: int) -> str:
    """Samples of which so many are good; each turns out as the one before with the chance `again`, or is drawn anew."""
    chance = random.Random(1)
    found, newest = [], "o"
    for _ in range(count):
        if chance.random() >= again:
            newest = "o" if chance.random() < good else "f"
        found.append(newest)
    return "".join(found)


@unhurried
@given(samples, st.floats(0, 1))
def test_what_the_next_sample_may_be_is_certain_together(letters: str, keep: float) -> None:
    persistent = told(letters)
    for shares in (persistent.shares, persistent.next_shares(keep)):
        assert sum(shares) == pytest.approx(1)
        assert all(0 < share < 1 for share in shares)


def test_how_bad_it_is_is_known_the_better_the_longer_it_lasts() -> None:
    found = [told("oof" * count) for count in (1, 4, 16, 64)]
    assert [each.weight() for each in found] == sorted(each.weight() for each in found)
    assert found[-1].shares == pytest.approx((2 / 3, 0, 1 / 3), abs=0.03)


def test_what_nearly_always_succeeds_is_in_no_such_trouble() -> None:
    assert told("o" * 300).shares[0] < 0.9


def test_after_a_failure_of_what_fails_in_bursts_the_next_is_likelier_to_fail() -> None:
    bursts = told(drawn(0.6, 0.7, 300))
    assert bursts.correlation == pytest.approx(0.65, abs=0.15)
    assert told("f", bursts).next_shares()[2] > bursts.shares[2] + 0.2
    assert told("o", bursts).next_shares()[0] > bursts.shares[0] + 0.1
    assert bursts.weight() < 0.5 * bursts.seen


def test_of_what_fails_now_and_then_the_newest_sample_tells_nothing() -> None:
    apart = told(drawn(0.6, 0.0, 300))
    assert apart.correlation < 0.1
    assert told("f", apart).next_shares() == pytest.approx(told("o", apart).next_shares(), abs=0.1)


def test_what_always_fails_comes_in_no_bursts() -> None:
    assert told("f" * 100).correlation == 0


def test_it_begins_and_ends_by_itself() -> None:
    shares = [
        PersistentTrouble(share=share).aged(hours * HOUR_S)[0] for share in (0.0001, 0.9) for hours in (0, 1, 10, 1e4)
    ]
    assert shares[:4] == sorted(shares[:4])
    assert shares[4:] == sorted(shares[4:], reverse=True)
    assert shares[3] == pytest.approx(shares[7])


def test_the_probability_of_up_has_a_part_that_has_just_recovered() -> None:
    _, _, left = PersistentTrouble(share=0.9).aged(HOUR_S)
    assert 0.05 < left < 0.5
    assert PersistentTrouble(share=0.9).aged(0)[2] == 0
    assert PersistentTrouble(share=0.9).aged(1e6)[2] == pytest.approx(0, abs=1e-9)


def test_if_it_may_have_begun_only_now_what_was_seen_before_counts_for_less() -> None:
    before = told("o" * 20)
    _, keep, _ = PersistentTrouble(share=0.02).aged(HOUR_S)
    assert 0.5 < keep < 0.97
    assert told("f", before, keep).good < told("f", before).good
    assert before.next_shares(0.0)[2] > before.next_shares(1.0)[2]


@pytest.mark.parametrize("letter", "osf")
def test_a_sample_counts_as_what_it_is(letter: str) -> None:
    after = told(letter)
    assert (after.good, after.late, after.failed) == tuple(float(letter == each) for each in "osf")


@pytest.mark.parametrize(("share", "is_bounded"), [(0.0, False), (0.4, True), (1.0, False)])
def test_it_is_never_impossible_nor_certain(share: float, is_bounded: bool) -> None:
    assert 0 < bounded(share) < 1
    assert (bounded(share) == share) is is_bounded


def test_one_newcomer_in_seven_never_was_well() -> None:
    assert pytest.approx(1 / 7, abs=0.01) == NEWCOMER.share


def test_while_it_is_unlikely_what_is_seen_is_not_of_it() -> None:
    assert told("ooo", PersistentTrouble(share=0.001)).seen == 1
    assert told("ooo", PersistentTrouble(share=0.5)).seen > 2.9
