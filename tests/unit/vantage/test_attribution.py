"""A missing answer is the provider's failure or the local network's, by the answers of other origins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from monitor.vantage.attribution import HOLD, Vantage
from monitor.vantage.evidence import CheckResult, OriginCheck
from monitor.vantage.origin import Origin
from probes._model import Blame, ErrorClass, Sample
from tests.unit.score.values import after, make_sample
from tests.unit.vantage.values import (
    CANARY,
    NAMED_CANARY,
    NEAR,
    ORIGINS,
    SINGLE,
    P,
    Q,
    R,
    fell_silent,
    spoke,
    unheard,
)

TWO = {"p:one": P, "p:two": P, "q:one": Q}
OFFLINE = ErrorClass.VANTAGE_OFFLINE


def errors(samples: Iterable[Sample]) -> list[ErrorClass | None]:
    return [sample.error for sample in samples]


class Scene:
    """A vantage whose checks answer as given."""

    def __init__(self, origins: Mapping[str, Origin] = TWO, *canaries: Origin) -> None:
        self.vantage = Vantage(origins, canaries)
        self.asked: list[tuple[Origin, ...]] = []

    def take(self, sample: Sample, at_s: float) -> list[ErrorClass | None]:
        return errors(self.vantage.take(sample, after(at_s)))

    def is_due(self, at_s: float) -> bool:
        return self.vantage.is_due(after(at_s))

    def round(self, at_s: float, heard: Iterable[Origin] = (), unknown: Iterable[Origin] = ()) -> list[Sample]:
        """Ask at this second; all but these are silent."""
        asked = self.vantage.origins_to_check(after(at_s))
        self.asked.append(asked)
        answers = dict.fromkeys(asked, CheckResult.SILENT)
        answers |= {each: CheckResult.HEARD for each in asked if each in heard}
        answers |= {each: CheckResult.NOTHING for each in asked if each in unknown}
        replies = [OriginCheck(origin=origin, result=result) for origin, result in answers.items()]
        return self.vantage.take_checks(replies)

    def asks(self, at_s: float, heard: Iterable[Origin] = (), unknown: Iterable[Origin] = ()) -> list[object]:
        return list(errors(self.round(at_s, heard, unknown)))


# Attribution


def test_a_missing_answer_is_the_providers_at_once_when_another_origin_answered_since() -> None:
    scene = Scene()
    scene.take(spoke(-5), -5)
    assert scene.take(unheard(0), 0) == [ErrorClass.CONNECT]
    assert not scene.is_due(0)


@pytest.mark.parametrize("error", [ErrorClass.DNS, ErrorClass.CONNECT, ErrorClass.TIMEOUT_TTFT])
def test_a_missing_answer_is_held_when_no_other_origin_answered_since(error: ErrorClass) -> None:
    scene = Scene()
    scene.take(spoke(-11), -11)
    assert scene.take(unheard(0, error=error), 0) == []
    assert scene.is_due(0)


def test_a_held_failure_is_the_providers_once_another_origin_answers() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(spoke(3), 3) == [ErrorClass.CONNECT, None]
    assert scene.vantage.online


def test_also_when_another_endpoint_of_the_same_provider_answers() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(spoke(3, "p:two"), 3) == [ErrorClass.CONNECT, None]


def test_an_answer_from_before_the_failure_shows_nothing_however_late_it_arrives() -> None:
    """The other's stream had ended when the network did; its sample came after."""
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(spoke(-11), 1) == [None]
    assert scene.is_due(1)


def test_a_later_answer_is_kept_although_an_earlier_one_arrives_after_it() -> None:
    scene = Scene(ORIGINS)
    scene.take(spoke(5), 5)
    scene.take(spoke(-11, "r:one"), 6)
    assert scene.take(unheard(10), 10) == [ErrorClass.CONNECT]


