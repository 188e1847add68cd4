"""Incidents: beginning, evidence, dropped suspicions, and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.incident import Cause, Incident, incident_id
from monitor.domain.status import Status
from monitor.score.incidents import IncidentTracker, add_evidence, bounded_tracker, update
from probes._model import ErrorClass
from tests.unit.score.values import after, unhurried

NAME = "groq:llama"
EMPTY = IncidentTracker()


def accuse(tracker: IncidentTracker, seconds: float, cause: ErrorClass | Cause = ErrorClass.CONNECT) -> IncidentTracker:
    return add_evidence(tracker, NAME, cause, after(seconds))


def rule(tracker: IncidentTracker, status: Status, seconds: float, *, cleared: bool = False) -> IncidentTracker:
    return update(tracker, NAME, status, after(seconds), cleared=cleared)


def incident_of(tracker: IncidentTracker) -> Incident:
    assert tracker.incident is not None
    return tracker.incident


def opened(seconds: float = 60, status: Status = Status.DOWN) -> IncidentTracker:
    return rule(accuse(EMPTY, seconds), status, seconds)


# Suspicion


def test_a_lone_failure_is_a_suspicion_and_comes_to_nothing_once_it_is_cleared() -> None:
    suspected = rule(accuse(EMPTY, 60), Status.UP, 60)
    assert (suspected.is_confirmed, incident_of(suspected).samples) == (False, 1)
    assert rule(suspected, Status.UP, 120) == suspected
    assert rule(suspected, Status.UP, 180, cleared=True) == EMPTY


@pytest.mark.parametrize("status", [Status.UP, Status.UNKNOWN])
def test_nothing_comes_of_nothing(status: Status) -> None:
    for cleared in (True, False):
        assert rule(EMPTY, status, 60, cleared=cleared) == EMPTY


# Its beginning


@pytest.mark.parametrize("status", [Status.DEGRADED, Status.DOWN])
def test_an_incident_begins_with_its_first_evidence_and_not_with_the_status_change(status: Status) -> None:
    tracker = rule(accuse(EMPTY, 60), Status.UP, 60)
    tracker = rule(accuse(tracker, 62, ErrorClass.TLS), status, 62)
    assert tracker == IncidentTracker(
        incident=Incident(
            id=incident_id(NAME, after(60)),
            endpoint=NAME,
            worst=status,
            began_at=after(60),
            last_at=after(62),
            causes={"connect": 1, "tls": 1},
        ),
        is_confirmed=True,
    )


def test_one_that_fell_because_of_its_provider_says_so() -> None:
    incident = incident_of(rule(EMPTY, Status.DEGRADED, 60))
    assert (incident.causes, incident.began_at, incident.worst) == ({"provider": 1}, after(60), Status.DEGRADED)
    assert rule(EMPTY, Status.DOWN, 60).is_confirmed


# What it rests on


def test_causes_are_counted_and_the_first_seen_stands_first() -> None:
    tracker = opened()
    causes: list[ErrorClass | Cause] = [Cause.SLO, ErrorClass.CONNECT, Cause.HABIT, Cause.SLO, Cause.SLO]
    for seconds, cause in enumerate(causes, 61):
        tracker = rule(accuse(tracker, seconds, cause), Status.DOWN, seconds)
    incident = incident_of(tracker)
    assert [*incident.causes.items()] == [("connect", 2), ("slo", 3), ("habit", 1)]
    assert (incident.samples, incident.cause, incident.last_at) == (6, "slo", after(65))


def test_a_late_sample_is_counted_and_does_not_turn_time_back() -> None:
    tracker = accuse(accuse(opened(), 120), 90)
    assert (incident_of(tracker).last_at, incident_of(tracker).samples) == (after(120), 3)


def test_a_degraded_one_may_get_worse_and_never_better() -> None:
    worsts = []
    tracker = opened(status=Status.DEGRADED)
    for seconds, status in enumerate([Status.DEGRADED, Status.DOWN, Status.DEGRADED, Status.DOWN], 61):
        tracker = rule(tracker, status, seconds)
        worsts.append(incident_of(tracker).worst)
    assert worsts == [Status.DEGRADED, Status.DOWN, Status.DOWN, Status.DOWN]


def test_an_update_that_changes_nothing_leaves_the_tracker_itself() -> None:
    tracker = opened()
    assert rule(tracker, Status.DOWN, 120) is tracker


# Its end


def test_it_ends_when_the_endpoint_is_up_and_is_kept_until_the_next_ruling() -> None:
    tracker = rule(opened(), Status.UP, 300)
    assert (incident_of(tracker).ended_at, tracker.is_confirmed) == (after(300), True)
    assert rule(tracker, Status.UP, 360, cleared=True) == EMPTY


@pytest.mark.parametrize("cleared", [True, False])
def test_it_ends_whether_or_not_a_doubt_is_left(cleared: bool) -> None:
    assert incident_of(rule(opened(), Status.UP, 300, cleared=cleared)).ended_at == after(300)


def test_an_incident_never_ends_before_its_newest_evidence() -> None:
    assert incident_of(rule(accuse(opened(), 500), Status.UP, 300)).ended_at == after(500)


def test_after_one_is_over_the_next_failure_begins_another() -> None:
    over = rule(opened(), Status.UP, 300)
    again = rule(accuse(over, 400, Cause.SLO), Status.DEGRADED, 400)
    assert incident_of(again).id == incident_id(NAME, after(400))
    assert incident_of(again).causes == {"slo": 1}
    assert incident_of(rule(over, Status.DEGRADED, 400)).causes == {"provider": 1}


# Anything


steps = st.lists(
    st.tuples(
        st.floats(-300, 3_600),
        st.none() | st.sampled_from([*Cause, ErrorClass.CONNECT, ErrorClass.TLS]),
        st.sampled_from([Status.UP, Status.DEGRADED, Status.DOWN, Status.UNKNOWN]),
        st.booleans(),
    ),
    max_size=40,
)
"""How much later, what the sample showed, the status after it, and whether nothing is left of a suspicion."""


@unhurried
@given(steps)
def test_at_most_one_is_open_and_every_one_begins_grows_and_ends_in_order(
    steps: list[tuple[float, ErrorClass | Cause | None, Status, bool]],
) -> None:
    tracker, seconds = EMPTY, 0.0
    newest: dict[str, Incident] = {}
    for later_s, cause, status, cleared in steps:
        seconds += later_s
        if cause is not None:
            tracker = accuse(tracker, seconds, cause)
        tracker = rule(tracker, status, seconds, cleared=cleared)
        assert tracker.is_confirmed or status not in {Status.DEGRADED, Status.DOWN}
        if tracker.incident is not None and tracker.is_confirmed:
            newest[tracker.incident.id] = tracker.incident
        assert len([each for each in newest.values() if each.ended_at is None]) <= 1
    for incident in newest.values():
        assert incident.began_at <= incident.last_at <= (incident.ended_at or incident.last_at)
        assert incident.samples >= 1
        assert incident.id == incident_id(NAME, incident.began_at)


def test_an_incident_began_no_later_than_now_whatever_a_clock_that_was_ahead_said() -> None:
    ahead = after(30 * 86_400)
    tracker = bounded_tracker(add_evidence(IncidentTracker(), "a:one", ErrorClass.DNS, ahead), after(0))
    assert tracker.incident is not None
    assert (tracker.incident.began_at, tracker.incident.last_at) == (after(0), after(0))
    assert bounded_tracker(IncidentTracker(), after(0)) == IncidentTracker()
