"""Real traffic on the scoreboard: the published figures, and the requested probes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.config.model import ProbeSpec, Slo
from monitor.domain.status import Status
from monitor.scoreboard.board import Board
from monitor.scoreboard.scoring import scoring_params
from probes._model import ErrorClass, Task
from tests.support.board_values import first_tick, make_board, make_config, make_spec, sample_at
from tests.unit.traffic.values import NAME, burst, make_call, steady

TWIN, ELSEWHERE = "groq:mixtral", "my-vllm:llama"
SPECS = (make_spec(NAME), make_spec(TWIN), make_spec(ELSEWHERE))
TICK = first_tick(*SPECS)
MINUTE = timedelta(minutes=1)
S = (TICK - make_call(0).at).total_seconds()
"""Seconds from the calls' beginning to the first tick."""


@pytest.fixture
def board() -> Board:
    """All are well; probed for half an hour."""
    made = make_board(*SPECS)
    made.absorb(sample_at(TICK + n * MINUTE, name=spec.endpoint.id) for n in range(30) for spec in SPECS)
    return made


def row(board: Board, name: str = NAME, minutes: float = 29.5) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(board.publish(TICK + minutes * MINUTE, sweep=True).rows[name].body)
    return found


NONE = {"ok": 0, "failed": 0, "rate_limited": 0, "account": 0}


def test_without_traffic_the_source_is_synthetic(board: Board) -> None:
    assert (row(board)["source"], row(board)["traffic"]) == ("synthetic", None)


def test_both_together_are_mixed_and_expected_is_of_probes_alone(board: Board) -> None:
    before = row(board)["uptime"]["30m"]
    board.absorb([], steady(2, int(S) + 1_700, int(S) + 1_710, [None, ErrorClass.RATE_LIMITED]))
    found = row(board)
    assert found["source"] == "mixed"
    assert found["traffic"]["30m"] == {**NONE, "ok": 10, "rate_limited": 10}
    after = found["uptime"]["30m"]
    assert after == {**before, "ok": before["ok"] + 10, "rate_limited": 10, "ci95": after["ci95"]}
    assert found["evidence"] == 40


def test_what_was_never_probed_rests_on_traffic(board: Board) -> None:
    fresh = make_board(*SPECS)
    fresh.absorb([], [make_call(S), make_call(S + 1, ErrorClass.AUTH)])
    found = row(fresh, minutes=1)
    assert (found["source"], found["status"], found["uptime"]["5m"]["expected"]) == ("traffic", "up", 0)
    assert found["traffic"]["5m"] == {**NONE, "ok": 1, "account": 1}


def test_after_half_an_hour_without_the_source_is_synthetic_again_and_the_day_still_tells(board: Board) -> None:
    board.absorb([], [make_call(S)])
    board.absorb(sample_at(TICK + n * MINUTE) for n in range(30, 40))
    found = row(board, minutes=40)
    assert found["source"] == "synthetic"
    assert (found["traffic"]["30m"], found["traffic"]["1d"]) == (NONE, {**NONE, "ok": 1})


def test_a_failure_asks_for_a_probe_at_once_as_a_probes_failure_does(board: Board) -> None:
    other = make_board(*SPECS)
    other.absorb(sample_at(TICK + n * MINUTE, name=spec.endpoint.id) for n in range(30) for spec in SPECS)
    call = make_call(S + 29.5 * 60, ErrorClass.OVERLOADED)
    sample = replace(sample_at(TICK, ErrorClass.OVERLOADED), started_at=call.at)
    asked, reported = other.absorb([sample]), board.absorb([], [call])
    assert reported.due == asked.due == {NAME: call.at}
    assert reported.states == asked.states


def test_successes_and_what_does_not_count_ask_for_none(board: Board) -> None:
    calls = steady(3, int(S) + 1_760, int(S) + 1_770, [None, ErrorClass.RATE_LIMITED, ErrorClass.AUTH])
    assert board.absorb([], calls).due == {}


def test_a_fall_by_traffic_updates_the_providers_siblings_and_no_other_endpoint(board: Board) -> None:
    absorbed = board.absorb([], steady(2, int(S) + 1_760, int(S) + 1_772, [ErrorClass.CONNECT]))
    assert row(board)["status"] == Status.DOWN
    assert {NAME, TWIN} <= absorbed.due.keys()
    assert ELSEWHERE not in absorbed.due
    assert {incident.endpoint: incident.cause for incident in absorbed.incidents} == {NAME: "connect"}
    assert row(board, TWIN)["score"] < row(board, ELSEWHERE)["score"] - 0.2


def test_traffic_of_endpoints_that_are_not_configured_changes_nothing(board: Board) -> None:
    absorbed = board.absorb([], [replace(call, endpoint="gone:gone") for call in burst(3, S + 1_770)])
    assert (absorbed.states, absorbed.due, absorbed.incidents) == ({}, {}, [])
    board.restore_traffic(300, "gone:gone", TICK, error=None, count=3)


def test_traffic_of_a_maintenance_changes_nothing(board: Board) -> None:
    absorbed = board.absorb([], [replace(call, judges=False) for call in burst(3, S + 1_770, ErrorClass.DNS)])
    assert (absorbed.states, row(board)["traffic"]) == ({}, None)


def test_stored_counts_are_published(board: Board) -> None:
    board.restore_traffic(300, NAME, TICK, error=ErrorClass.OVERLOADED, count=3)
    assert row(board)["traffic"] == {**dict.fromkeys(("5m", "30m", "1h", "7d", "30d", "90d"), NONE),
                                     "1d": {**NONE, "failed": 3}}  # fmt: skip


def test_traffic_is_held_to_the_slo_of_the_probe_that_is_paid_for() -> None:
    def slo_of(*probes: ProbeSpec) -> float | None:
        spec = make_spec(probes=tuple(probe.name for probe in probes))
        return scoring_params(make_config(spec, probes={probe.name: probe for probe in probes}), spec).ttft_slo_s

    chat = ProbeSpec(name="chat", task=Task.CHAT, slo=Slo(ttft_s=2))
    reach = ProbeSpec(name="reach", task=Task.REACH, every_s=5, slo=Slo(ttft_s=0.1))
    vector = ProbeSpec(name="vector", task=Task.EMBEDDING, slo=Slo(ttft_s=1))
    assert [slo_of(chat), slo_of(reach, chat), slo_of(vector), slo_of(reach)] == [2, 2, None, None]