@pytest.mark.parametrize("error", [ErrorClass.SERVER_ERROR, ErrorClass.TLS, ErrorClass.AUTH, ErrorClass.TRUNCATED])
def test_every_answer_is_proof_good_or_bad(error: ErrorClass) -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    result = make_sample(after(-5), error, endpoint="q:one", connect_s=0.02)
    assert scene.take(result, 1) == [ErrorClass.CONNECT, error]


@pytest.mark.parametrize("error", [ErrorClass.SKIPPED, ErrorClass.OVERRUN, ErrorClass.CANCELLED, ErrorClass.INTERNAL])
def test_what_was_not_measured_passes_at_once_and_proves_nothing(error: ErrorClass) -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(make_sample(after(1), error, endpoint="q:one"), 1) == [error]
    assert scene.is_due(1)


def test_a_refusal_is_the_providers_own_at_once_and_proves_nothing() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(unheard(1, "q:one", rtt_s=0.02), 1) == [ErrorClass.CONNECT]
    assert scene.is_due(1)


def test_the_vantage_is_offline_when_the_canary_that_was_asked_is_silent_too() -> None:
    scene = Scene()
    scene.take(spoke(-20), -20)
    scene.take(unheard(0), 0)
    (sample,) = scene.round(0)
    assert (sample.error, sample.blame) == (OFFLINE, Blame.NETWORK)
    assert sample.detail == "the local network was offline (connect: no answer)"
    assert not scene.vantage.online


def test_a_failure_is_the_providers_when_the_canary_answers() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.asks(0, heard=[Q]) == [ErrorClass.CONNECT]
    assert scene.vantage.online


def test_a_check_without_a_result_excuses_nothing() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.asks(0, unknown=[Q]) == [ErrorClass.CONNECT]
    assert scene.vantage.online


def test_who_was_silent_while_others_are_asked_stands_for_them() -> None:
    """Each of two proves that the network works, though the checks had no result."""
    scene = Scene()
    scene.take(unheard(0), 0)
    scene.take(unheard(0, "q:one"), 0)
    assert scene.asks(0, unknown=[P, Q]) == [OFFLINE, OFFLINE]


def test_two_endpoints_of_one_provider_are_no_evidence_for_each_other() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    scene.take(unheard(0, "p:two"), 0)
    assert scene.asks(0, unknown=[Q]) == [ErrorClass.CONNECT, ErrorClass.CONNECT]


def test_two_providers_on_one_host_are_no_evidence_for_each_other() -> None:
    twin = Origin(name="twin", host=P.host, port=8443)
    scene = Scene({"p:one": P, "twin:one": twin, "q:one": Q})
    scene.take(unheard(0), 0)
    scene.take(unheard(0, "twin:one"), 0)
    assert scene.asks(0, unknown=[Q]) == [ErrorClass.CONNECT, ErrorClass.CONNECT]


def test_without_another_origin_no_sample_is_held() -> None:
    assert Scene({"p:one": P, "p:two": P}).take(unheard(0), 0) == [ErrorClass.CONNECT]


def test_endpoints_of_this_machine_take_no_part() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(spoke(2, "local:one"), 2) == [None]
    assert scene.take(unheard(3, "local:one"), 3) == [ErrorClass.CONNECT]
    assert scene.asks(3) == [OFFLINE]


# Who is silent for reasons of their own


def test_who_is_down_anyway_proves_no_outage() -> None:
    scene = Scene()
    scene.take(spoke(-5), -5)
    scene.take(unheard(0), 0)
    scene.take(unheard(100, "q:one"), 100)
    assert scene.asks(100) == [ErrorClass.CONNECT], "p has been down, and its silence is no news"
    assert scene.vantage.online


def test_an_origin_that_was_down_is_reliable_again_after_an_answer() -> None:
    scene = Scene()
    scene.take(spoke(-5), -5)
    scene.take(unheard(0), 0)
    scene.take(spoke(50, "p:one"), 50)
    scene.take(unheard(100, "q:one"), 100)
    assert scene.asks(100) == [OFFLINE]


