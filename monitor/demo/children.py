"""Starts and ends the demo's processes, so that no process remains even if the demo crashes.

Each runs in its own process group: Ctrl-C in the terminal reaches only the demo, and child processes are ended with the
group. The stdin of each is a pipe from the demo, which reaches its end when the demo ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import monitor
from monitor.domain.text import printable

T = TypeVar("T")
_TAIL_LINES = 15
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A running process of the demo, and the file that it logs to."""

    name: str
    process: Process
    log: Path

    async def address(self) -> str:
        """The address that the process prints when it is ready. Waits forever if it never prints one."""
        line = await self.process.stdout.readline() if self.process.stdout else b""
        if not line:
            await asyncio.Event().wait()
        return str(json.loads(line)["address"])

    def tail(self) -> str:
        """The last lines of the log, printable in a terminal."""
        lines = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
        return "\n".join(f"    {printable(line)}" for line in lines[-_TAIL_LINES:])


class ChildEndedError(Exception):
    """A process ended too early; the message contains the end of its log."""

    def __init__(self, child: Child) -> None:
        super().__init__(
            f"{child.name} ended with exit code {child.process.returncode}; the end of {child.log}:\n{child.tail()}"
        )


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module in this interpreter.

    `-P`, because `python -m` would otherwise import a folder `monitor` in the working directory.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def tied(command: Sequence[str]) -> tuple[str, ...]:
    """The command, wrapped so that it ends with this process. For commands that do not watch their stdin."""
    return python("monitor.demo.lifeline", str(os.getpid()), *command)


def environment() -> dict[str, str]:
    """This process's environment. PYTHONPATH includes these packages if they are not installed."""
    root = Path(monitor.__file__).resolve().parents[1]
    if root.name in {"site-packages", "dist-packages"}:
        return dict(os.environ)
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, log: Path, grace_s: float, speaks: bool = False
) -> AsyncIterator[Child]:
    """Run a process during the block. `speaks`: it prints its address on stdout; else stdout is logged, too."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE if speaks else file,
            stderr=file,
            env=environment(),
            process_group=0,
        )
    child = Child(name=name, process=process, log=log)
    try:
        yield child
    finally:
        await _end(process, grace_s)


async def _end(process: Process, grace_s: float) -> None:
    """Send SIGTERM, wait for `grace_s`, then send SIGKILL to the rest of the group. Cancelling skips the wait."""
    try:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def unless_ended(children: Sequence[Child], work: Coroutine[object, object, T]) -> T:
    """The result of `work`. Raises ChildEndedError if one of the processes ends first."""
    task = asyncio.create_task(work, name="work")
    ends = {asyncio.create_task(child.process.wait(), name=child.name): child for child in children}
    try:
        await asyncio.wait({task, *ends}, return_when=asyncio.FIRST_COMPLETED)
        for end, child in ends.items():
            if end.done():
                raise ChildEndedError(child)
        return task.result()
    finally:
        for started in (task, *ends):
            started.cancel()
        await asyncio.gather(task, *ends, return_exceptions=True)
