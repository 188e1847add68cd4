"""The shared belief of one provider's endpoints, and the updates of siblings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.domain.status import Status
from monitor.score.health import Health, Observation
from monitor.score.hmm import NEW
from monitor.score.outcomes import SampleOutcome
from monitor.score.provider import ProviderState, has_fallen
from probes._model import ErrorClass
from tests.unit.score.values import START, after


def seen(minute: int, outcome: SampleOutcome = SampleOutcome.OK) -> Observation:
    error = None if outcome is SampleOutcome.OK else ErrorClass.OVERLOADED
    return Observation(at=after(60.0 * minute), outcome=outcome, within_slo=True, error=error)


def fed(provider: ProviderState[str], letters: int) -> Health:
    """The health of an endpoint after some successes."""
    health = Health(since=START)
    for minute in range(letters):
        health = provider.absorb(health, seen(minute))
    return health


def of_three() -> ProviderState[str]:
    provider = ProviderState[str]()
    for name in ("one", "two", "three"):
        provider.join(name)
    return provider


def test_one_that_fell_affects_its_siblings_and_not_itself() -> None:
    assert of_three().affected("two", fell=True) == ["one", "three"]


def test_evidence_that_moves_the_belief_affects_siblings_once() -> None:
    provider = of_three()
    health = fed(provider, 20)
    provider.is_news()
    assert provider.affected("two", fell=False) == ()
    provider.absorb(health, seen(21, SampleOutcome.FAILED))
    assert provider.affected("two", fell=False) == ["one", "three"]
    assert provider.affected("two", fell=False) == ()


def test_readers_see_the_belief_once_it_is_shown() -> None:
    provider = of_three()
    fed(provider, 2)
    assert provider.shown is NEW
    provider.show()
    assert provider.shown is provider.belief is not NEW


def test_of_stored_beliefs_the_newest_is_restored() -> None:
    provider, newest = of_three(), replace(NEW, at_s=9.0)
    for belief in (replace(NEW, at_s=3.0), newest, replace(NEW, at_s=5.0), NEW):
        provider.restore(belief)
    assert provider.belief is newest


def test_a_belief_is_dated_no_later_than_now() -> None:
    provider = of_three()
    fed(provider, 20)
    provider.show()
    provider.bound(after(60.0))
    assert provider.belief.at_s == provider.shown.at_s == after(60.0).timestamp()


def test_an_endpoint_settles_by_what_its_sibling_showed() -> None:
    provider = of_three()
    healths = [fed(provider, 20), fed(provider, 20)]
    before = healths[0]
    for minute in range(21, 27):
        healths = [provider.absorb(health, seen(minute, SampleOutcome.FAILED)) for health in healths]
    assert provider.settle(before, after(60.0 * 27)).status is not before.status


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("now", Status)
def test_an_endpoint_has_fallen_when_it_is_down_and_was_not(before: Status, now: Status) -> None:
    assert has_fallen(before, now) is (now is Status.DOWN and before is not Status.DOWN)