def test_a_provider_with_one_silent_endpoint_of_two_stays_reliable() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(spoke(3, "p:two"), 3) == [ErrorClass.CONNECT, None]
    scene.take(unheard(60, "q:one"), 60)
    assert scene.asks(60) == [OFFLINE]


def test_a_canary_that_does_not_answer_while_another_does_is_ignored_from_then_on() -> None:
    blocked, fine = CANARY, NAMED_CANARY
    scene = Scene(TWO, blocked, fine)
    scene.take(unheard(0), 0)
    assert scene.asks(0, heard=[fine]) == [ErrorClass.CONNECT]
    scene.take(unheard(100), 100)
    assert scene.asks(100, unknown=[fine]) == [ErrorClass.CONNECT], "the other one told nothing"


def test_a_provider_that_is_down_is_excused_too_while_the_vantage_is_offline() -> None:
    scene = Scene()
    scene.take(spoke(-5), -5)
    scene.take(unheard(0), 0)
    scene.take(unheard(60), 60)
    assert scene.asks(60) == [OFFLINE]


# In the middle of an answer


def test_a_probe_that_lost_its_answer_to_a_dead_network_is_excused() -> None:
    scene = Scene()
    assert scene.take(fell_silent(0), 0) == []
    assert scene.asks(0) == [OFFLINE]


def test_a_slow_model_is_blamed_when_another_origin_answers_after_its_deadline() -> None:
    scene = Scene()
    scene.take(spoke(-1), -1)
    assert scene.take(fell_silent(0), 0) == [], "the network may have failed at the last moment"
    assert scene.asks(0, heard=[Q]) == [ErrorClass.TIMEOUT_TTFT]


def test_a_slow_model_proves_no_outage_and_counts_for_others() -> None:
    scene = Scene()
    scene.take(fell_silent(0), 0)
    scene.take(fell_silent(0, "q:one"), 0)
    assert scene.asks(0, unknown=[P, Q]) == [ErrorClass.TIMEOUT_TTFT] * 2
    scene.take(fell_silent(20), 20)
    assert scene.asks(20, heard=[Q]) == [ErrorClass.TIMEOUT_TTFT]
    scene.take(unheard(60, "q:one"), 60)
    assert scene.asks(60) == [OFFLINE], "p was heard when it was slow"


# While the vantage is offline


def offline(origins: Mapping[str, Origin] = ORIGINS, *canaries: Origin) -> Scene:
    """A scene whose vantage went offline at second 5."""
    scene = Scene(origins, *canaries)
    scene.take(unheard(0), 0)
    assert scene.asks(0) == [OFFLINE]
    return scene


def test_further_silences_are_excused_at_once() -> None:
    scene = offline()
    assert scene.take(unheard(6, "q:one"), 6) == [OFFLINE]
    assert scene.take(fell_silent(7, "r:one", waited_s=27), 7) == [OFFLINE]
    assert not scene.is_due(7)


def test_after_a_while_origins_are_checked_again_without_probes() -> None:
    """Lest a provider's own outage pass for ours where probes come every five minutes."""
    scene = offline()
    assert (scene.is_due(9), scene.is_due(10)) == (False, True)
    assert scene.asks(10, heard=[Q]) == []
    assert set(scene.asked[-1]) == set(ORIGINS.values())
    assert scene.vantage.online, "q is heard"
    assert scene.take(unheard(300), 300) == []
    assert scene.asks(300, heard=[Q]) == [ErrorClass.CONNECT]


def test_asked_again_in_vain_it_is_still_offline() -> None:
    scene = offline()
    assert scene.asks(10) == []
    assert scene.take(unheard(30), 30) == [OFFLINE]
    assert not scene.vantage.online


