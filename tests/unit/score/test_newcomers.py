"""New endpoints: their published scores from the first sample on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle, islice

import pytest

from monitor.domain.status import Status
from monitor.score.health import Assessment, assess
from monitor.score.serialize import Remembered
from tests.unit.score.values import EVERY_S, NEVER, STALE_S, advanced, after, observations

LIVES = 60


def life(letters: str) -> list[Assessment]:
    """What is published after each sample of a newcomer, one a minute."""
    known: Remembered = NEVER
    found = []
    for minute, letter in enumerate(letters, 1):
        known = advanced(observations(letter, minute), known)
        found.append(assess(known.health, known.shared, after(minute * EVERY_S), stale_s=STALE_S))
    return found


def drawn(good: float, count: int, seed: int) -> str:
    chance = random.Random(f"{good} {seed}")
    return "".join("o" if chance.random() < good else "f" for _ in range(count))


def holds(found: Assessment, true: float) -> bool:
    assert found.confidence is not None
    return found.confidence[0] <= true <= found.confidence[1]


def share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def test_an_endpoint_that_fails_every_third_probe_is_recognised_within_twelve() -> None:
    steady = life("o" * 12)[-1]
    for pattern in ("oof", "ofo", "foo"):
        flaky = life("".join(islice(cycle(pattern), 12)))[-1]
        assert (flaky.status, steady.status) == (Status.DEGRADED, Status.UP)
        assert flaky.score is not None
        assert steady.confidence is not None
        assert flaky.score < steady.confidence[0]


@pytest.mark.slow
def test_of_those_who_succeed_three_times_in_five_few_are_up_after_twelve_samples_and_none_later() -> None:
    lives = [life(drawn(0.6, 150, seed)) for seed in range(LIVES)]
    assert share([each[11].status is Status.UP for each in lives]) < 0.1
    assert share([each[35].status is Status.UP for each in lives]) < 0.02
    assert share([each[149].status is Status.UP for each in lives]) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("good", [0.0, 0.3, 0.6, 0.8, 0.95, 1.0])
def test_the_interval_holds_the_truth_as_often_as_it_says_from_the_twelfth_sample_on(good: float) -> None:
    lives = [life(drawn(good, 150, seed)) for seed in range(LIVES)]
    for count in (12, 36, 150):
        assert share([holds(each[count - 1], good) for each in lives]) > 0.85


def test_what_never_was_well_does_not_become_usual_however_long_it_lasts() -> None:
    found = life(drawn(0.6, 2_000, 7))[-1]
    assert found.status is Status.DEGRADED
    assert found.score == pytest.approx(0.6, abs=0.08)


def test_a_newcomer_that_is_well_is_up_with_its_first_sample_and_the_score_soon_says_so() -> None:
    found = life("o" * 12)
    assert [each.status for each in found] == [Status.UP] * 12
    scores = [each.score or 0.0 for each in found]
    assert scores == sorted(scores)
    assert (scores[0] > 0.95, scores[-1] > 0.98) == (True, True)


def test_one_that_turns_bad_for_good_is_seen_so_and_comes_back_when_it_is_well() -> None:
    turned = life("o" * 200 + drawn(0.4, 300, 1) + "o" * 40)
    assert all(each.status in {Status.DEGRADED, Status.DOWN} for each in turned[240:500])
    assert turned[499].score == pytest.approx(0.4, abs=0.15)
    assert turned[-1].status is Status.UP
