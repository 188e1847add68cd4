"""A replay: the order of figures and samples, the judged samples, outages and alarms."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.backtest.policies import NAMES, CountedSample, UnknownPolicyError
from monitor.backtest.replay import Replay, ReplayMember, Report, Verdict
from tests.unit.score.counted import ENDPOINT, LASTS_S, START_S, make_counted, minutes
from tests.unit.score.values import unhurried

STALE_S = 210.0
MONTH_S = 30 * 86_400.0


def member(**fields: Any) -> ReplayMember:
    return ReplayMember(**{"provider": "groq", "stale_s": STALE_S, **fields})


def replayed(counted: list[CountedSample], *names: str, **members: ReplayMember) -> Report:
    replay = Replay(members or {ENDPOINT: member()}, names or NAMES)
    replay.feed(counted, math.inf)
    return replay.report()


def verdict(report: Report, name: str) -> Verdict:
    (found,) = (each for each in report.verdicts if each.name == name)
    return found


# Judging


def test_a_policy_is_asked_before_it_sees() -> None:
    report = replayed(minutes("oofo"), "failures-1")
    found = verdict(report, "failures-1")
    assert report.judged == 3
    assert report.share == pytest.approx(2 / 3)
    assert found.brier == pytest.approx(2 / 3), "wrong about the failure, and then about the success"


def test_the_first_sample_of_an_endpoint_judges_no_policy() -> None:
    report = replayed(minutes("f"), "failures-1")
    assert (report.judged, report.share) == (0, None)
    assert (verdict(report, "failures-1").brier, verdict(report, "failures-1").skill) == (None, None)


def test_what_does_not_judge_is_seen_all_the_same() -> None:
    others = [make_counted(number * 60 + 30, "o", reach=True) for number in range(9)]
    assert replayed([*minutes("o" * 9), *others], "failures-1").judged == 8


def test_a_sample_says_nothing_before_it_ended() -> None:
    """A slow failure that began first becomes known after a quick success."""
    slow = make_counted(0, "f", lasts_s=100)
    report = replayed([slow, make_counted(10), make_counted(60), make_counted(110)], "failures-1")
    assert verdict(report, "failures-1").brier == pytest.approx(2 / 3), "wrong at 100 s and at 111 s"


def test_siblings_count_as_evidence_but_are_not_judged() -> None:
    members = {ENDPOINT: member(), "groq:other": member(judged=False)}
    mine, others = minutes("o" * 30), minutes("o" * 25 + "f" * 5, endpoint="groq:other")
    alone = replayed(mine, "filter", "failures-1")
    together = Replay(members, ("filter", "failures-1"))
    together.feed([*mine, *others], math.inf)
    report = together.report()
    assert report.judged == alone.judged == 29
    assert report.outages == 0
    assert verdict(report, "failures-1") == verdict(alone, "failures-1")
    assert verdict(report, "filter").brier != verdict(alone, "filter").brier


# Outages and alarms


def test_an_outage_is_seen_after_as_many_failures_as_a_rule_wants() -> None:
    report = replayed(minutes("o" * 10 + "f" * 10 + "o" * 10))
    assert (report.outages, report.outage_s) == (1, 601.0)
    for number in (1, 2, 3):
        found = verdict(report, f"failures-{number}")
        assert (found.detected, found.missed, found.false_alarms, found.changes) == (1, 0, 0, 2)
        assert found.delay_p50_s == found.delay_p90_s == (number - 1) * 60 + LASTS_S
        assert found.down_s == (11 - number) * 60
    assert verdict(report, "filter").detected == 1
    assert verdict(report, "filter").false_alarms == 0


def test_a_single_failure_is_a_false_alarm_of_each_policy_that_raised_one() -> None:
    report = replayed(minutes("o" * 20 + "f" + "o" * 20))
    months = report.watched_s / MONTH_S
    assert report.watched_s == 40 * 60
    for name, count in (("failures-1", 1), ("cooldown", 1), ("failures-2", 0), ("ratio-30", 0), ("filter", 0)):
        found = verdict(report, name)
        assert (found.false_alarms, found.detected, found.missed) == (count, 0, 0), name
        assert found.false_alarms_per_month == pytest.approx(count / months)
    assert verdict(report, "cooldown").down_s == 60


def test_a_rule_too_slow_for_an_outage_misses_it() -> None:
    report = replayed(minutes("o" * 30 + "ffff" + "o" * 10), "ratio-30")
    found = verdict(report, "ratio-30")
    assert (report.outages, found.detected, found.missed) == (1, 0, 1)
    assert (found.delay_p50_s, found.delay_p90_s) == (None, None)


def test_an_endpoint_without_recent_samples_is_not_down_under_any_policy() -> None:
    """Three failures, then silence for an hour, then a success."""
    seen = [*minutes("ooofff"), make_counted(5 * 60 + 3600), make_counted(5 * 60 + 3660)]
    report = replayed(seen, "failures-1")
    assert report.watched_s == 5 * 60 - LASTS_S + STALE_S + 60
    assert (report.outages, report.outage_s) == (1, 121.0)
    found = verdict(report, "failures-1")
    assert found.down_s == 2 * 60 - LASTS_S + STALE_S
    assert (found.false_alarms, found.detected) == (0, 1)


def test_a_probe_longer_than_its_validity_leaves_no_endpoint_down() -> None:
    """It counts in the moment in which it is known; in the silence after that its endpoint is unknown at once."""
    seen = [make_counted(0), make_counted(60, "f", lasts_s=STALE_S + 10), make_counted(3600)]
    found = verdict(replayed(seen, "failures-1"), "failures-1")
    assert (found.down_s, found.changes, found.false_alarms) == (0, 2, 0)


def test_one_that_is_down_before_and_after_a_silence_is_down_twice() -> None:
    report = replayed([*minutes("offf"), *minutes("ffffoo", first=100)], "failures-1")
    found = verdict(report, "failures-1")
    assert (report.outages, found.detected, found.missed, found.changes) == (2, 2, 0, 4)


def test_thresholds_change_their_decision_between_samples() -> None:
    """The two failures fall out of the half hour one after the other, and no sample comes then."""
    seen = [*minutes("ff"), *(make_counted(200 + number * 200) for number in range(6)), make_counted(1500)]
    members = {ENDPOINT: member(stale_s=3600.0)}
    replay = Replay(members, ("thresholds",))
    replay.feed([*seen, make_counted(3000)], math.inf)
    found = verdict(replay.report(), "thresholds")
    assert found.changes == 2
    assert found.down_s == 1800


def test_an_outage_that_has_not_ended_is_one() -> None:
    report = replayed(minutes("ooo" + "f" * 5), "failures-2")
    assert (report.outages, report.outage_s) == (1, 241.0)
    assert verdict(report, "failures-2").detected == 1
    assert verdict(report, "failures-2").down_s == 180


def test_a_sibling_may_bring_an_endpoint_down_between_its_own_samples() -> None:
    names = [f"groq:{number}" for number in range(6)]
    seen = [sample for name in names for sample in minutes("o" * 30, endpoint=name)]
    seen += [make_counted(1800 + number, "f", name) for number, name in enumerate(names)]
    seen += [make_counted(1830 + number, "f", name) for number, name in enumerate(names)]
    seen += [make_counted(1930 + number, "f", name) for number, name in enumerate(names)]
    replay = Replay({name: member() for name in names}, ("filter", "failures-2"))
    replay.feed(seen, math.inf)
    report = replay.report()
    ours, simple = (verdict(report, name) for name in ("filter", "failures-2"))
    assert (report.outages, ours.detected, simple.detected) == (6, 6, 6)
    assert ours.delay_p50_s is not None
    assert simple.delay_p50_s is not None
    assert ours.delay_p50_s < simple.delay_p50_s


def test_siblings_take_no_endpoint_down_that_has_no_recent_samples() -> None:
    names = [f"groq:{number}" for number in range(6)]
    seen = [sample for name in names[1:] for sample in minutes("o" * 60 + "fff", endpoint=name)]
    silent = minutes("o" * 30 + "f", endpoint=names[0])
    replay = Replay({name: member(judged=name == names[0]) for name in names}, ("filter",))
    replay.feed([*silent, *seen], math.inf)
    report = replay.report()
    assert report.watched_s == 30 * 60 - LASTS_S + STALE_S
    assert (verdict(report, "filter").down_s, verdict(report, "filter").changes) == (0, 0)


# Order


letters = st.lists(st.sampled_from("oosf"), min_size=1, max_size=60)


def crowd(seen: list[str]) -> list[CountedSample]:
    """Samples of three endpoints, many of which become known at the same moment."""
    names = ("groq:a", "groq:b", "groq:c")
    return [
        make_counted(place // 5 * 30, letter, names[place % 3], lasts_s=1.0 + place % 2)
        for place, letter in enumerate(seen)
    ]


def members() -> dict[str, ReplayMember]:
    return {name: member() for name in ("groq:a", "groq:b", "groq:c")}


@unhurried
@given(letters, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(seen: list[str], chance: random.Random) -> None:
    counted = crowd(seen)
    shuffled = chance.sample(counted, len(counted))
    one, other = Replay(members(), NAMES), Replay(members(), NAMES)
    one.feed(counted, math.inf)
    other.feed(shuffled, math.inf)
    assert one.report() == other.report()


@unhurried
@given(letters, st.integers(10, 400))
def test_slices_of_any_length_give_the_same_as_one(seen: list[str], slice_s: int) -> None:
    counted = crowd(seen)
    whole, sliced = Replay(members(), NAMES), Replay(members(), NAMES)
    whole.feed(counted, math.inf)
    began_s = START_S
    while began_s < START_S + 1000:
        end_s = began_s + slice_s
        sliced.feed([each for each in counted if began_s <= each.seen.at.timestamp() < end_s], end_s)
        began_s = end_s
    assert sliced.report() == whole.report()


@unhurried
@given(letters)
def test_every_outage_is_seen_or_missed_by_every_policy(seen: list[str]) -> None:
    report = replayed(minutes(seen))
    for found in report.verdicts:
        assert found.detected + found.missed == report.outages
        assert sum(tenth.count for tenth in found.bins) == report.judged
        assert 0 <= found.down_s <= report.watched_s + 1e-6


# Edges


def test_a_replay_of_nothing_says_so() -> None:
    report = replayed([], "filter")
    assert (report.judged, report.share, report.watched_s, report.outages) == (0, None, 0, 0)
    assert verdict(report, "filter").false_alarms_per_month is None


def test_no_policy_is_no_verdict() -> None:
    replay = Replay({ENDPOINT: member()}, ())
    replay.feed(minutes("oo"), math.inf)
    assert replay.report().verdicts == ()


def test_an_unknown_policy_is_refused_before_anything_is_played() -> None:
    with pytest.raises(UnknownPolicyError):
        Replay({ENDPOINT: member()}, ("filter", "oracle"))
