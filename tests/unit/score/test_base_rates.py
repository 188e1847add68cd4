"""The base rates of an endpoint that is up: learned sample by sample, fading with time, and capped."""

from __future__ import annotations

import pytest

from monitor.score.base_rates import DEFAULT_RATES, BaseRates

DAY_S = 86_400.0


def test_what_was_usual_is_forgotten_by_half_in_a_week() -> None:
    learned = BaseRates(fails=40.0, misses=20.0, all=1_000.0)
    later = learned.faded(7 * DAY_S)
    for name in ("fails", "misses", "all"):
        gone, left = (getattr(each, name) - getattr(DEFAULT_RATES, name) for each in (learned, later))
        assert left == pytest.approx(gone / 2)
    long_ago = learned.faded(1_000 * DAY_S)
    assert (long_ago.fails, long_ago.misses, long_ago.all) == pytest.approx(
        (DEFAULT_RATES.fails, DEFAULT_RATES.misses, DEFAULT_RATES.all)
    )


@pytest.mark.parametrize(
    ("failed", "late"), [(False, False), (False, True), (True, False)], ids=["good", "late", "failed"]
)
def test_a_sample_weighs_as_much_as_it_is_sure_that_the_endpoint_is_well(failed: bool, late: bool) -> None:
    more = DEFAULT_RATES.with_sample(0.7, failed=failed, late=late)
    assert more.fails - DEFAULT_RATES.fails == pytest.approx(0.7 * failed)
    assert more.misses - DEFAULT_RATES.misses == pytest.approx(0.7 * late)
    assert more.all - DEFAULT_RATES.all == pytest.approx(0.7)


def test_what_is_not_well_by_an_absolute_standard_never_becomes_usual() -> None:
    failing = late = DEFAULT_RATES
    for _ in range(500):
        failing = failing.with_sample(1.0, failed=True, late=False)
        late = late.with_sample(1.0, failed=False, late=True)
    assert failing.fail_share == pytest.approx(0.1)
    assert late.miss_share == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("fails", "misses", "held"), [(1.0, 2.0, (1.0, 2.0)), (40.0, 50.0, (10.0, 25.0))])
def test_what_was_taken_for_usual_is_held_to_that_standard(
    fails: float, misses: float, held: tuple[float, float]
) -> None:
    usual = BaseRates(fails=fails, misses=misses, all=100.0).held()
    assert (usual.fails, usual.misses, usual.all) == (*held, 100.0)
