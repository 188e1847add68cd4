"""Traffic as evidence: a few observations that stand for all, with the same shares, by no chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.score.health import Observation
from monitor.score.outcomes import SampleOutcome
from monitor.score.sampling import SLOT_S, Sampler
from probes._model import ErrorClass
from tests.unit.score.values import after, unhurried

OK, FAILED = SampleOutcome.OK, SampleOutcome.FAILED


def seen(seconds: float, outcome: SampleOutcome = OK, *, within_slo: bool = True) -> Observation:
    error = {FAILED: ErrorClass.OVERLOADED, SampleOutcome.RATE_LIMITED: ErrorClass.RATE_LIMITED}.get(outcome)
    return Observation(at=after(seconds), outcome=outcome, within_slo=within_slo, error=error)


def outcomes(shown: Iterable[Observation]) -> list[SampleOutcome]:
    return [each.outcome for each in shown]


def test_what_comes_alone_is_shown_as_it_is() -> None:
    sampler = Sampler()
    for second, outcome in enumerate([OK, FAILED, OK, SampleOutcome.ACCOUNT, FAILED, FAILED]):
        one = seen(second * 10, outcome)
        assert sampler.select([one]) == [one]


@pytest.mark.parametrize("outcome", [OK, FAILED])
@pytest.mark.parametrize("batches", [1, 100])
def test_a_hundred_at_once_are_one(outcome: SampleOutcome, batches: int) -> None:
    sampler, burst = Sampler(), [seen(number / 1000, outcome) for number in range(100)]
    shown = [each for first in range(batches) for each in sampler.select(burst[first::batches])]
    assert outcomes(shown) == [outcome]


def test_a_thousand_a_second_are_one_in_two_seconds() -> None:
    sampler = Sampler()
    shown = [each for second in range(20) for each in sampler.select(seen(second + n / 1000) for n in range(1000))]
    assert len(shown) == 20 / SLOT_S


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("parts", [1, 7])
def test_what_is_shown_has_the_shares_of_all(share: float, parts: int) -> None:
    """Nothing is lost where a slot ends; and where it is cut into batches, little is shown too much."""
    chance = random.Random(3)
    sampler, shown, all_seen = Sampler(), Counter[SampleOutcome](), Counter[SampleOutcome]()
    for second in range(0, 2000, 2):
        batch = [seen(second + n / 20, FAILED if chance.random() < share else OK) for n in range(21)]
        all_seen.update(outcomes(batch))
        for part in range(parts):
            shown.update(outcomes(sampler.select(batch[part::parts])))
    assert shown[FAILED] / shown.total() == pytest.approx(
        all_seen[FAILED] / all_seen.total(), abs=0.01 if parts == 1 else 0.025
    )
    assert shown.total() <= 2000 / SLOT_S * 2


def test_failures_after_successes_of_the_same_moment_are_shown_at_once() -> None:
    sampler = Sampler()
    assert outcomes(sampler.select([seen(0.1)])) == [OK]
    assert outcomes(sampler.select(seen(0.2, FAILED) for _ in range(5))) == [FAILED]
    assert outcomes(sampler.select(seen(0.3, FAILED) for _ in range(5))) == []


def test_of_two_kinds_that_are_owed_the_same_the_worse_is_shown() -> None:
    assert outcomes(Sampler().select([seen(0.1, FAILED), seen(0.2)])) == [FAILED]
    (slow,) = Sampler().select([seen(0.1, within_slo=False), seen(0.2)])
    assert not slow.within_slo


def test_refusals_for_the_accounts_sake_are_a_kind_of_their_own() -> None:
    shown = Sampler().select(seen(second, kind) for second in range(40) for kind in (OK, SampleOutcome.RATE_LIMITED))
    assert Counter(outcomes(shown)) == {OK: 10, SampleOutcome.RATE_LIMITED: 10}


def test_the_newest_of_its_kind_is_shown_at_the_newest_moment() -> None:
    (shown,) = Sampler().select([seen(0.1, FAILED), seen(0.4), seen(0.2, FAILED)])
    assert (shown.outcome, shown.error, shown.at) == (FAILED, ErrorClass.OVERLOADED, after(0.4))


def test_what_comes_late_is_taken_for_the_newest_slots() -> None:
    sampler = Sampler()
    sampler.select([seen(100)])
    assert outcomes(sampler.select(seen(second, FAILED) for second in range(0, 99, 2))) == [FAILED]
    assert outcomes(sampler.select(seen(second) for second in range(60, 100))) == []


def test_after_a_minute_of_silence_nothing_is_owed() -> None:
    sampler = Sampler()
    sampler.select([seen(0), seen(0, FAILED)])
    assert sampler._owed == {(OK, False): 0.5, (FAILED, False): -0.5}
    sampler.select([seen(50)])
    assert sampler._owed == {(OK, False): 0.5, (FAILED, False): -0.5}
    sampler.select([seen(120)])
    assert sampler._owed == {(OK, False): 0.0}


moments = st.tuples(st.floats(0, 300), st.sampled_from(SampleOutcome), st.booleans())


@unhurried
@given(batches=st.lists(st.lists(moments, max_size=20), max_size=10))
def test_whatever_comes_a_slot_shows_each_kind_once_and_the_order_within_a_batch_is_of_no_interest(
    batches: list[list[tuple[float, SampleOutcome, bool]]],
) -> None:
    one, other, shown = Sampler(), Sampler(), 0
    for batch in batches:
        made = [seen(second, outcome, within_slo=slo) for second, outcome, slo in batch]
        found = one.select(made)
        assert outcomes(found) == outcomes(other.select(sorted(made, key=lambda each: each.at)))
        shown += len(found)
    assert shown <= 151 * len(SampleOutcome) * 2
