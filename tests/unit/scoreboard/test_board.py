"""The scoreboard: publishing absorbed samples in one step, filters, entity tags, restart."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.model import EndpointSpec, ProbeSpec, ScoringSpec
from monitor.domain.incident import Incident, incident_id
from monitor.domain.maintenance import NOTICE, MaintenanceWindow
from monitor.domain.status import Status
from monitor.scheduler.jobs import enabled_jobs
from monitor.score.baseline import Baselines
from monitor.score.markov import Hidden
from monitor.score.serialize import Remembered, state_from_text
from monitor.score.windows import WINDOWS
from monitor.scoreboard.absorbed import Absorbed
from monitor.scoreboard.board import Board
from monitor.scoreboard.snapshot import RowFilter, Snapshot, select
from monitor.traffic.calls import Call
from probes._model import Blame, ErrorClass, Sample, Task
from probes._serialize import timestamp
from tests.support.board_values import CHAT, first_tick, make_board, make_config, make_spec, sample_at
from tests.unit.score.values import START, unhurried

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TICK = first_tick()
ONE, TWO = "groq:llama", "my-vllm:llama"
SPECS = (make_spec(ONE), make_spec(TWO, model="other/model"))


def ids(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["endpoints"]]


def known_from(text: str) -> Remembered:
    known = state_from_text(text)
    assert known is not None
    return known


def row(snapshot: Snapshot, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(snapshot.rows[name].body)
    return found


# Absorbing and publishing


def test_the_first_snapshot_is_there_before_any_sample() -> None:
    snapshot = make_board(*SPECS).snapshot
    assert snapshot.generated_at == START
    assert ids(snapshot.body) == [ONE, TWO]


def test_nothing_absorbed_is_visible_before_it_is_published() -> None:
    board = make_board(*SPECS)
    before = board.snapshot
    board.absorb([sample_at(TICK)])
    assert board.snapshot is before
    after = board.publish(TICK + MINUTE)
    assert board.snapshot is after
    assert after.rows[ONE].status is Status.UP


def test_a_snapshot_never_changes() -> None:
    board = make_board(*SPECS)
    before = board.snapshot
    body, statuses = before.body, {name: each.status for name, each in before.rows.items()}
    board.absorb([sample_at(TICK)])
    board.publish(TICK + MINUTE, sweep=True)
    assert before.body == body
    assert {name: each.status for name, each in before.rows.items()} == statuses


def test_publishing_renders_touched_rows_only_and_a_sweep_renders_all() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    first = board.publish(TICK + MINUTE)
    board.absorb([sample_at(TICK + MINUTE)])
    second = board.publish(TICK + 2 * MINUTE)
    assert row(second, ONE)["uptime"]["5m"]["expected"] == 2
    assert second.rows[TWO] is first.rows[TWO]
    third = board.publish(TICK + 2 * MINUTE)
    assert third.rows == second.rows
    swept = board.publish(TICK + 2 * MINUTE, sweep=True)
    assert row(swept, TWO)["uptime"]["5m"]["expected"] == row(first, TWO)["uptime"]["5m"]["expected"] + 1
    assert swept.rows[ONE].body == second.rows[ONE].body


def test_a_row_whose_status_time_changed_is_rendered_without_news_and_without_a_sweep() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    board.publish(TICK + MINUTE)
    moment = board.next_moment
    assert moment is not None
    assert board.commit(moment - timedelta(microseconds=1)) == []
    before, after = (board.publish(at) for at in (moment - timedelta(microseconds=1), moment))
    assert {each.status for each in before.rows.values()} == {Status.UP}
    assert {each.status for each in after.rows.values()} == {Status.UNKNOWN}


def test_a_snapshot_in_which_nothing_changed_stands_for_half_a_minute() -> None:
    board = make_board(*SPECS)
    first = board.snapshot
    assert board.publish(START + timedelta(seconds=29), sweep=True) is first
    later = board.publish(START + timedelta(seconds=30), sweep=True)
    assert later.generated_at == START + timedelta(seconds=30)
    assert later.etag != first.etag
    assert list(later.rows.values()) == list(first.rows.values())
    assert board.publish(START + timedelta(seconds=29), sweep=True).generated_at == START + timedelta(seconds=29)


def test_a_sample_that_changes_nothing_that_is_published_leaves_the_row_as_it_is() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    first = board.publish(TICK + MINUTE)
    board.absorb([])
    assert board.publish(TICK + MINUTE, sweep=True) is first


def with_maintenance(begin: datetime, end: datetime) -> Board:
    return make_board(replace(make_spec(ONE), maintenance=(MaintenanceWindow(begin=begin, end=end),)), make_spec(TWO))


def test_each_status_change_is_returned_once_with_the_former_status() -> None:
    board = with_maintenance(TICK + 2 * MINUTE, TICK + 3 * MINUTE)
    board.commit(TICK)
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    told = [change for minute in range(60) for change in board.commit(TICK + minute * MINUTE)]
    assert [(change.endpoint, change.before, change.after) for change in told if change.endpoint == ONE] == [
        (ONE, Status.UNKNOWN, Status.UP),
        (ONE, Status.UP, Status.MAINTENANCE),
        (ONE, Status.MAINTENANCE, Status.UP),
        (ONE, Status.UP, Status.UNKNOWN),
    ]
    assert [(change.before, change.after) for change in told if change.endpoint == TWO] == [
        (Status.UNKNOWN, Status.UP),
        (Status.UP, Status.UNKNOWN),
    ]
    assert [change.since for change in told if change.after is Status.MAINTENANCE] == [TICK + 2 * MINUTE]
    board.publish(TICK + 60 * MINUTE, sweep=True)
    assert board.summary == "2 unknown"


def test_time_alone_asks_for_nothing_where_no_status_depends_on_it() -> None:
    assert make_board(*SPECS).next_moment is None
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    board.commit(TICK)
    stale_at = board.next_moment
    assert stale_at is not None
    board.absorb([sample_at(TICK + MINUTE)])
    board.commit(TICK + MINUTE)
    assert board.next_moment == stale_at  # the newer sample costs nothing until then
    assert board.commit(stale_at) == []
    assert board.next_moment == stale_at + MINUTE
    assert [change.after for change in board.commit(stale_at + MINUTE)] == [Status.UNKNOWN]
    assert board.next_moment is None


def test_maintenance_is_waited_for_from_its_notice_to_its_end() -> None:
    begin, end = TICK + 48 * HOUR, TICK + 49 * HOUR
    board = with_maintenance(begin, end)
    seen = []
    while (moment := board.next_moment) is not None:
        seen.append(moment)
        board.commit(moment)
    assert seen == [begin - NOTICE, begin, end]


def test_uncommitted_changes_are_never_rendered() -> None:
    """Also not for one who asks for the first time while it is being stored."""
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK, ErrorClass.DNS) for _ in range(5)], [Call(key=1, endpoint=ONE, at=TICK)])
    later = TICK + 10 * MINUTE
    seen = board.row(ONE, later)
    assert seen is not None
    assert (seen.status, json.loads(seen.body)["uptime"]["1h"]["failed"]) == (Status.UNKNOWN, 0)
    board.commit(later)
    seen = board.row(ONE, later)
    assert seen is not None
    assert json.loads(seen.body)["uptime"]["1h"]["failed"] == 5
    assert json.loads(seen.body)["traffic"]["1h"]["ok"] == 1


def test_a_row_is_rendered_anew_for_who_asks_for_it_alone_once_it_is_old_or_there_is_news() -> None:
    board = make_board(*SPECS)
    assert board.row("gone:model", TICK) is None
    board.absorb([sample_at(TICK)])
    board.commit(TICK)
    first = board.row(ONE, TICK)
    assert board.row(ONE, TICK + timedelta(seconds=4)) is first
    assert board.row(ONE, TICK + timedelta(seconds=6)) is not first
    assert board.renew(TICK + timedelta(seconds=6)).rows[ONE] is board.row(ONE, TICK + timedelta(seconds=6))


def test_a_rows_news_change_with_a_sample_and_not_with_time() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    first = board.publish(TICK + MINUTE).rows[ONE]
    second = board.publish(TICK + 2 * MINUTE, sweep=True).rows[ONE]
    assert second.body != first.body
    assert second.etag != first.etag
    assert second.news == first.news
    board.absorb([sample_at(TICK + MINUTE)])
    assert board.publish(TICK + 2 * MINUTE).rows[ONE].news != first.news


def test_the_order_of_the_configuration_is_kept_whatever_is_touched() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK, name=TWO)])
    assert ids(board.publish(TICK).body) == [ONE, TWO]


def test_a_sample_of_an_endpoint_that_is_not_configured_changes_nothing() -> None:
    board = make_board(*SPECS)
    absorbed = board.absorb([sample_at(TICK, name="gone:model")])
    assert absorbed == Absorbed(states={}, due={}, incidents=[])
    assert ids(board.publish(TICK).body) == [ONE, TWO]


def test_absorbing_gives_the_new_state_of_each_endpoint_that_had_a_sample() -> None:
    board = make_board(*SPECS)
    absorbed = board.absorb([sample_at(TICK), sample_at(TICK + MINUTE, ErrorClass.DNS)])
    assert set(absorbed.states) == {ONE}
    health = known_from(absorbed.states[ONE]).health
    assert (health.failures, health.measured_at) == (1, (TICK + MINUTE + timedelta(milliseconds=3)))


def test_wrong_answers_count_as_the_configuration_says() -> None:
    for count, status in ((True, Status.DOWN), (False, Status.UP)):
        board = make_board(*SPECS, scoring=ScoringSpec(count_wrong_answers=count))
        board.absorb([sample_at(TICK + place * MINUTE, ErrorClass.WRONG_ANSWER) for place in range(3)])
        assert board.publish(TICK).rows[ONE].status is status


def test_an_overridden_blame_is_published_with_the_status_that_follows_from_it() -> None:
    board = make_board(*SPECS, scoring=ScoringSpec(blame={ErrorClass.AUTH: Blame.PROVIDER}))
    board.absorb([sample_at(TICK + place * MINUTE, ErrorClass.AUTH, status_code=401) for place in range(3)])
    found = row(board.publish(TICK + 3 * MINUTE), ONE)
    assert (found["status"], found["account"]) == ("down", None)
    assert (found["last_error"]["class"], found["last_error"]["blame"]) == ("auth", "provider")


# The next probe


def begun(minute: float) -> datetime:
    """When the sample of so many minutes after the first tick began."""
    return TICK + minute * MINUTE + timedelta(milliseconds=3)


def minutes(errors: Iterable[ErrorClass | None], name: str = ONE, first: int = 0) -> list[Sample]:
    """One sample a minute."""
    return [sample_at(TICK + place * MINUTE, error, name) for place, error in enumerate(errors, first)]


GOOD, BAD = None, ErrorClass.DNS


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([GOOD], begun(0) + MINUTE),
        ([GOOD] * 20, begun(19) + MINUTE),
        ([BAD], begun(0)),
        ([GOOD] * 20 + [BAD], begun(20)),
        ([GOOD] * 20 + [BAD, GOOD], begun(21) + timedelta(seconds=2)),
        ([GOOD] * 20 + [BAD] + [GOOD] * 3, begun(23) + timedelta(seconds=8)),
    ],
)
def test_the_next_probe_is_due_as_the_newest_sample_wants(errors: list[ErrorClass | None], wanted: datetime) -> None:
    board = make_board(*SPECS)
    assert board.absorb(minutes(errors)).due == {ONE: wanted}


@pytest.mark.parametrize("error", [error for error in ErrorClass if error.blame is not Blame.PROVIDER])
def test_a_sample_that_does_not_count_asks_for_no_probe(error: ErrorClass) -> None:
    """The newest that counts grows old meanwhile: each refusal would ask for the next at once, without an end."""
    board = make_board(*SPECS)
    board.absorb(minutes([GOOD] * 3 + [BAD]))
    assert board.absorb(minutes([error] * 3, first=4)).due == {}


def test_the_limits_are_those_of_the_confirming_probe() -> None:
    reach = ProbeSpec(name="reach", task=Task.REACH, every_s=5)
    chat = ProbeSpec(name="chat", task=Task.CHAT, every_s=300, closest_s=40)
    board = make_board(make_spec(ONE, probes=("reach", "chat")), probes={"reach": reach, "chat": chat})
    assert board.absorb(minutes([GOOD] * 20)).due == {ONE: begun(19) + timedelta(seconds=300)}
    assert board.absorb(minutes([BAD, GOOD], first=20)).due == {ONE: begun(21) + timedelta(seconds=40)}


# Endpoints of one provider

SIBLINGS, OTHER = "groq:qwen", "groq:gemma"
FAMILY = (*SPECS, make_spec(SIBLINGS), make_spec(OTHER))


def with_family() -> Board:
    """A board on which all have been well for 20 minutes."""
    board = make_board(*FAMILY)
    for minute in range(20):
        board.absorb([sample_at(TICK + minute * MINUTE, name=spec.endpoint.id) for spec in FAMILY])
    return board


def test_when_one_falls_those_of_its_provider_that_may_have_fallen_too_are_due_at_once() -> None:
    board = with_family()
    board.absorb(minutes([BAD, BAD], first=20))
    board.absorb(minutes([GOOD], OTHER, 21))
    fell = board.absorb(minutes([BAD], first=22))
    assert known_from(fell.states[ONE]).health.status is Status.DOWN
    assert fell.due[SIBLINGS] == begun(22)
    assert set(fell.due) == {ONE, SIBLINGS}, "the other one was measured since, and the third is another provider's"
    assert SIBLINGS not in board.absorb(minutes([BAD], first=23)).due, "it is told once"


def test_what_one_shows_moves_the_published_score_of_another_with_the_next_sweep() -> None:
    board = with_family()
    now = TICK + 22 * MINUTE
    before = board.publish(now, sweep=True)
    board.absorb(minutes([BAD, BAD, BAD], first=20))
    after = board.publish(now, sweep=True)
    for name, falls in ((SIBLINGS, True), (OTHER, True), (TWO, False)):
        assert (row(after, name)["score"] < row(before, name)["score"]) is falls


def test_another_whose_status_follows_is_stored_and_published_with_its_incident() -> None:
    board = with_family()
    failures = [sample for at in range(20, 23) for name in (ONE, OTHER) for sample in minutes([BAD], name, at)]
    steps = [board.absorb([sample]) for sample in failures]
    (followed,) = [step for step in steps if SIBLINGS in step.states]
    assert known_from(followed.states[SIBLINGS]).health.status is Status.DEGRADED
    assert {incident.endpoint: dict(incident.causes) for incident in followed.incidents}[SIBLINGS] == {"provider": 1}
    assert board.publish(TICK + 22 * MINUTE).rows[SIBLINGS].status is Status.DEGRADED
    assert all(TWO not in step.states for step in steps)


def test_one_endpoint_that_fails_beside_well_ones_drags_none_of_them_down() -> None:
    board = with_family()
    for minute in range(20, 60):
        board.absorb(minutes([BAD], first=minute) + minutes([GOOD], SIBLINGS, minute) + minutes([GOOD], OTHER, minute))
    snapshot = board.publish(TICK + 60 * MINUTE, sweep=True)
    assert [snapshot.rows[name].status for name in (ONE, SIBLINGS, OTHER)] == [Status.DOWN, Status.UP, Status.UP]
    assert row(snapshot, SIBLINGS)["score"] > 0.9


# Incidents


def test_samples_without_evidence_open_no_incident() -> None:
    board = make_board(*SPECS)
    assert board.absorb(minutes([GOOD])).incidents == []
    assert board.absorb(minutes([GOOD] * 20, first=1)).incidents == []


def test_a_suspicion_is_nothing_to_store() -> None:
    board = make_board(*SPECS)
    board.absorb(minutes([GOOD] * 20))
    assert board.absorb(minutes([BAD], first=20)).incidents == []
    assert board.absorb(minutes([GOOD], first=21)).incidents == []


def test_an_incident_is_stored_when_it_begins_grows_or_ends_and_at_no_other_sample() -> None:
    board = make_board(*SPECS)
    board.absorb(minutes([GOOD] * 20))
    found = [board.absorb(minutes([error], first=20 + place)).incidents for place, error in enumerate([BAD] * 4)]
    assert [[each.samples for each in step] for step in found] == [[], [], [3], [4]]
    (first,) = found[2]
    assert (first.began_at, first.worst) == (begun(20), Status.DOWN)
    ends = [board.absorb(minutes([GOOD], first=24 + place)).incidents for place in range(12)]
    (ended,) = [each for step in ends for each in step]
    assert (ended.id, ended.samples, ended.last_at) == (first.id, 4, begun(23))
    assert ended.ended_at is not None


def test_of_an_incident_that_changed_with_several_samples_the_newest_value_is_stored() -> None:
    board = make_board(*SPECS)
    (incident,) = board.absorb(minutes([GOOD] * 20 + [BAD] * 6)).incidents
    assert incident.samples == 6
    over, again = board.absorb(minutes([GOOD] * 20 + [BAD] * 3, first=26)).incidents
    assert (over.id, over.samples) == (incident.id, 6)
    assert over.ended_at is not None
    assert (again.samples, again.ended_at) == (3, None)


family_samples = st.lists(
    st.builds(
        lambda minute, name, error, ttft_s: sample_at(TICK + minute * MINUTE, error, name, ttft_s=ttft_s),
        st.floats(0, 90),
        st.sampled_from([ONE, SIBLINGS, OTHER]),
        st.sampled_from([GOOD, GOOD, BAD, BAD, ErrorClass.TIMEOUT_TTFT, ErrorClass.AUTH, ErrorClass.OVERRUN]),
        st.sampled_from([0.2, 9.0]),
    ),
    max_size=60,
)
"""Of three endpoints of a provider, in any order, so that many are late."""


@unhurried
@given(family_samples, st.booleans())
def test_an_endpoint_has_an_open_incident_if_and_only_if_it_is_in_trouble(samples: list[Sample], late: bool) -> None:
    board = make_board(*FAMILY)
    newest: dict[str, Incident] = {}
    for sample in samples if late else sorted(samples, key=lambda each: each.started_at):
        absorbed = board.absorb([sample])
        newest |= {incident.id: incident for incident in absorbed.incidents}
        are_open = sorted(each.endpoint for each in newest.values() if each.ended_at is None)
        rows = board.publish(TICK, sweep=True).rows  # so early that nothing is stale
        assert are_open == sorted(name for name, row in rows.items() if row.status in {Status.DEGRADED, Status.DOWN})
    for incident in newest.values():
        assert incident.began_at <= incident.last_at <= (incident.ended_at or incident.last_at)


# Entity tags


@unhurried
@given(st.lists(st.sampled_from(["sample", "tick", "sweep", "nothing"]), max_size=12))
def test_the_tag_changes_if_and_only_if_the_body_does(steps: list[str]) -> None:
    board = make_board(*SPECS)
    seen, now = {board.snapshot.etag: board.snapshot.body}, START
    for number, step in enumerate(steps):
        if step == "sample":
            board.absorb([sample_at(TICK + number * MINUTE)])
        if step in {"tick", "sweep"}:
            now += MINUTE
        snapshot = board.publish(now, sweep=step == "sweep")
        assert seen.setdefault(snapshot.etag, snapshot.body) == snapshot.body
    assert len(set(seen)) == len(set(seen.values()))


# Filters


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RowFilter(), ["a:up", "b:down", "c:unknown"]),
        (RowFilter(model="m/one"), ["a:up", "b:down"]),
        (RowFilter(model="m"), []),
        (RowFilter(provider="b"), ["b:down"]),
        (RowFilter(status="unknown"), ["c:unknown"]),
        (RowFilter(status="paused"), []),
        (RowFilter(min_score=0.0), ["a:up", "b:down", "c:unknown"]),
        (RowFilter(min_score=0.9), ["a:up", "c:unknown"]),
        (RowFilter(min_score=1.0), ["c:unknown"]),
        (RowFilter(model="m/one", status="down", provider="b", min_score=0.01), ["b:down"]),
        (RowFilter(model="m/two", status="down"), []),
    ],
    ids=str,
)
def test_a_filter_passes_what_is_wanted_and_never_hides_an_unknown_score(wanted: RowFilter, found: list[str]) -> None:
    board = make_board(
        make_spec("a:up", model="m/one"), make_spec("b:down", model="m/one"), make_spec("c:unknown", model="m/two")
    )
    for number in range(5):
        at = TICK + number * MINUTE
        board.absorb([sample_at(at, name="a:up"), sample_at(at, ErrorClass.CONNECT, "b:down")])
    snapshot = board.publish(TICK + 5 * MINUTE, sweep=True)
    assert ids(select(snapshot, wanted).body) == found


def test_a_filtered_document_has_the_head_of_the_whole_one() -> None:
    snapshot = make_board(*SPECS).snapshot
    whole, none = json.loads(snapshot.body), json.loads(select(snapshot, RowFilter(provider="nobody")).body)
    assert none == {**whole, "endpoints": []}
    assert select(snapshot, RowFilter()) == snapshot


# Restart


def restarted(board: Board, stored: list[Sample], states: dict[str, str], now: datetime) -> Board:
    """A new board, filled as the daemon fills it from a store that holds these samples."""
    fresh = make_board(*SPECS, now=now)
    first_seen = {
        name: min(sample.started_at for sample in stored if sample.endpoint == name)
        for name in {each.endpoint for each in stored}
    }
    fresh.restore_states(states, first_seen)
    for bucket_s in {window.bucket_s for window in WINDOWS}:
        longest_s = max(window.length_s for window in WINDOWS if window.bucket_s == bucket_s)
        since = now - timedelta(seconds=longest_s + bucket_s)
        tallies = Counter(
            (each.endpoint, int(each.started_at.timestamp()) // bucket_s * bucket_s, each.task, each.error)
            for each in stored
            if each.started_at >= since
        )
        for (name, start, task, error), count in tallies.items():
            at = datetime.fromtimestamp(start, UTC)
            fresh.restore_counts(bucket_s, name, at, task=task, error=error, count=count)
    fresh.restore_latency([each for each in stored if each.started_at >= now - 30 * MINUTE])
    return fresh


some_samples = st.lists(
    st.builds(
        lambda tick, name, task, error, ttft_s: sample_at(TICK + tick * MINUTE, error, name, task=task, ttft_s=ttft_s),
        st.integers(0, 60 * 24 * 3),
        st.sampled_from([ONE, TWO]),
        st.sampled_from(Task),
        st.none() | st.sampled_from(ErrorClass),
        st.none() | st.floats(0.001, 10),
    ),
    max_size=40,
)


@unhurried
@given(some_samples, st.integers(0, 100))
def test_a_restarted_board_publishes_what_the_old_one_would_have(samples: list[Sample], minutes: int) -> None:
    samples = sorted(samples, key=lambda each: each.started_at)
    board = make_board(*SPECS)
    states: dict[str, str] = {}
    for sample in samples:
        states.update(board.absorb([sample]).states)
    now = max((each.started_at for each in samples), default=START) + minutes * MINUTE
    fresh = restarted(board, samples, states, now)
    old, new = board.publish(now, sweep=True), fresh.publish(now, sweep=True)
    for name in {each.endpoint for each in samples}:
        before, after = row(old, name), row(new, name)
        if before["measured_at"] is None:  # unknown since the daemon began
            before.pop("since"), after.pop("since")
        else:  # beliefs are stored to nine digits
            for field in ("score", "confidence"):
                assert after.pop(field) == pytest.approx(before.pop(field), abs=1e-5)
        assert after == before


def test_of_what_endpoints_of_a_provider_remember_of_it_the_newest_holds() -> None:
    board = with_family()
    states: dict[str, str] = {}
    for minute in range(20, 23):
        for name in (ONE, OTHER):
            states.update(board.absorb(minutes([BAD], name, minute)).states)
    states[SIBLINGS] = with_family().absorb(minutes([GOOD], SIBLINGS, 20)).states[SIBLINGS]
    assert known_from(states[SIBLINGS]).shared.probabilities[Hidden.UP] > 0.9
    for order in (states, dict(reversed(states.items()))):
        fresh = make_board(*FAMILY)
        fresh.restore_states(order, {})
        shared = known_from(fresh.absorb([sample_at(TICK + 22 * MINUTE, BAD, OTHER)]).states[OTHER]).shared
        assert shared.probabilities[Hidden.UP] < 0.01


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"version":99}'])
def test_an_unreadable_state_costs_one_endpoint_its_judgement_and_nothing_else(text: str) -> None:
    board = make_board(*SPECS)
    states = dict(board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)]).states)
    fresh = make_board(*SPECS)
    fresh.restore_states({**states, ONE: text}, {ONE: TICK})
    snapshot = fresh.publish(TICK + MINUTE, sweep=True)
    assert (snapshot.rows[ONE].status, snapshot.rows[TWO].status) == (Status.UNKNOWN, Status.UP)
    assert row(snapshot, ONE)["uptime"]["5m"]["expected"] == 1


def open_incident(name: str = ONE, began: float = -60, last: float = -50) -> Incident:
    at = begun(began)
    return Incident(
        id=incident_id(name, at),
        endpoint=name,
        worst=Status.DOWN,
        began_at=at,
        last_at=begun(last),
        causes={"connect": 3},
    )


def test_a_board_goes_on_from_the_open_incident_of_an_endpoint() -> None:
    board = make_board(*SPECS)
    down = board.absorb(minutes([BAD] * 3)).states
    fresh = make_board(*SPECS)
    fresh.restore_states(down, {})
    incident = open_incident()
    assert fresh.restore_incidents([incident]) == ()
    (grown,) = fresh.absorb(minutes([BAD], first=3)).incidents
    assert grown == replace(incident, causes={"connect": 3, "dns": 1}, last_at=begun(3))
    (ended,) = fresh.absorb(minutes([GOOD] * 20, first=4)).incidents
    assert (ended.id, ended.ended_at is None) == (incident.id, False)


def test_an_open_incident_of_one_that_is_well_by_now_ends_with_its_next_sample() -> None:
    board = make_board(*SPECS)
    assert board.restore_incidents([open_incident()]) == ()
    (ended,) = board.absorb(minutes([GOOD])).incidents
    assert ended == replace(open_incident(), ended_at=begun(0))


def test_incidents_that_cannot_continue_are_returned_with_their_end() -> None:
    """Of an endpoint that is not configured, one that is not probed, and all but the newest of one that has several."""
    board = make_board(*SPECS, make_spec("off:one", enabled=False))
    stored = [
        open_incident("gone:x"),
        open_incident("off:one"),
        open_incident(ONE, -90, -80),
        open_incident(ONE, -60, -50),
        open_incident(TWO),
    ]
    ended = board.restore_incidents(stored)
    assert {(sample.endpoint, sample.began_at) for sample in ended} == {
        ("gone:x", begun(-60)),
        ("off:one", begun(-60)),
        (ONE, begun(-90)),
    }
    assert all(each.ended_at == each.last_at for each in ended)


def test_what_is_stored_of_endpoints_that_are_gone_is_passed_over() -> None:
    board = make_board(*SPECS)
    states = board.absorb([sample_at(TICK)]).states
    board.restore_states({"gone:model": states[ONE]}, {"gone:model": TICK})
    board.restore_counts(1, "gone:model", TICK, task=Task.CHAT, error=None, count=3)
    board.restore_latency([replace(sample_at(TICK), endpoint="gone:model")])
    assert ids(board.publish(TICK, sweep=True).body) == [ONE, TWO]


def test_a_baseline_is_its_endpoints_and_publishes_nothing() -> None:
    board = make_board(*SPECS)
    before = board.snapshot
    assert {name: book.baselines for name, book in board._endpoints.items()} == {ONE: None, TWO: None}
    baselines = Baselines(hour=TICK, task=Task.CHAT)
    for name in (TWO, "gone:model"):
        board.baselines(name, baselines)
    assert {name: book.baselines for name, book in board._endpoints.items()} == {ONE: None, TWO: baselines}
    assert board.snapshot is before


def test_a_board_sums_up_its_statuses_in_a_line() -> None:
    board = make_board(*SPECS, make_spec("off:one", enabled=False))
    assert board.summary == "2 unknown, 1 paused"
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    board.commit(TICK)
    assert board.summary == "2 up, 1 paused"
    assert make_board().summary == "no endpoints"


def test_the_snapshots_vantage_is_the_configurations() -> None:
    board = make_board(*SPECS, vantage="fra1")
    assert (board.snapshot.vantage, json.loads(board.snapshot.body)["vantage"]) == ("fra1", "fra1")


def test_after_a_clock_that_was_ahead_has_come_back_statuses_get_stale_again() -> None:
    board = make_board(*SPECS)
    ahead = TICK + timedelta(days=30)
    board.absorb([sample_at(ahead)])
    board.commit(ahead + MINUTE)
    board.clock_stepped(TICK)
    assert board.next_moment == TICK
    board.commit(TICK)
    moment = board.next_moment
    assert moment is not None
    assert moment < TICK + HOUR
    (change,) = [each for each in board.commit(moment) if each.endpoint == ONE]
    assert (change.before, change.after) == (Status.UP, Status.UNKNOWN)


def test_counts_are_taken_over_from_a_board_that_was_filled_anew() -> None:
    board, fresh = make_board(*SPECS), make_board(*SPECS)
    board.absorb([sample_at(TICK), sample_at(TICK + MINUTE)])
    board.publish(TICK + 2 * MINUTE, sweep=True)
    fresh.absorb([sample_at(TICK)])
    fresh.publish(TICK + 2 * MINUTE, sweep=True)
    board.take_counts(fresh)
    snapshot = board.publish(TICK + 2 * MINUTE)
    assert row(snapshot, ONE)["uptime"]["1h"]["ok"] == 1
    assert snapshot.rows[ONE].status is Status.UP


# Another configuration while it runs


def configured(*specs: EndpointSpec, **fields: Any) -> Board:
    config = make_config(*specs, **fields)
    return Board(config, enabled_jobs(config), TICK, rendered=False)


def test_an_endpoint_that_stays_keeps_its_state_and_a_new_one_begins_without_one() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    before = row(board.publish(TICK), ONE)
    new = make_spec("new:one")
    assert board.apply(configured(new, replace(SPECS[0], labels={"region": "eu"})), TICK) == ()
    snapshot = board.publish(TICK)
    assert ids(snapshot.body) == ["new:one", ONE]
    after = row(snapshot, ONE)
    assert {**after, "labels": before["labels"]} == before
    assert after["labels"] == {"region": "eu"}
    assert row(snapshot, "new:one")["status"] == "unknown"
    assert board.row(TWO, TICK) is None
    assert board.summary == "1 up, 1 unknown"


def test_samples_of_a_new_endpoint_count_and_those_of_a_removed_one_change_nothing() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK, name=TWO)])
    board.apply(configured(make_spec(ONE), make_spec("new:one")), TICK)
    board.absorb([sample_at(TICK, name=TWO), sample_at(TICK, name="new:one")])
    snapshot = board.publish(TICK)
    assert {name: each.status for name, each in snapshot.rows.items()} == {ONE: Status.UNKNOWN, "new:one": Status.UP}


def test_the_open_incidents_of_those_that_are_not_probed_any_more_are_ended() -> None:
    board = make_board(*SPECS, make_spec("third:x"))
    stored = [open_incident(ONE), open_incident(TWO), open_incident("third:x")]
    assert board.restore_incidents(stored) == ()
    ended = board.apply(configured(replace(SPECS[0], enabled=False), make_spec("third:x")), START)
    assert {each.endpoint: each.ended_at for each in ended} == {each.endpoint: each.last_at for each in stored[:2]}
    assert row(board.publish(START), ONE)["status"] == "paused"
    assert [incident.endpoint for incident in board.states().incidents] == ["third:x"]


def test_an_incident_that_has_ended_keeps_its_end_when_its_endpoint_is_removed() -> None:
    board = make_board(*SPECS)
    board.restore_incidents([open_incident(ONE)])
    minutes = itertools.count()
    while not (ended := [incident for incident in board.states().incidents if incident.ended_at is not None]):
        board.absorb([sample_at(TICK + next(minutes) * MINUTE)])
    assert [incident.endpoint for incident in ended] == [ONE]
    assert board.apply(configured(SPECS[1]), TICK + next(minutes) * MINUTE) == ()


def test_a_paused_endpoint_is_paused_since_it_was_paused_and_judged_again_since_it_was_resumed() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    up = row(board.publish(TICK, sweep=True), ONE)
    paused = replace(SPECS[0], enabled=False)
    for minutes in (1, 2):
        board.apply(configured(paused, SPECS[1]), TICK + minutes * MINUTE)
        seen = row(board.publish(TICK + minutes * MINUTE, sweep=True), ONE)
        assert (seen["status"], seen["since"]) == ("paused", timestamp(TICK + MINUTE))
    board.apply(configured(*SPECS), TICK + 2.5 * MINUTE)
    snapshot = board.publish(TICK + 2.6 * MINUTE, sweep=True)
    assert (row(snapshot, ONE)["status"], row(snapshot, ONE)["since"]) == ("up", timestamp(TICK + 2.5 * MINUTE))
    assert row(snapshot, TWO)["since"] == up["since"]


def test_an_endpoint_that_is_paused_from_the_start_is_so_since_the_start() -> None:
    board = make_board(make_spec(ONE, enabled=False), now=START)
    board.absorb([sample_at(TICK)])
    assert row(board.publish(TICK, sweep=True), ONE)["since"] == timestamp(START)


def test_other_blame_is_laid_from_then_on() -> None:
    """What was counted before stays as it was counted until the windows are counted anew from the store."""
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK, ErrorClass.NOT_FOUND)])
    assert row(board.publish(TICK), ONE)["uptime"]["5m"]["account"] == 1
    scoring = ScoringSpec(blame={ErrorClass.NOT_FOUND: Blame.PROVIDER})
    board.apply(configured(*SPECS, scoring=scoring), TICK)
    board.absorb([sample_at(TICK + MINUTE, ErrorClass.NOT_FOUND)])
    uptime = row(board.publish(TICK + MINUTE), ONE)["uptime"]["5m"]
    assert (uptime["account"], uptime["failed"]) == (1, 1)


def test_another_interval_says_when_a_status_is_stale() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    board.publish(TICK)
    assert row(board.publish(TICK + 10 * MINUTE), ONE)["status"] == "unknown"
    slow = {"chat": replace(CHAT, every_s=1800)}
    board.apply(configured(*SPECS, probes=slow), TICK + 10 * MINUTE)
    assert row(board.publish(TICK + 10 * MINUTE), ONE)["status"] == "up"


def test_times_of_another_task_are_measured_anew() -> None:
    board = make_board(make_spec(ONE))
    board.absorb([sample_at(TICK)])
    assert row(board.publish(TICK), ONE)["ttft_s"]["p50"] == 0.2
    tools = ProbeSpec(name="tools", task=Task.TOOL_CALL)
    board.apply(configured(make_spec(ONE, probes=("tools",)), probes={"tools": tools}), TICK)
    assert row(board.publish(TICK), ONE)["ttft_s"]["p50"] is None


def restored(*specs: EndpointSpec, good: int, **fields: Any) -> Board:
    """A board of another configuration that the store has filled."""
    other = configured(*specs, **fields)
    for number in range(good):
        other.absorb([sample_at(TICK + number * MINUTE, name=specs[0].endpoint.id)])
    other.commit(TICK + good * MINUTE, everything=True)
    return other


def test_a_new_endpoint_begins_with_what_the_store_knows_of_it_and_that_is_no_change_of_status() -> None:
    board, new = make_board(*SPECS), make_spec("new:one")
    now = TICK + 3 * MINUTE
    assert board.apply(restored(new, *SPECS, good=3), now, {"new:one"}) == ()
    assert "new:one" not in {change.endpoint for change in board.commit(now)}
    found = row(board.publish(now), "new:one")
    assert (found["status"], found["uptime"]["1h"]["ok"], found["ttft_s"]["count"]) == ("up", 3, 3)
    assert board.summary == "1 up, 2 unknown"


def test_an_endpoint_that_another_one_was_merged_into_takes_over_the_counts_and_keeps_its_health() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK)])
    board.publish(TICK)
    health = board.endpoint(ONE).health
    board.apply(restored(SPECS[0], good=3), TICK + 3 * MINUTE, {ONE})
    assert board.endpoint(ONE).health is health
    assert row(board.publish(TICK + 3 * MINUTE), ONE)["uptime"]["1h"]["ok"] == 3


def test_the_incident_of_a_renamed_endpoint_goes_on_under_the_present_id() -> None:
    board = make_board(*SPECS)
    board.restore_incidents([open_incident(ONE)])
    new = make_spec("new:one", aliases=(ONE,))
    other = configured(new)
    other.restore_incidents([replace(open_incident(ONE), endpoint="new:one")])
    assert board.apply(other, TICK, {"new:one"}) == ()
    assert [each.endpoint for each in board.states().incidents] == ["new:one"]


def test_the_incident_of_an_endpoint_that_was_merged_into_another_ends_under_the_present_id() -> None:
    board = make_board(*SPECS)
    board.restore_incidents([open_incident(ONE), open_incident(TWO)])
    (ended,) = board.apply(configured(replace(SPECS[1], aliases=(ONE,))), TICK)
    assert (ended.id, ended.endpoint, ended.ended_at) == (open_incident(ONE).id, TWO, open_incident(ONE).last_at)


def test_what_was_replaced_is_freed_in_steps() -> None:
    board = make_board(*SPECS)
    board.apply(configured(make_spec("new:one")), TICK)
    assert len(list(board.release_in_steps())) == 2 * len(SPECS) + 1
    assert list(board.release_in_steps()) == []
    assert [*board.publish(TICK).rows] == ["new:one"]


def test_a_row_that_is_asked_for_under_a_name_that_is_gone_is_not_rendered() -> None:
    board = make_board(*SPECS)
    names = board.overdue(TICK + 10 * MINUTE)
    board.apply(configured(make_spec("new:one")), TICK)
    board.render(names, TICK)
    assert board.unrendered == ["new:one"]


def test_very_many_statuses_that_time_may_change_are_looked_at_over_several_commits() -> None:
    specs = [make_spec(f"p:m{number}") for number in range(250)]
    board = make_board(*specs)
    board.absorb([sample_at(TICK, name=spec.endpoint.id) for spec in specs])
    board.publish(TICK)
    late = TICK + 60 * MINUTE
    assert [len(board.commit(late)) for _ in range(3)] == [200, 50, 0]
