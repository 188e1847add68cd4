"""A restart restores from a real store: error ratios of tasks, and blame by the present configuration."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.config.model import Config, MetricsDetail, ProbeSpec, ScoringSpec
from monitor.metrics.metrics import Metrics
from monitor.pipeline.restore import restore
from monitor.scheduler.jobs import enabled_jobs
from monitor.score.blame import BlameOverrides, blamed
from monitor.scoreboard.board import Board
from monitor.store import Store
from probes._model import Blame, ErrorClass, Sample, Task
from tests.support.board_values import CHAT, make_config, make_spec, sample_at

NAME = "groq:llama"
PROBES = {
    "chat": CHAT,
    "tools": ProbeSpec(name="tools", task=Task.TOOL_CALL),
    "json": ProbeSpec(name="json", task=Task.STRUCTURED_OUTPUT),
}
MOVED: BlameOverrides = {ErrorClass.PAYMENT: Blame.PROVIDER, ErrorClass.OVERLOADED: Blame.ACCOUNT}
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def config(moved: BlameOverrides, *, count_wrong_answers: bool = True) -> Config:
    scoring = ScoringSpec(blame=moved, count_wrong_answers=count_wrong_answers)
    return make_config(make_spec(NAME, probes=tuple(PROBES)), probes=PROBES, scoring=scoring)


def history() -> list[Sample]:
    """Samples of all three tasks over two days, of successes, wrong answers, refusals and failures."""
    wrong, payment = ErrorClass.WRONG_ANSWER, ErrorClass.PAYMENT
    errors = [None, None, wrong, payment, payment, ErrorClass.OVERLOADED, ErrorClass.RATE_LIMITED]
    tasks = [probe.task for probe in PROBES.values()]
    return [
        replace(
            sample_at(NOW - timedelta(minutes=13 * number), errors[number * 5 % 7], task=tasks[number % 3]),
            id=f"{number:016x}",
        )
        for number in range(220)
    ]


async def kept(store: Store, config: Config) -> dict[str, Any]:
    """The row after all of `history` came in, as the daemon lets it in; all of it is stored."""
    board = Board(config, enabled_jobs(config), NOW - timedelta(days=3))
    samples = [blamed(sample, config.scoring.blame) for sample in reversed(history())]
    for sample in samples:
        await store.append([sample], board.absorb([sample]).states)
    return row(board)


async def restarted(store: Store, config: Config) -> dict[str, Any]:
    board = Board(config, enabled_jobs(config), NOW)
    await restore(board, store, NOW)
    return row(board)


def row(board: Board) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(board.publish(NOW, sweep=True).rows[NAME].body)
    return found


@pytest.mark.parametrize("moved", [{}, MOVED], ids=["as published", "moved"])
async def test_a_restart_publishes_the_same_row(store: Store, moved: BlameOverrides) -> None:
    before = await kept(store, config(moved))
    after = await restarted(store, config(moved))
    assert 0 < before["tool_call_error_ratio"] < 1
    assert 0 < before["structured_output_error_ratio"] < 1
    assert after == before


async def test_a_blame_that_is_overridden_later_is_overridden_in_the_past_as_well(store: Store) -> None:
    fresh = await kept(store, config(MOVED))
    plain = await restarted(store, config({}))
    again = await restarted(store, config(MOVED))
    assert (again["uptime"], again["ttft_s"]) == (fresh["uptime"], fresh["ttft_s"])
    window, moved_window = plain["uptime"]["1d"], again["uptime"]["1d"]
    assert window["failed"] + window["account"] == moved_window["failed"] + moved_window["account"]
    assert window["ratio"] != moved_window["ratio"]
    assert plain["last_error"]["blame"] != again["last_error"]["blame"]
    assert plain["tool_call_error_ratio"] != again["tool_call_error_ratio"]


async def test_wrong_answers_that_do_not_count_are_errors_of_their_task_after_a_restart_too(store: Store) -> None:
    before = await kept(store, config({}, count_wrong_answers=False))
    after = await restarted(store, config({}, count_wrong_answers=False))
    assert after == before
    assert after["uptime"]["1d"]["ratio"] > 1 - after["tool_call_error_ratio"]


async def probes_total(metrics: Metrics) -> dict[str, int]:
    """By labels."""
    text = (await metrics.text(openmetrics=False)).decode()
    found = re.findall(r"^providerwatch_probes_total(\{.*\}) (\d+)$", text, re.MULTILINE)
    return {labels: int(count) for labels, count in found}


async def test_what_is_stored_and_what_is_counted_have_the_same_blame(store: Store) -> None:
    settings = config(MOVED)
    await kept(store, settings)
    board = Board(settings, enabled_jobs(settings), NOW)
    metrics = Metrics("1", lambda: board.snapshot, detail=MetricsDetail.FULL)
    for job in enabled_jobs(settings):
        metrics.expect(job.spec.endpoint, job.probe.task, settings.scoring.blame)
    before = metrics.registry.get_sample_value("providerwatch_skipped_total", {"reason": "skipped"})
    stored = await store.samples(NOW - timedelta(days=9))
    assert {sample.blame for sample in stored if sample.error is ErrorClass.PAYMENT} == {Blame.PROVIDER}
    assert {sample.blame for sample in stored if sample.error is ErrorClass.OVERLOADED} == {Blame.ACCOUNT}
    lines = await probes_total(metrics)
    for sample in stored:
        metrics.observe(sample, "groq")
    counts = await probes_total(metrics)
    counted = counts[f'{{blame="provider",endpoint="{NAME}",error="payment",task="chat"}}']
    assert counted == sum(sample.error is ErrorClass.PAYMENT and sample.task is Task.CHAT for sample in stored)
    assert (before, counts.keys()) == (0, lines.keys())


async def test_what_a_clock_ahead_has_dated_is_in_no_window_after_a_restart_and_gets_stale(store: Store) -> None:
    settings = config({})
    ahead = NOW + timedelta(days=30)
    board = Board(settings, enabled_jobs(settings), ahead)
    sample = sample_at(ahead)
    await store.append([sample], board.absorb([sample]).states)
    again = Board(settings, enabled_jobs(settings), NOW)
    await restore(again, store, NOW)
    published = row(again)
    assert published["measured_at"] <= published["stale_after"] < "2026-11-23"
    assert {window["ok"] for window in published["uptime"].values()} == {0}
    assert published["ttft_s"]["count"] == 0