def test_an_outage_without_any_remaining_evidence_is_none() -> None:
    scene = offline()
    assert scene.asks(10, unknown=[P, Q, R]) == []
    assert scene.vantage.online


def test_a_provider_that_is_the_only_evidence_of_an_outage_keeps_its_failure() -> None:
    scene = offline()
    scene.asks(10, unknown=[Q, R])
    assert scene.take(unheard(12, "q:one"), 12) == [OFFLINE]
    assert scene.take(unheard(13), 13) == []
    assert scene.asks(13, unknown=[Q, R]) == [ErrorClass.CONNECT]


def test_after_an_outage_of_names_those_are_asked_who_have_one() -> None:
    scene = Scene({**TWO, "lone:one": SINGLE}, CANARY)
    scene.take(unheard(0, error=ErrorClass.DNS), 0)
    assert scene.asks(0, heard=[CANARY]) == [OFFLINE]
    assert scene.asks(10, heard=[CANARY]) == []
    assert set(scene.asked[-1]) == {CANARY, P, Q}
    assert not scene.vantage.online
    scene.asks(20, heard=[CANARY, P])
    assert scene.vantage.online


def test_the_network_is_online_again_after_any_answer() -> None:
    scene = offline()
    assert scene.take(spoke(7, "p:one"), 7) == [None]
    assert scene.vantage.online


def test_a_failure_that_began_offline_is_excluded_though_others_answered_before_its_end() -> None:
    """The kernel's next try may have been due later than the deadline."""
    scene = offline()
    scene.take(spoke(7, "p:one"), 7)
    assert scene.take(unheard(12, "q:one"), 12) == [OFFLINE]
    assert scene.take(unheard(18, "q:one"), 18) == []
    assert scene.take(spoke(19, "p:one"), 19) == [ErrorClass.CONNECT, None]


def test_an_outage_begins_with_the_first_missing_answer_that_is_evidence() -> None:
    scene = Scene(ORIGINS)
    scene.take(unheard(0), 0)
    scene.take(unheard(3, "q:one"), 3)
    assert scene.asks(3) == [OFFLINE, OFFLINE]
    scene.take(spoke(7), 7)
    assert scene.take(unheard(1, "r:one"), 12) == [OFFLINE]


def test_what_waits_when_it_comes_back_is_excused_too() -> None:
    """What waits is only what the outage does not excuse by itself."""
    scene = offline()
    scene.asks(10, unknown=[Q, R])
    assert scene.take(unheard(15), 15) == []
    assert scene.take(spoke(16, "r:one"), 16) == [OFFLINE, None]


def test_an_answer_from_before_the_outage_does_not_end_it() -> None:
    scene = offline()
    assert scene.take(spoke(-11, "q:one"), 7) == [None]
    assert not scene.vantage.online


def test_a_verdict_that_does_not_need_the_missing_part_is_given() -> None:
    scene = offline()
    assert scene.take(unheard(6, "q:one", rtt_s=0.01), 6) == [ErrorClass.CONNECT]
    assert scene.take(make_sample(after(6), ErrorClass.OVERRUN, endpoint="q:one"), 6) == [ErrorClass.OVERRUN]


# Names, and the network at hand


def test_names_that_are_never_resolved_are_the_local_networks_fault_though_addresses_work() -> None:
    scene = Scene(TWO, CANARY)
    scene.take(unheard(0, error=ErrorClass.DNS), 0)
    assert scene.asks(0, heard=[CANARY]) == [OFFLINE]
    assert set(scene.asked[0]) == {CANARY, Q}, "who is reached by address cannot show that names are resolved"


def test_a_name_that_others_do_not_share_is_the_providers_own() -> None:
    scene = Scene(TWO, NAMED_CANARY)
    scene.take(unheard(0, error=ErrorClass.DNS), 0)
    assert scene.asks(0, heard=[NAMED_CANARY]) == [ErrorClass.DNS]
    assert scene.asked == [(NAMED_CANARY,)]


