"""The scoreboard: one step from absorbed to published, filters, entity tags, going on after a restart."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.model import ScoringSpec
from monitor.publish.board import Board, Filter, Snapshot, select
from monitor.score.habit import Habits
from monitor.score.state import health_from_text
from monitor.score.windows import WINDOWS
from monitor.status import Status
from probes._model import Blame, ErrorClass, Sample, Task
from tests.unit.publish.values import first_tick, make_board, make_spec, sample_at
from tests.unit.score.values import START, unhurried
from tests.unit.store.incidents import make_incident

MINUTE = timedelta(minutes=1)
TICK = first_tick()
ONE, TWO = "groq:llama", "my-vllm:llama"
SPECS = (make_spec(ONE), make_spec(TWO, model="other/model"))


def ids(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["endpoints"]]


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
    second = board.publish(TICK + 60 * MINUTE)
    assert row(second, ONE)["uptime"]["5m"]["expected"] == 5
    assert second.rows[TWO] is first.rows[TWO]
    assert second.rows[TWO].status is Status.UP
    third = board.publish(TICK + 60 * MINUTE)
    assert third.rows == second.rows
    swept = board.publish(TICK + 60 * MINUTE, sweep=True)
    assert (swept.rows[TWO].status, swept.rows[ONE].body) == (Status.UNKNOWN, second.rows[ONE].body)


def test_the_order_of_the_configuration_is_kept_whatever_is_touched() -> None:
    board = make_board(*SPECS)
    board.absorb([sample_at(TICK, name=TWO)])
    assert ids(board.publish(TICK).body) == [ONE, TWO]


def test_a_sample_of_an_endpoint_that_is_not_configured_changes_nothing() -> None:
    board = make_board(*SPECS)
    absorbed = board.absorb([sample_at(TICK, name="gone:model")])
    assert (absorbed.states, absorbed.confirm) == ({}, ())
    assert ids(board.publish(TICK).body) == [ONE, TWO]


def test_absorbing_gives_the_new_state_of_each_endpoint_that_had_a_sample() -> None:
    board = make_board(*SPECS)
    absorbed = board.absorb([sample_at(TICK), sample_at(TICK + MINUTE, ErrorClass.DNS)])
    assert set(absorbed.states) == {ONE}
    health = health_from_text(absorbed.states[ONE])
    assert health is not None
    assert (health.failures, health.measured_at) == (1, (TICK + MINUTE + timedelta(milliseconds=3)))


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([ErrorClass.DNS], (ONE,)),
        ([None, ErrorClass.DNS], (ONE,)),
        ([ErrorClass.DNS, None], ()),
        ([ErrorClass.DNS, ErrorClass.DNS], ()),
        ([ErrorClass.AUTH], ()),
    ],
)
def test_confirmation_is_asked_for_as_the_newest_sample_wants(
    errors: list[ErrorClass | None], wanted: tuple[str, ...]
) -> None:
    board = make_board(*SPECS)
    samples = [sample_at(TICK + place * MINUTE, error) for place, error in enumerate(errors)]
    assert board.absorb(samples).confirm == wanted


def test_confirmations_come_in_a_fixed_order() -> None:
    board = make_board(*SPECS)
    samples = [sample_at(TICK, ErrorClass.DNS, name) for name in (TWO, ONE)]
    assert board.absorb(samples).confirm == (ONE, TWO)


def test_wrong_answers_count_as_the_configuration_says() -> None:
    for count, status in ((True, Status.DEGRADED), (False, Status.UP)):
        board = make_board(*SPECS, scoring=ScoringSpec(count_wrong_answers=count))
        board.absorb([sample_at(TICK, ErrorClass.WRONG_ANSWER)])
        assert board.publish(TICK).rows[ONE].status is status


def test_a_moved_blame_is_published_with_the_status_that_follows_from_it() -> None:
    board = make_board(*SPECS, scoring=ScoringSpec(blame={ErrorClass.AUTH: Blame.PROVIDER}))
    board.absorb([sample_at(TICK + place * MINUTE, ErrorClass.AUTH, status_code=401) for place in range(2)])
    found = row(board.publish(TICK + 2 * MINUTE), ONE)
    assert (found["status"], found["account"]) == ("down", None)
    assert (found["last_error"]["class"], found["last_error"]["blame"]) == ("auth", "provider")


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
        (Filter(), ["a:up", "b:down", "c:unknown"]),
        (Filter(model="m/one"), ["a:up", "b:down"]),
        (Filter(model="m"), []),
        (Filter(provider="b"), ["b:down"]),
        (Filter(status="unknown"), ["c:unknown"]),
        (Filter(status="paused"), []),
        (Filter(min_score=0.0), ["a:up", "b:down", "c:unknown"]),
        (Filter(min_score=0.9), ["a:up", "c:unknown"]),
        (Filter(min_score=1.0), ["c:unknown"]),
        (Filter(model="m/one", status="down", provider="b", min_score=0.1), ["b:down"]),
        (Filter(model="m/two", status="down"), []),
    ],
    ids=str,
)
def test_a_filter_passes_what_is_wanted_and_never_hides_an_unknown_score(wanted: Filter, found: list[str]) -> None:
    board = make_board(
        make_spec("a:up", model="m/one"), make_spec("b:down", model="m/one"), make_spec("c:unknown", model="m/two")
    )
    for number in range(5):
        at = TICK + number * MINUTE
        board.absorb([sample_at(at, name="a:up"), sample_at(at, ErrorClass.CONNECT, "b:down")])
    snapshot = board.publish(TICK + 5 * MINUTE, sweep=True)
    assert ids(select(snapshot, wanted)) == found


def test_a_filtered_document_has_the_head_of_the_whole_one() -> None:
    snapshot = make_board(*SPECS).snapshot
    whole, none = json.loads(snapshot.body), json.loads(select(snapshot, Filter(provider="nobody")))
    assert none == {**whole, "endpoints": []}
    assert select(snapshot, Filter()) == snapshot.body


# Restart


def restarted(board: Board, stored: list[Sample], states: dict[str, str], now: datetime) -> Board:
    """A new board, filled as the daemon fills it from a store that holds these samples."""
    fresh = make_board(*SPECS, now=now)
    first_seen = {
        name: min(each.started_at for each in stored if each.endpoint == name)
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
    fresh.restore_recent([each for each in stored if each.started_at >= now - 30 * MINUTE])
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
        assert after == before


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"version":99}'])
def test_an_unreadable_state_costs_one_endpoint_its_judgement_and_nothing_else(text: str) -> None:
    board = make_board(*SPECS)
    states = dict(board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)]).states)
    fresh = make_board(*SPECS)
    fresh.restore_states({**states, ONE: text}, {ONE: TICK})
    snapshot = fresh.publish(TICK + MINUTE, sweep=True)
    assert (snapshot.rows[ONE].status, snapshot.rows[TWO].status) == (Status.UNKNOWN, Status.UP)
    assert row(snapshot, ONE)["uptime"]["5m"]["expected"] == 1


def test_a_board_goes_on_from_the_open_incidents_of_its_endpoints_and_forgets_others() -> None:
    board = make_board(*SPECS)
    first, second = (make_incident(number, endpoint=ONE) for number in (1, 2))
    board.restore_incidents([first])
    board.restore_incidents([second, make_incident(3, endpoint="gone:x")])
    assert board._incidents == {second.id: second}


def test_samples_that_speak_against_nobody_bring_no_incident() -> None:
    assert make_board(*SPECS).absorb([sample_at(TICK)]).incidents == ()


def test_what_is_stored_of_endpoints_that_are_gone_is_passed_over() -> None:
    board = make_board(*SPECS)
    states = board.absorb([sample_at(TICK)]).states
    board.restore_states({"gone:model": states[ONE]}, {"gone:model": TICK})
    board.restore_counts(1, "gone:model", TICK, task=Task.CHAT, error=None, count=3)
    board.restore_recent([replace(sample_at(TICK), endpoint="gone:model")])
    assert ids(board.publish(TICK, sweep=True).body) == [ONE, TWO]


def test_a_habit_is_its_endpoints_and_publishes_nothing() -> None:
    board = make_board(*SPECS)
    before = board.snapshot
    assert {name: book.habits for name, book in board._books.items()} == {ONE: None, TWO: None}
    habits = Habits(hour=TICK, task=Task.CHAT)
    for name in (TWO, "gone:model"):
        board.habits(name, habits)
    assert {name: book.habits for name, book in board._books.items()} == {ONE: None, TWO: habits}
    assert board.snapshot is before


def test_a_snapshot_sums_up_its_statuses_in_a_line() -> None:
    board = make_board(*SPECS, make_spec("off:one", enabled=False))
    assert board.snapshot.summary == "2 unknown, 1 paused"
    board.absorb([sample_at(TICK), sample_at(TICK, name=TWO)])
    assert board.publish(TICK).summary == "2 up, 1 paused"
    assert make_board().snapshot.summary == "no endpoints"


def test_the_snapshots_vantage_is_the_configurations() -> None:
    board = make_board(*SPECS, vantage="fra1")
    assert (board.snapshot.vantage, json.loads(board.snapshot.body)["vantage"]) == ("fra1", "fra1")
