"""Outages by their definition, and alarms that are right, wrong, late or missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.backtest.outages import AlarmRecord, Alarms, OutageDetector, OutageEvent, Phase
from tests.unit.score.values import unhurried

EVERY_S = 60.0


class Stage:
    """A watch, and one policy's alarms at its endpoint; a sample a minute, known a second after it began."""

    def __init__(self) -> None:
        self.watch = OutageDetector()
        self.record = AlarmRecord()
        self.alarms = Alarms(self.watch, self.record)
        self.now_s = 0.0

    def see(self, letters: str) -> list[OutageEvent]:
        """Samples: `o` succeeds, `f` fails; what they turned."""
        turns = []
        for letter in letters:
            turn = self.watch.see(failed=letter == "f", began_s=self.now_s, known_s=self.now_s + 1)
            if turn is not None:
                self.alarms.note(turn)
                turns.append(turn)
            self.now_s += EVERY_S
        return turns

    def alarm(self, *, usable: bool, later_s: float = 0.0) -> None:
        """The policy's word, as of the newest sample."""
        self.alarms.follow(self.now_s - EVERY_S + 1 + later_s, usable=usable)

    def lapse(self) -> OutageEvent | None:
        turn = self.watch.lapse()
        if turn is not None:
            self.alarms.note(turn)
        return turn


# Outages


@pytest.mark.parametrize(
    ("letters", "count", "seconds"),
    [
        ("oooo", 0, 0),
        ("offoo", 0, 0),
        ("offfoo", 1, 181),
        ("ofofofofoo", 0, 0),
        ("offfofoo", 1, 301),
        ("offffoo", 1, 241),
        ("fffoofffoo", 2, 362),
        ("fffofofofoo", 1, 541),
    ],
)
def test_three_failures_over_two_minutes_are_an_outage_until_two_successes(
    letters: str, count: int, seconds: float
) -> None:
    """From the beginning of the first failure to when the first of the two successes was known."""
    stage = Stage()
    stage.see(letters)
    assert (stage.watch.phase, stage.watch.count, stage.watch.seconds) == (Phase.WELL, count, seconds)


def test_failures_within_less_than_two_minutes_are_none() -> None:
    watch = OutageDetector()
    for number in range(10):
        assert watch.see(failed=True, began_s=number, known_s=number + 1) is None
    assert watch.phase is Phase.SUSPECTED
    assert watch.see(failed=True, began_s=119, known_s=120) is OutageEvent.PROVED


def test_an_outage_without_later_samples_ends_with_its_newest_failure() -> None:
    stage = Stage()
    assert stage.see("offff") == [OutageEvent.PROVED]
    assert stage.lapse() is OutageEvent.OVER
    assert stage.watch.seconds == 181
    assert stage.lapse() is None


def test_an_outage_with_one_success_and_no_later_samples_ends_with_that_success() -> None:
    stage = Stage()
    stage.see("offffo")
    assert stage.lapse() is OutageEvent.OVER
    assert stage.watch.seconds == 241


@unhurried
@given(st.text("of", max_size=80))
def test_turns_follow_each_other_as_phases_do(letters: str) -> None:
    watch = OutageDetector()
    for number, letter in enumerate(letters):
        before = watch.phase
        turn = watch.see(failed=letter == "f", began_s=number * EVERY_S, known_s=number * EVERY_S + 1)
        follows = {
            None: {(Phase.WELL, Phase.WELL), (Phase.WELL, Phase.SUSPECTED), (Phase.SUSPECTED,) * 2, (Phase.OUT,) * 2},
            OutageEvent.PROVED: {(Phase.SUSPECTED, Phase.OUT)},
            OutageEvent.CLEARED: {(Phase.SUSPECTED, Phase.WELL)},
            OutageEvent.OVER: {(Phase.OUT, Phase.WELL)},
        }
        assert (before, watch.phase) in follows[turn]


# Alarms


def test_an_alarm_without_a_failure_is_false() -> None:
    stage = Stage()
    stage.see("oo")
    stage.alarm(usable=False)
    stage.see("o")
    stage.alarm(usable=True)
    assert stage.record == AlarmRecord(false_alarms=1, down_s=60.0, changes=2)