def test_a_broken_resolver_excludes_no_failure_after_a_resolved_name() -> None:
    scene = Scene(ORIGINS, CANARY)
    scene.take(unheard(0, error=ErrorClass.DNS), 0)
    scene.asks(0, heard=[CANARY])
    assert scene.take(unheard(9, error=ErrorClass.DNS), 9) == [OFFLINE]
    assert scene.take(unheard(11, "q:one", dns_s=0.01), 11) == [], "another matter, to be asked about"
    assert scene.asks(11, heard=[CANARY]) == [ErrorClass.CONNECT]
    assert not scene.vantage.online, "names are still broken"
    assert scene.take(spoke(20, "r:one"), 20) == [None]
    assert scene.vantage.online


def test_a_machine_in_the_next_room_shows_nothing_of_the_way_out() -> None:
    scene = Scene({**TWO, "gpu:one": NEAR})
    scene.take(unheard(0), 0)
    assert scene.take(spoke(1, "gpu:one", dns_s=None), 1) == [None]
    assert scene.asks(1) == [OFFLINE]


def test_with_only_a_machine_in_the_next_room_to_ask_nothing_is_held() -> None:
    assert Scene({"p:one": P, "gpu:one": NEAR}).take(unheard(0), 0) == [ErrorClass.CONNECT]


def test_the_world_shows_that_the_next_room_is_down_for_itself() -> None:
    scene = Scene({"p:one": P, "gpu:one": NEAR})
    assert scene.take(unheard(0, "gpu:one"), 0) == []
    assert scene.take(spoke(1, "p:one"), 1) == [ErrorClass.CONNECT, None]
    assert scene.vantage.online


# Asking


def test_canaries_are_asked_and_no_provider_where_there_are_some() -> None:
    scene = Scene(ORIGINS, NAMED_CANARY, CANARY)
    scene.take(unheard(0), 0)
    assert scene.vantage.origins_to_check(after(0)) == (NAMED_CANARY, CANARY)


def test_providers_are_checked_as_well_when_no_canary_ever_answers() -> None:
    scene = Scene(TWO, CANARY)
    scene.take(unheard(0), 0)
    scene.take(spoke(1), 1)
    scene.take(unheard(20), 20)
    assert scene.vantage.origins_to_check(after(20)) == (CANARY,), "it may be fine"
    scene.vantage.take_checks([OriginCheck(origin=CANARY, result=CheckResult.SILENT)])
    scene.take(unheard(40), 40)
    scene.vantage.origins_to_check(after(40))
    silent, heard = (
        OriginCheck(origin=CANARY, result=CheckResult.SILENT),
        OriginCheck(origin=Q, result=CheckResult.HEARD),
    )
    scene.vantage.take_checks([silent, heard])
    scene.take(unheard(60), 60)
    assert scene.vantage.origins_to_check(after(60)) == (CANARY, Q)


def test_of_many_providers_the_three_with_the_newest_answers_are_checked() -> None:
    many = {f"{name}:one": Origin(name=name, host=f"{name}.example", port=443) for name in "abcdefgh"}
    scene = Scene(many)
    for second, name in enumerate("hgfedcb"):
        scene.take(spoke(second, f"{name}:one"), second)
    scene.take(unheard(100, "a:one"), 100)
    assert [each.name for each in scene.vantage.origins_to_check(after(100))] == ["b", "c", "d"]


def test_who_is_silent_for_reasons_of_its_own_is_asked_last() -> None:
    many = {f"{name}:one": Origin(name=name, host=f"{name}.example", port=443) for name in "abcdef"}
    scene = Scene(many)
    for second, name in enumerate("cdef"):
        scene.take(spoke(second, f"{name}:one"), second)
    scene.take(spoke(50, "b:one"), 50)
    scene.take(spoke(65, "f:one"), 65)
    assert scene.take(unheard(70, "b:one"), 70) == [ErrorClass.CONNECT]
    scene.take(unheard(100, "a:one"), 100)
    assert [each.name for each in scene.vantage.origins_to_check(after(100))] == ["f", "e", "d"]


