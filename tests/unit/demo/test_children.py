"""The demo's processes end, whatever they do."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from monitor.demo.children import Child, ChildEndedError, environment, running, unless_ended

ADDRESS = 'print(\'{"address": "http://x"}\', flush=True)'
SLEEP = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ADDRESS}; {SLEEP}"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print('{{"address": "%d"}}' % child.pid, flush=True)
{SLEEP}"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_process_ends_with_its_block(tmp_path: Path) -> None:
    async with running("x", python(f"{ADDRESS}; {SLEEP}"), log=tmp_path / "log", grace_s=5, speaks=True) as child:
        assert await child.address() == "http://x"
        assert alive(child.process.pid)
    assert child.process.returncode == -15


async def test_a_process_that_does_not_obey_is_killed(tmp_path: Path) -> None:
    async with running("x", python(STUBBORN), log=tmp_path / "log", grace_s=0.2, speaks=True) as child:
        await child.address()
    assert child.process.returncode == -9


async def test_being_cancelled_while_it_waits_kills_at_once(tmp_path: Path) -> None:
    pids: list[int] = []

    async def demo() -> None:
        async with running("x", python(STUBBORN), log=tmp_path / "log", grace_s=30, speaks=True) as child:
            await child.address()
            pids.append(child.process.pid)
            await asyncio.Event().wait()

    async with asyncio.timeout(10):
        task = asyncio.create_task(demo())
        while not pids:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.2)
        assert alive(pids[0])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not alive(pids[0])


async def test_what_a_process_leaves_behind_is_killed_with_its_group(tmp_path: Path) -> None:
    async with running("x", python(PARENT), log=tmp_path / "log", grace_s=5, speaks=True) as child:
        grandchild = int(await child.address())
        assert alive(grandchild)
    async with asyncio.timeout(2):
        while alive(grandchild):
            await asyncio.sleep(0.01)


async def test_its_stdin_ends_only_with_the_demo(tmp_path: Path) -> None:
    async with running("x", python("import sys; sys.stdin.read()"), log=tmp_path / "log", grace_s=5) as child:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await child.process.wait()


async def test_a_process_that_ends_early_is_an_error_that_shows_its_log(tmp_path: Path) -> None:
    code = "import sys; print('why\\x1b[31m', file=sys.stderr); sys.exit(3)"
    async with running("x", python(code), log=tmp_path / "log", grace_s=5, speaks=True) as child:
        with pytest.raises(ChildEndedError, match="x ended with exit code 3") as caught:
            await unless_ended([child], child.address())
    assert "    why\N{REPLACEMENT CHARACTER}[31m" in str(caught.value)


async def test_work_goes_on_while_all_processes_run(tmp_path: Path) -> None:
    async def work() -> int:
        return 7

    async def fail() -> int:
        raise KeyError("mine")

    async with running("x", python(SLEEP), log=tmp_path / "log", grace_s=5) as child:
        assert await unless_ended([child], work()) == 7
        with pytest.raises(KeyError):
            await unless_ended([child], fail())


def test_only_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff" + b"line\n" * 10_000)
    tail = Child(name="x", process=None, log=log).tail()  # type: ignore[arg-type]
    assert tail == "\n".join(["    line"] * 15)


def test_a_process_finds_these_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    first, *others = environment()["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "monitor" / "demo").is_dir()
    assert others == ["/elsewhere"]