def test_an_alarm_for_a_blip_is_false_whether_it_ends_before_or_after_that_is_known() -> None:
    for later_s in (0.0, 30.0):
        stage = Stage()
        stage.see("of")
        stage.alarm(usable=False)
        if later_s:
            stage.alarm(usable=True, later_s=later_s)
        stage.see("o")
        stage.alarm(usable=True)
        assert (stage.record.false_alarms, stage.record.changes) == (1, 2)


def test_an_alarm_before_an_outage_is_proved_is_right_from_when_it_was_raised() -> None:
    stage = Stage()
    stage.see("of")
    stage.alarm(usable=False)
    assert stage.see("ff") == [OutageEvent.PROVED]
    stage.see("oo")
    stage.alarm(usable=True)
    assert stage.record == AlarmRecord(delays_s=[1.0], down_s=240.0, changes=2)


def test_one_that_ended_before_the_outage_was_proved_was_right_as_well() -> None:
    stage = Stage()
    stage.see("of")
    stage.alarm(usable=False)
    stage.alarm(usable=True, later_s=30)
    stage.see("ff")
    stage.alarm(usable=False)
    stage.see("oo")
    stage.alarm(usable=True)
    assert (stage.record.delays_s, stage.record.false_alarms, stage.record.down_s) == ([1.0], 0, 150.0)


def test_an_alarm_after_the_proof_is_late() -> None:
    stage = Stage()
    stage.see("offff")
    stage.alarm(usable=False)
    stage.alarm(usable=True, later_s=10)
    stage.alarm(usable=False, later_s=20)
    stage.see("oo")
    assert stage.record.delays_s == [181.0]
    assert stage.record.missed == 0


def test_an_alarm_that_was_raised_already_sees_an_outage_at_once() -> None:
    stage = Stage()
    stage.see("oo")
    stage.alarm(usable=False)
    stage.see("fffoo")
    stage.alarm(usable=True)
    assert (stage.record.delays_s, stage.record.false_alarms) == ([0.0], 0)


def test_an_outage_without_an_alarm_is_missed() -> None:
    stage = Stage()
    stage.see("ofooffffoofffoo")
    assert stage.record == AlarmRecord(missed=2)


def test_each_outage_wants_an_alarm_of_its_own() -> None:
    stage = Stage()
    stage.see("offf")
    stage.alarm(usable=False)
    stage.see("oo")
    stage.alarm(usable=True)
    stage.see("fffoo")
    assert (len(stage.record.delays_s), stage.record.missed) == (1, 1)


def test_an_alarm_without_a_known_outcome_counts_neither_way() -> None:
    stage = Stage()
    stage.see("off")
    stage.alarm(usable=False)
    stage.alarms.end(stage.now_s)
    assert stage.lapse() is OutageEvent.LOST
    stage.see("o")
    assert (stage.record.false_alarms, stage.record.delays_s, stage.record.missed) == (0, [], 0)


def test_saying_the_same_again_changes_nothing() -> None:
    stage = Stage()
    stage.see("of")
    for _ in range(3):
        stage.alarm(usable=False)
    assert stage.record.changes == 1
    stage.alarms.end(stage.now_s)
    stage.alarms.end(stage.now_s + 100)
    assert stage.record.down_s == 59.0


@unhurried
@given(st.lists(st.tuples(st.sampled_from("of"), st.booleans()), max_size=80))
def test_every_outage_is_seen_or_missed_and_no_alarm_counts_twice(steps: list[tuple[str, bool]]) -> None:
    stage = Stage()
    raised, before = 0, True
    for letter, usable in steps:
        stage.see(letter)
        stage.alarm(usable=usable)
        raised += before and not usable
        before = usable
    stage.alarms.end(stage.now_s)
    stage.lapse()
    record = stage.record
    assert len(record.delays_s) + record.missed == stage.watch.count
    assert record.false_alarms <= raised
    assert all(delay_s >= 0 for delay_s in record.delays_s)