def test_a_thousand_endpoints_that_fail_together_ask_a_few_once() -> None:
    many = {
        f"{provider}:{model}": Origin(name=f"{provider}", host=f"{provider}.example", port=443)
        for provider in range(50)
        for model in range(20)
    }
    scene = Scene(many)
    for endpoint in many:
        assert scene.take(unheard(0, endpoint), 0) == []
    assert scene.asks(0) == [OFFLINE] * 1000
    assert len(scene.asked[0]) <= 4
    assert [scene.take(unheard(6, endpoint), 6) for endpoint in many] == [[OFFLINE]] * 1000
    assert not scene.is_due(6)


def test_two_that_are_silent_are_asked_for_each_other() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    scene.take(unheard(0, "q:one"), 0)
    assert set(scene.vantage.origins_to_check(after(0))) == {P, Q}


def test_without_doubt_no_provider_is_asked() -> None:
    scene = Scene()
    assert not scene.is_due(0)
    assert (scene.asks(0), scene.asked) == ([], [()])


def test_providers_that_must_not_be_checked_are_not_checked() -> None:
    scene = Scene(ORIGINS)
    scene.take(unheard(0), 0)
    assert scene.vantage.origins_to_check(after(0), away={Q}) == (R,)


# Canaries that never answer


def test_canaries_are_asked_at_the_beginning_and_now_and_then() -> None:
    scene = Scene(TWO, CANARY, NAMED_CANARY)
    assert scene.is_due(0)
    scene.asks(0, heard=[CANARY, NAMED_CANARY])
    assert (scene.is_due(599), scene.is_due(600)) == (False, True)
    assert scene.vantage.unreliable_canaries == frozenset()


def test_canaries_are_not_checked_when_all_providers_are_on_this_machine() -> None:
    assert not Scene({}, CANARY).is_due(0)


def test_a_canary_that_never_answers_excludes_no_failure() -> None:
    """With one provider: else it would never go down."""
    scene = Scene({"p:one": P}, CANARY)
    scene.asks(0, heard=[P])
    assert scene.asked == [(CANARY, P)]
    assert scene.vantage.unreliable_canaries == {CANARY}
    scene.take(unheard(30), 30)
    assert scene.asks(30) == [ErrorClass.CONNECT]


def test_a_canary_is_reliable_again_after_an_answer() -> None:
    scene = Scene({"p:one": P}, CANARY)
    scene.asks(0, heard=[P])
    scene.asks(600, heard=[P, CANARY])
    assert scene.vantage.unreliable_canaries == frozenset()
    scene.take(unheard(700), 700)
    assert scene.asks(700) == [OFFLINE]


def test_a_round_without_any_answer_makes_no_canary_unreliable() -> None:
    """As at the start of a machine whose network comes up later."""
    scene = Scene({"p:one": P}, CANARY)
    assert scene.asks(0) == []
    assert (scene.vantage.unreliable_canaries, scene.vantage.online) == (frozenset(), True)
    scene.take(unheard(10), 10)
    assert scene.asks(10) == [OFFLINE]


# Waiting


def test_what_comes_while_others_are_asked_waits_for_the_next_asking_if_need_be() -> None:
    """The answer of the other origin may be from before the failure."""
    scene = Scene({**TWO, "lone:one": SINGLE})
    scene.take(unheard(0), 0)
    assert scene.vantage.origins_to_check(after(0))
    scene.take(fell_silent(0.5, "lone:one", waited_s=20), 0.5)
    assert errors(scene.vantage.take_checks([OriginCheck(origin=Q, result=CheckResult.HEARD)])) == [ErrorClass.CONNECT]
    assert scene.is_due(1)
    assert scene.asks(1, unknown=[P, Q]) == [ErrorClass.TIMEOUT_TTFT]


