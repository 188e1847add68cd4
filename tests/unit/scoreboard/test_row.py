"""The scores document against a JSON Schema written from the specification, and row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.config.model import ProbeSpec, ScoringSpec, Slo
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.scoreboard.board import Board
from monitor.scoreboard.schema import scores_schema
from monitor.scoreboard.snapshot import document
from probes._model import Blame, Endpoint, ErrorClass, Sample, Secret, Task
from probes._serialize import timestamp
from tests.support.board_values import CHAT, first_tick, make_board, make_spec, row_of, sample_at
from tests.unit.score.values import START, unhurried

SCHEMA = json.loads((Path(__file__).parent / "scores.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
PUBLISHED = Draft202012Validator(scores_schema(closed=True))
"""That which is made of the code's types."""
MINUTE = timedelta(minutes=1)
PROBES = {
    "chat": CHAT,
    "tools": ProbeSpec(name="tools", task=Task.TOOL_CALL),
    "vector": ProbeSpec(name="vector", task=Task.EMBEDDING),
    "reach": ProbeSpec(name="reach", task=Task.REACH),
}
TICK = first_tick()


def valid(body: bytes) -> dict[str, Any]:
    """The document, which is valid and strict JSON."""
    plain = json.loads(body, parse_constant=pytest.fail)
    VALIDATOR.validate(plain)
    PUBLISHED.validate(plain)
    for row in plain["endpoints"]:
        for counts in row["uptime"].values():
            if counts["ratio"] is not None:
                low, high = counts["ci95"]
                assert low <= counts["ratio"] <= high
        for name in ("ttft_s", "ttat_s", "e2e_s", "itl_s", "output_tps", "e2e_tps"):
            known = [row[name][share] for share in ("p50", "p75", "p90", "p99") if row[name][share] is not None]
            assert known == sorted(known)
    assert isinstance(plain, dict)
    return plain


def published(board: Board, now: datetime = TICK) -> dict[str, Any]:
    return valid(board.publish(now, sweep=True).body)


