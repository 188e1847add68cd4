"""A worker process alone: it ends with its parent."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.workers import worker
from probes._model import ErrorClass, Run, Sample, TokensFrom
from probes._sample import unmeasured
from probes._serialize import run_to_plain, sample_from_plain
from tests.integration.probes.asking import ROOT, run_to
from tests.integration.probes.provider import ANSWER, DONE, ROLE, STOP, STREAM, Act, head, serving
from tests.integration.probes.watching import PATIENCE_S, descriptors, is_alive, until

PING = b'{"ping": 5}\n'
NO_USAGE = ROLE + ANSWER + STOP + DONE


@contextmanager
def started() -> Iterator[tuple[socket.socket, subprocess.Popen[str]]]:
    """A process and our end of its socket. It must end by itself, without an error and without a word."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "monitor.workers.worker", str(theirs.fileno())]
    process = subprocess.Popen(
        command, pass_fds=[theirs.fileno()], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process, ours:
        theirs.close()
        ours.settimeout(PATIENCE_S)
        yield ours, process
        ours.close()
        said, complained = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, said, complained) == (0, "", "")


def asked(run: Run, key: int = 1) -> bytes:
    return json.dumps({"run": run_to_plain(run), "key": key}).encode() + b"\n"


def answers(channel: socket.socket, count: int) -> list[dict[str, Any]]:
    with channel.makefile("rb") as lines:
        return [json.loads(lines.readline()) for _ in range(count)]


def test_a_process_answers_pings_and_runs_in_lines_of_json() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider, started() as (channel, _):
        channel.sendall(PING + asked(run_to(provider.base_url), 8))
        pong, answer = answers(channel, 2)
    assert pong["pong"] == 5
    assert isinstance(pong["loop_lag_s"], float)
    assert answer["key"] == 8
    assert sample_from_plain(answer["sample"]).error is None


class Odd:
    """A worker with a third-party codec, which puts bytes into its samples."""

    async def measure(self, run: Run, count: object = None) -> Sample:
        return replace(unmeasured(run, ErrorClass.INTERNAL, "", datetime.now(UTC)), detail=b"\xff")  # type: ignore[arg-type]


async def test_a_sample_that_json_does_not_have_is_a_failure_and_not_silence() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    told, asking = await asyncio.open_connection(sock=ours)
    process = worker.Worker(writer, asyncio.create_task(asyncio.sleep(0)))
    process._prober = Odd()  # type: ignore[assignment]
    working = asyncio.create_task(process.serve(reader))
    asking.write(asked(run_to("http://127.0.0.1:9/v1"), 8))
    async with asyncio.timeout(PATIENCE_S):
        answer = json.loads(await told.readline())
    assert answer == {"failed": "TypeError: Object of type bytes is not JSON serializable", "key": 8}
    asking.close()
    await working
    writer.close()


async def test_nothing_is_timed_before_the_process_is_ready_but_pings_are_answered() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    told, asking = await asyncio.open_connection(sock=ours)
    prepared = asyncio.Event()
    ready = asyncio.create_task(_after(prepared))
    working = asyncio.create_task(worker.Worker(writer, ready).serve(reader))
    with serving(Act.ASKED, head(), STREAM) as provider:
        asking.write(asked(run_to(provider.base_url), 8) + PING * 3)
        for _ in range(3):
            assert "pong" in json.loads(await told.readline())
        assert not provider.visits
        prepared.set()
        answer = json.loads(await told.readline())
    assert sample_from_plain(answer["sample"]).error is None
    asking.close()
    await working
    writer.close()


async def _after(event: asyncio.Event) -> None:
    await event.wait()


@pytest.mark.parametrize(("counts", "told"), [([7, 5, 0], (7, 5)), ([], (None, None))])
def test_tokens_are_counted_by_the_parent_where_the_provider_told_no_usage(
    counts: list[int], told: tuple[int | None, int | None]
) -> None:
    with serving(Act.ASKED, head(), NO_USAGE) as provider, started() as (channel, _):
        channel.sendall(asked(run_to(provider.base_url), 8))
        (wish,) = answers(channel, 1)
        assert (wish["key"], wish["count"][1:]) == (8, ["1, 2, 3", ""])
        channel.sendall(json.dumps({"counts": counts, "key": 8}).encode() + b"\n")
        (answer,) = answers(channel, 1)
    sample = sample_from_plain(answer["sample"])
    assert (sample.error, sample.prompt_tokens, sample.output_tokens) == (None, *told)
    assert sample.tokens_from is (TokensFrom.COUNTED if counts else None)


def test_a_daemon_needs_no_tokenizer_until_it_counts_and_no_client_of_a_sink_that_it_has_not() -> None:
    code = "import sys, monitor.daemon.app; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"bpe_openai", "influxdb_client", "genai_prices", "pg8000"} & {*found} == set()


def test_a_process_needs_neither_tokenizer_nor_database_nor_models_of_configuration() -> None:
    """They take memory and time, in each process."""
    code = (
        "import sys, monitor.workers.worker; from probes._loader import import_own; import_own(); print(*sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    unused = {"bpe_openai", "sqlalchemy", "pydantic", "prometheus_client", "apscheduler", "yaml", "rich"}
    unused |= {"alembic", "jinja2", "jsonschema", "typer", "genai_prices", "monitor.config", "monitor.store"}
    assert unused & {*found} == set()


def test_a_process_ends_when_its_parent_closes_and_breaks_off_its_probes() -> None:
    with serving(Act.ASKED, Act.LEFT) as provider:
        with started() as (channel, _):
            channel.sendall(asked(run_to(provider.base_url)))
            while not (provider.visits and provider.visit.asked_ns):
                time.sleep(0.005)
        assert provider.visit.over.wait(PATIENCE_S)
        assert provider.visit.left_ns is not None


def test_a_process_ends_in_silence_when_its_parent_leaves_without_having_listened() -> None:
    with started() as (channel, _):
        channel.sendall(PING)
        channel.recv(1, socket.MSG_PEEK)


async def test_a_process_ends_when_its_parent_is_killed() -> None:
    command = [sys.executable, "-m", "tests.integration.workers.lone_parent"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        await until(lambda: not is_alive(pid))
        assert parent.stderr.read() == ""
    assert parent.returncode == -signal.SIGKILL


async def test_names_are_resolved_though_many_others_take_their_time() -> None:
    """As many lookups hang in the process's threads as a name server that is gone would hold."""
    ours, theirs = socket.socketpair()
    let_go = threading.Event()
    reader, writer = await asyncio.open_connection(sock=ours)
    serve = asyncio.create_task(worker.serve(theirs))
    try:
        writer.write(PING)
        await reader.readline()
        loop = asyncio.get_running_loop()
        hanging = [loop.run_in_executor(None, let_go.wait, PATIENCE_S) for _ in range(40)]
        with serving(Act.ASKED, head(), STREAM, host="localhost") as provider:
            writer.write(asked(run_to(provider.base_url)))
            sample = sample_from_plain(json.loads(await reader.readline())["sample"])
        assert not any(lookup.done() for lookup in hanging)
    finally:
        let_go.set()
        writer.close()
        await serve
        await asyncio.gather(*hanging)
        gc.unfreeze()
    assert sample.error is None
    assert sample.dns_s is not None


def test_a_process_is_handed_no_other_socket_than_its_own() -> None:
    with socket.socket(), started() as (channel, process):
        channel.sendall(PING)
        answers(channel, 1)
        theirs = descriptors(process.pid)
        ours = descriptors()
    assert [name for name in theirs if name.startswith("socket:") and name in ours] == []