def test_what_comes_while_others_are_asked_is_excused_with_the_rest() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    asked = scene.vantage.origins_to_check(after(0))
    scene.take(unheard(3, "q:one"), 3)
    replies = [OriginCheck(origin=each, result=CheckResult.SILENT) for each in asked]
    assert errors(scene.vantage.take_checks(replies)) == [OFFLINE, OFFLINE]


def test_later_samples_of_an_endpoint_wait_behind_its_held_ones() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert scene.take(make_sample(after(1), ErrorClass.OVERRUN, endpoint="p:one"), 1) == []
    assert scene.take(unheard(2), 2) == []
    assert scene.take(make_sample(after(3), ErrorClass.CANCELLED, endpoint="p:two"), 3) == [ErrorClass.CANCELLED]
    assert scene.asks(4) == [OFFLINE, ErrorClass.OVERRUN, OFFLINE]


def test_nothing_is_held_for_longer_than_the_bound() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    scene.take(unheard(5), 5)
    bound_s = HOLD.total_seconds()
    assert errors(scene.vantage.tick(after(bound_s - 1))) == []
    assert errors(scene.vantage.tick(after(bound_s))) == [ErrorClass.CONNECT]
    assert errors(scene.vantage.tick(after(bound_s + 5))) == [ErrorClass.CONNECT]


def test_a_clock_that_was_set_back_holds_nothing_for_hours() -> None:
    scene = Scene()
    scene.take(unheard(0), 0)
    assert errors(scene.vantage.clock_stepped(after(-3600))) == [ErrorClass.CONNECT]


def test_an_answer_from_before_the_clock_was_set_back_is_not_in_the_future() -> None:
    scene = Scene()
    scene.take(spoke(0), 0)
    scene.vantage.clock_stepped(after(-3600))
    assert scene.take(unheard(-3000), -3000) == []
    assert scene.asks(-3000) == [OFFLINE]


def test_a_past_outage_excludes_no_failure_at_the_same_hour_after_the_clock_was_set_back() -> None:
    scene = offline()
    scene.take(spoke(7, "q:one"), 7)
    scene.vantage.clock_stepped(after(-8))
    scene.take(spoke(4, "q:one"), 4)
    assert scene.take(unheard(5), 5) == [ErrorClass.CONNECT]


def test_after_the_clock_was_set_back_it_is_still_seen_who_is_down() -> None:
    scene = Scene()
    scene.take(spoke(0, "p:one"), 0)
    scene.vantage.clock_stepped(after(-3600))
    scene.take(spoke(-3495), -3495)
    assert scene.take(unheard(-3490), -3490) == [ErrorClass.CONNECT]
    scene.take(unheard(-3400, "q:one"), -3400)
    assert scene.asks(-3400) == [ErrorClass.CONNECT], "p has been down, and its silence is no news"


def test_an_outage_outlasts_a_step_of_the_clock_and_ends_as_others_do() -> None:
    scene = offline()
    scene.vantage.clock_stepped(after(-3600))
    assert scene.take(unheard(-3595, "q:one"), -3595) == [OFFLINE]
    assert (scene.is_due(-3591), scene.is_due(-3590)) == (False, True)
    assert scene.take(spoke(-3580, "p:one"), -3580) == [None]
    assert scene.vantage.online


def test_at_the_end_everything_goes_as_it_is() -> None:
    scene = Scene()
    for at_s, endpoint in ((0, "p:one"), (1, "q:one"), (2, "p:one")):
        scene.take(unheard(at_s, endpoint), at_s)
    released = scene.vantage.release()
    assert sorted(sample.endpoint for sample in released) == ["p:one", "p:one", "q:one"]
    assert set(errors(released)) == {ErrorClass.CONNECT}
    assert scene.vantage.release() == []
