"""Workers that cannot be started, send invalid messages or end by themselves are replaced, and the pool continues."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from monitor.workers.pool import PoolSettings
from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import ROOT, run_to
from tests.integration.probes.provider import STREAM, Act, head, serving
from tests.integration.probes.watching import until
from tests.integration.workers.pools import supervised


def saying(folder: Path, words: bytes) -> PoolSettings:
    """Processes of which the first says this, and the later ones are real."""
    file = folder / "words"
    file.write_bytes(words)
    command = (sys.executable, "-m", "tests.integration.workers.garbled_worker", str(file))
    return PoolSettings(command=command, ping_s=0.1, silence_s=10, slowest_restart_s=0.2)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"nonsense\n", id="no JSON"),
        pytest.param(b"\xff\xfe\n", id="no UTF-8"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(b"null\n", id="null"),
        pytest.param(b"{}\n", id="neither answer nor pong"),
        pytest.param(b'{"pong": 0}\n', id="half a pong"),
        pytest.param(b'{"pong": 0, "loop_lag_s": "late"}\n', id="a pong of another shape"),
        pytest.param(b'{"key": [], "sample": {}}\n', id="a key that cannot be one"),
        pytest.param(b'{"count": ["1, 2, 3"]}\n', id="texts to count for no probe"),
        pytest.param(b"[" * 100_000 + b"\n", id="JSON too deep"),
        pytest.param(b"x" * (17 << 20), id="a line without end"),
    ],
)
async def test_a_process_that_sends_invalid_messages_is_replaced(
    tmp_path: Path, words: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with serving(Act.ASKED, head(), STREAM) as provider, caplog.at_level(logging.ERROR):
        async with supervised(settings=saying(tmp_path, words)) as watched:
            await until(lambda: watched.restarts)
            sample = await watched.pool.measure(run_to(provider.base_url))
            assert len(watched.restarts) == 1
    assert sample.error is None
    assert {getattr(record, "action", None) for record in caplog.records} == {"worker_garbled"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"{}", id="no fields"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"scheduled_at": 5, "started_at": 6}', id="fields of another shape"),
        pytest.param(b'{"id": "x", "unknown": 1}', id="unknown fields"),
    ],
)
async def test_an_answer_that_is_no_sample_is_the_monitors_fault(
    tmp_path: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = b'{"pong": 0, "loop_lag_s": 0.0}\n{"key": 0, "sample": %s}\n' % answer
    with serving(Act.ASKED, head(), STREAM) as provider:
        async with supervised(settings=saying(tmp_path, words)) as watched:
            probing = watched.pool.measure(run_to(provider.base_url))
            sample = await probing
    assert (sample.error, sample.blame, sample.endpoint) == (ErrorClass.INTERNAL, Blame.MONITOR, "scripted:tiny")
    assert sample.detail == "the worker sent an invalid sample"


async def test_an_answer_without_a_request_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with serving(Act.ASKED, head(), STREAM) as provider:
        async with supervised(settings=saying(tmp_path, b'{"key": 99, "sample": {}}\n')) as watched:
            await until(lambda: watched.pool.last_answer_s is not None)
            assert watched.restarts == []
            assert provider.visits == []


async def test_texts_whose_tokens_cannot_be_counted_do_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = b'{"pong": 0, "loop_lag_s": 0.0}\n{"count": [null], "key": 3}\n'
    with caplog.at_level(logging.ERROR):
        async with supervised(settings=saying(tmp_path, words)) as watched:
            await until(lambda: caplog.records)
            assert watched.restarts == []
    assert [getattr(record, "action", None) for record in caplog.records] == ["count_failed"]


async def test_what_was_begun_for_a_process_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = b'{"pong": 0, "loop_lag_s": 0.0}\n{"count": ["%s"], "key": 3}\nnonsense\n' % (b"1, 2, " * 100_000)
    async with supervised(settings=saying(tmp_path, words)) as watched:
        await until(lambda: watched.restarts)
        assert "count-tokens" not in {task.get_name() for task in asyncio.all_tasks()}
    assert {task.get_name() for task in asyncio.all_tasks()} & {"worker-ping", "worker-end"} == set()


async def test_a_process_that_cannot_be_started_is_tried_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    settings = PoolSettings(command=("/no/such/program",), slowest_restart_s=0.05)
    with caplog.at_level(logging.ERROR):
        async with supervised(settings=settings) as watched:
            await until(lambda: len(watched.restarts) > 2)
            assert watched.pids == []
    assert {getattr(record, "action", None) for record in caplog.records} == {"worker_start_failed"}


async def test_a_process_that_ends_at_once_is_started_again_and_again() -> None:
    settings = PoolSettings(command=(sys.executable, "-c", "pass"), slowest_restart_s=0.05)
    async with supervised(settings=settings) as watched:
        await until(lambda: len(watched.restarts) > 2)


async def test_a_process_that_does_not_end_when_told_so_is_killed() -> None:
    deaf = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; time.sleep(600)"
    async with supervised(settings=PoolSettings(command=(sys.executable, "-c", deaf))) as watched:
        await watched.all_up()