def ticks(number: int, error: ErrorClass | None = None) -> list[Sample]:
    return [sample_at(TICK + place * MINUTE, error) for place in range(number)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_document_of_no_endpoints_is_valid() -> None:
    assert published(make_board())["endpoints"] == []


def test_a_document_of_an_endpoint_that_was_never_probed_is_valid() -> None:
    (row,) = published(make_board(make_spec()))["endpoints"]
    assert (row["status"], row["score"], row["evidence"], row["last_error"]) == ("unknown", None, 0, None)
    assert {counts["expected"] for counts in row["uptime"].values()} == {0}


def test_a_document_of_many_endpoints_is_valid_and_keeps_their_order() -> None:
    specs = [make_spec(f"p{number % 7}:m/{number}") for number in range(100)]
    board = make_board(*specs)
    for number in range(0, 100, 3):
        board.absorb([sample_at(TICK, None if number % 2 else ErrorClass.STALLED, f"p{number % 7}:m/{number}")])
    assert [row["id"] for row in published(board)["endpoints"]] == [spec.endpoint.id for spec in specs]


@pytest.mark.parametrize(
    "name",
    ['say "hi":\\m', "日本:模型", "p:meta-llama/llama-3.2/x", "p:\u2028\U0001f600", "p:%2F?&#<script>", "p:\x7f"],
)
def test_an_id_of_any_characters_comes_out_as_it_is(name: str) -> None:
    board = make_board(make_spec(name, labels={name: name}, router_ids={name: name}))
    board.absorb([sample_at(TICK, name=name)])
    (row,) = published(board)["endpoints"]
    assert (row["id"], row["labels"], row["router_ids"]) == (name, {name: name}, {name: name})


def test_the_head_says_what_it_is_and_when_it_was_made() -> None:
    east = START.replace(microsecond=123_999).astimezone(timezone(timedelta(hours=9)))
    plain = valid(document('fra"1', east, []))
    assert plain == {
        "schema": "providerwatch/scores/v1",
        "generated_at": "2026-11-22T07:00:00.123Z",
        "vantage": 'fra"1',
        "max_age_s": 120,
        "endpoints": [],
    }


def test_a_row_says_everything_about_its_endpoint() -> None:
    samples = [*ticks(4), sample_at(TICK + 4 * MINUTE, ErrorClass.OVERLOADED, status_code=529, detail="busy")]
    row = row_of(samples, TICK + 4.5 * MINUTE)
    at = [f"{moment.isoformat(timespec='microseconds')}Z" for moment in
          (sample.started_at.replace(tzinfo=None) for sample in samples)]  # fmt: skip
    stale_after = samples[-1].started_at + timedelta(seconds=3 * 60 + 30)
    window = {"ratio": 0.8, "ci95": [0.375535, 0.963776], "ok": 4, "failed": 1, "rate_limited": 0, "account": 0,
              "monitor": 0, "network": 0, "expected": 5}  # fmt: skip
    score = row.pop("score")
    low, high = row.pop("confidence")
    assert 0.8 < score < 0.95
    assert low < score < high
    quantiles = dict.fromkeys(("p50", "p75", "p90", "p99"))

    def all_alike(value: float, *, inflated: bool = True) -> dict[str, Any]:
        plain: dict[str, Any] = {"window": "30m", "count": 4, **dict.fromkeys(quantiles, value)}
        return {**plain, "failure_inflated": {**quantiles, "p50": value, "p75": value}} if inflated else plain

    assert row == {
        "id": "groq:llama",
        "provider": "groq",
        "model": "meta-llama/llama-3.2-1b-instruct",
        "api": "openai_chat",
        "status": "up",
        "since": at[0],
        "evidence": 5,
        "account": None,
        "maintenance": None,
        "measured_at": at[4],
        "stale_after": f"{stale_after.replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
        "source": "synthetic",
        "traffic": None,
        "uptime": dict.fromkeys(("5m", "30m", "1h", "1d", "7d", "30d", "90d"), window),
        "ttft_s": all_alike(0.2),
        "ttat_s": all_alike(0.25),
        "e2e_s": all_alike(1.2),
        "itl_s": all_alike(0.02),
        "output_tps": all_alike(50.0, inflated=False),
        "e2e_tps": all_alike(42.5, inflated=False),
        "tool_call_error_ratio": None,
        "structured_output_error_ratio": None,
        "last_error": {"class": "overloaded", "blame": "provider", "at": at[4], "status_code": 529},
        "pricing": {"prompt_usd_per_mtok": 0.027, "completion_usd_per_mtok": 0.2},
        "context_length": 60_000,
        "labels": {"region": "us"},
        "router_ids": {"litellm": "dep-17"},
    }


def test_what_is_not_configured_is_null_or_empty() -> None:
    plain = make_spec()
    spec = replace(
        plain,
        endpoint=replace(plain.endpoint, pricing=None),
        context_length=None,
        labels={},
        router_ids={},
    )
    row = row_of([], TICK, spec)
    assert (row["pricing"], row["context_length"], row["labels"], row["router_ids"]) == (None, None, {}, {})


def test_a_secret_is_nowhere_in_the_document() -> None:
    plain = make_spec()
    key = Secret("sk-very-secret")
    endpoint = replace(plain.endpoint, api_key=key, headers=(("x-key", key),), base_url="http://u:sk-very-secret@h/")
    board = make_board(replace(plain, endpoint=endpoint))
    board.absorb([sample_at(TICK, ErrorClass.AUTH, detail="sk-very-secret")])
    assert b"sk-very-secret" not in board.publish(TICK, sweep=True).body


# Account


def test_account_names_the_newest_class_since_the_first_refusal() -> None:
    samples = [
        *ticks(2),
        sample_at(TICK + 2 * MINUTE, ErrorClass.RATE_LIMITED, status_code=429),
        sample_at(TICK + 3 * MINUTE, ErrorClass.PAYMENT, status_code=402),
    ]
    row = row_of(samples, TICK + 3.5 * MINUTE)
    since = samples[2].started_at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    assert row["account"] == {"class": "payment", "since": since}
    assert row["last_error"]["blame"] == "account"
    assert row["status"] == "up"
    counts = row["uptime"]["5m"]
    assert (counts["ratio"], counts["rate_limited"], counts["account"], counts["expected"]) == (1.0, 1, 1, 4)
    assert (row["evidence"], row["ttft_s"]["failure_inflated"]["p99"]) == (2, 0.2)


def test_an_endpoint_with_account_errors_only_is_unknown_without_a_score() -> None:
    row = row_of(ticks(5, ErrorClass.AUTH), TICK + 5 * MINUTE)
    assert (row["status"], row["score"], row["measured_at"], row["evidence"]) == ("unknown", None, None, 0)
    assert row["account"]["class"] == "auth"
    assert row["uptime"]["30m"]["ratio"] is None


# Paused


def test_a_paused_endpoint_says_so_and_expects_nothing() -> None:
    board = make_board(make_spec(enabled=False), make_spec("other:one"))
    board.absorb(ticks(3))
    paused, other = published(board, TICK + 3 * MINUTE)["endpoints"]
    assert (paused["status"], other["status"]) == ("paused", "unknown")
    assert paused["uptime"]["5m"]["ok"] == 3
    assert paused["uptime"]["5m"]["expected"] == 0


# Expected


UNDER_WORK = make_spec(maintenance=(MaintenanceWindow(begin=TICK + 2 * MINUTE, end=TICK + 12 * MINUTE),))
"""From its third tick on ten ticks of the usual endpoint are left out."""


def in_work(minutes: float, *, count: int = 2, **fields: Any) -> dict[str, Any]:
    """The row so long after the first tick, of an endpoint that is in maintenance in between."""
    return row_of(ticks(count), TICK + minutes * MINUTE, replace(UNDER_WORK, **fields))


def moment(minutes: float) -> str:
    return timestamp(TICK + minutes * MINUTE)


def test_an_endpoint_in_maintenance_says_so_since_its_begin_and_keeps_its_score() -> None:
    row, usual = in_work(3), row_of(ticks(2), TICK + 3 * MINUTE)
    assert (row["status"], row["since"]) == ("maintenance", moment(2))
    assert row["maintenance"] == {"from": moment(2), "to": moment(12)}
    for name in ("score", "confidence", "stale_after", "measured_at", "ttft_s"):
        assert row[name] == usual[name]
    assert usual["maintenance"] is None


@pytest.mark.parametrize(
    ("minutes", "status", "announced"),
    [(1.9, "up", True), (2, "maintenance", True), (11.9, "maintenance", True), (12, "unknown", False)],
)
def test_maintenance_is_from_its_begin_to_before_its_end(minutes: float, status: str, announced: bool) -> None:
    row = in_work(minutes)
    assert (row["status"], row["maintenance"] is not None) == (status, announced)


def test_after_maintenance_nothing_is_known_since_its_end_until_the_first_tick() -> None:
    assert (in_work(12.5)["status"], in_work(12.5)["since"]) == ("unknown", moment(12))
    samples = [*ticks(2), sample_at(TICK + 12 * MINUTE)]
    row = row_of(samples, TICK + 12.5 * MINUTE, UNDER_WORK)
    assert (row["status"], row["since"]) == ("up", moment(12))


def test_paused_wins_over_maintenance() -> None:
    assert in_work(3, enabled=False)["status"] == "paused"


def test_an_endpoint_that_was_never_probed_can_be_in_maintenance() -> None:
    row = in_work(3, count=0)
    assert (row["status"], row["score"], row["since"]) == ("maintenance", None, moment(2))


@pytest.mark.parametrize(("minutes", "expected"), [(1.5, 2), (2.5, 2), (11.9, 2), (12.1, 3), (20.1, 11)])
def test_no_probe_is_expected_in_maintenance_so_uptime_is_as_if_it_had_not_been(minutes: float, expected: int) -> None:
    counts = in_work(minutes)["uptime"]["1h"]
    assert (counts["expected"], counts["ratio"], counts["ok"]) == (expected, 1.0, 2)


@pytest.mark.parametrize(("minutes", "expected"), [(0.01, 1), (0.99, 1), (1.01, 2), (4.5, 5), (5.01, 5), (100.5, 5)])
def test_expected_counts_the_ticks_of_the_window_from_the_first_on(minutes: float, expected: int) -> None:
    assert row_of(ticks(1), TICK + minutes * MINUTE)["uptime"]["5m"]["expected"] == expected


def test_a_monitor_that_probed_every_tick_counts_what_is_expected() -> None:
    for number in (1, 2, 7, 40):
        row = row_of(ticks(number), TICK + (number - 0.5) * MINUTE)
        for name in ("30m", "1d", "90d"):
            counts = row["uptime"][name]
            assert counts["ok"] == counts["expected"] == (min(number, 30) if name == "30m" else number)


def test_a_dead_monitor_lowers_counted_and_never_raises_uptime() -> None:
    samples = [*ticks(5), sample_at(TICK + 5 * MINUTE, ErrorClass.SERVER_ERROR)]
    alive, dead = row_of(samples, TICK + 5.5 * MINUTE), row_of(samples, TICK + 20.5 * MINUTE)
    before, now = alive["uptime"]["30m"], dead["uptime"]["30m"]
    assert (before["expected"], now["expected"]) == (6, 21)
    assert now["ratio"] == before["ratio"] == round(5 / 6, 6)


def test_every_probe_of_an_endpoint_is_expected() -> None:
    probes = {"chat": CHAT, "long": ProbeSpec(name="long", task=Task.CHAT, every_s=20, slo=Slo())}
    spec = make_spec(probes=("chat", "long"))
    row = row_of(ticks(1), TICK + 30.5 * MINUTE, spec, probes=probes)
    assert row["uptime"]["30m"]["expected"] == 30 + 90


def test_the_monitors_own_faults_are_counted_beside() -> None:
    samples = [
        *ticks(1),
        sample_at(TICK + MINUTE, ErrorClass.OVERRUN, lag_s=None),
        sample_at(TICK + 2 * MINUTE, ErrorClass.VANTAGE_OFFLINE),
    ]
    counts = row_of(samples, TICK + 2.5 * MINUTE)["uptime"]["5m"]
    assert (counts["ok"], counts["monitor"], counts["network"], counts["expected"]) == (1, 1, 1, 3)


# Tasks


def test_times_and_speeds_are_chats_wherever_an_endpoint_has_a_chat_probe() -> None:
    spec = make_spec(probes=("tools", "reach", "chat"))
    samples = [
        *ticks(3),
        *(sample_at(TICK, task=task, probe=task, ttft_s=9.0, output_tps=1.0) for task in set(Task) - {Task.CHAT}),
    ]
    row = row_of(samples, TICK + 4 * MINUTE, spec, probes=PROBES)
    assert [(row[name]["count"], row[name]["p99"]) for name in ("ttft_s", "output_tps")] == [(3, 0.2), (3, 50.0)]
    assert row["uptime"]["5m"]["ok"] == 7


def test_without_a_chat_probe_times_are_those_of_the_first_probes_task() -> None:
    samples = [sample_at(TICK, task=task, probe=task, e2e_s=float(place)) for place, task in enumerate(Task)]
    for probes, task in (
        (("vector", "reach"), Task.EMBEDDING),
        (("reach", "vector"), Task.REACH),
        (("tools",), Task.TOOL_CALL),
    ):
        row = row_of(samples, TICK + MINUTE, make_spec(probes=probes), probes=PROBES)
        assert (row["e2e_s"]["count"], row["e2e_s"]["p50"]) == (1, float(list(Task).index(task)))


@pytest.mark.parametrize("task", [Task.TOOL_CALL, Task.STRUCTURED_OUTPUT])
def test_the_error_ratio_of_a_task_is_published_once_it_was_asked(task: Task) -> None:
    errors = [None, ErrorClass.WRONG_ANSWER, ErrorClass.AUTH, None, ErrorClass.OVERLOADED, None]
    samples = [sample_at(TICK + place * MINUTE, error, task=task) for place, error in enumerate(errors)]
    board = make_board(make_spec(), scoring=ScoringSpec(count_wrong_answers=False))
    board.absorb([*ticks(10, ErrorClass.DNS), *samples])
    (row,) = published(board, TICK + 10 * MINUTE)["endpoints"]
    found = {each: row[f"{each}_error_ratio"] for each in ("tool_call", "structured_output")}
    assert found == {"tool_call": None, "structured_output": None, task.value: 0.4}


@pytest.mark.parametrize(
    ("task", "judged"),
    [
        (Task.CHAT, True),
        (Task.TOOL_CALL, True),
        (Task.STRUCTURED_OUTPUT, True),
        (Task.EMBEDDING, False),
        (Task.REACH, False),
    ],
)
def test_an_slo_is_of_tasks_that_generate(task: Task, judged: bool) -> None:
    """A vector has neither a first token nor a speed, whatever its probe's SLO says."""
    met = row_of([replace(tick, task=task) for tick in ticks(5)], TICK + 4.5 * MINUTE)
    row = row_of([replace(each, task=task, ttft_s=9.0, output_tps=0.1) for each in ticks(5)], TICK + 4.5 * MINUTE)
    assert (row["score"] < met["score"]) is judged


# Staleness, SLO


def test_a_stale_row_is_unknown_and_keeps_its_figures() -> None:
    row = row_of(ticks(10), TICK + 30 * MINUTE)
    assert row["status"] == "unknown"
    assert row["since"] == row["stale_after"]
    assert row["score"] > 0.9
    assert row["uptime"]["1h"]["ok"] == 10


@pytest.mark.parametrize(
    ("fields", "slow"),
    [
        ({"ttft_s": 2.0}, False),
        ({"ttft_s": 2.001}, True),
        ({"output_tps": 20.0}, False),
        ({"output_tps": 19.9}, True),
        ({"ttft_s": None, "output_tps": None}, False),
    ],
)
def test_an_slo_miss_lowers_the_score_and_not_uptime(fields: dict[str, float | None], slow: bool) -> None:
    met = row_of(ticks(5), TICK + 4.5 * MINUTE)
    row = row_of([replace(tick, **fields) for tick in ticks(5)], TICK + 4.5 * MINUTE)  # type: ignore[arg-type]
    assert (row["score"] < met["score"]) is slow
    assert row["uptime"] == met["uptime"]


def test_the_sample_of_a_probe_that_is_not_configured_any_more_has_no_slo_to_miss() -> None:
    samples = [replace(tick, probe="gone", ttft_s=9.0) for tick in ticks(5)]
    assert row_of(samples, TICK + 4.5 * MINUTE)["score"] == row_of(ticks(5), TICK + 4.5 * MINUTE)["score"]


def test_a_row_value_carries_what_metrics_need() -> None:
    board = make_board(make_spec())
    board.absorb(ticks(1))
    row = board.publish(TICK + MINUTE).rows["groq:llama"]
    assert (row.id, row.provider, row.model, row.api) == (
        "groq:llama",
        "groq",
        "meta-llama/llama-3.2-1b-instruct",
        "openai_chat",
    )
    assert row.status is Status.UP
    assert row.uptime == dict.fromkeys(("5m", "30m", "1h", "1d", "7d", "30d", "90d"), 1.0)
    assert json.loads(row.body)["score"] == round(row.score or 0, 6)


some_names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
some_samples = st.lists(
    st.builds(
        lambda minute, task, error, ttft_s, tps: sample_at(
            TICK + minute * MINUTE, error, task=task, ttft_s=ttft_s, output_tps=tps, e2e_s=None
        ),
        st.integers(-60 * 24 * 100, 60),
        st.sampled_from(Task),
        st.none() | st.sampled_from(ErrorClass),
        st.none() | st.floats(0, 1e5),
        st.none() | st.floats(0, 1e5),
    ),
    max_size=30,
)
some_moves = st.dictionaries(
    st.sampled_from([each for each in ErrorClass if each.blame in {Blame.PROVIDER, Blame.ACCOUNT}]),
    st.sampled_from([Blame.PROVIDER, Blame.ACCOUNT]),
    max_size=4,
)


@unhurried
@given(some_samples, some_names, st.integers(0, 200), st.booleans(), some_moves)
def test_whatever_was_probed_the_document_is_valid(
    samples: Iterable[Sample], name: str, minutes: int, enabled: bool, overrides: dict[ErrorClass, Blame]
) -> None:
    spec = make_spec(enabled=enabled)
    odd = replace(
        spec,
        endpoint=Endpoint(id=name, provider=name, model=name, api="openai_chat", base_url="http://h"),
        model=name,
    )
    scoring = ScoringSpec(blame=overrides)
    board = make_board(spec, *([odd] if name != "groq:llama" else []), scoring=scoring)
    board.absorb([*samples, *(replace(sample, endpoint=name) for sample in samples)])
    published(board, TICK + minutes * MINUTE)
