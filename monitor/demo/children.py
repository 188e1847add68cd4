"""The demo's processes: started, awaited and ended so that none is left, whatever happens to the demo itself.

Each runs in a process group of its own: Ctrl-C at the terminal reaches the demo alone, and what a process leaves
behind is ended with its group. Each holds a pipe from the demo as its stdin, which ends when the demo does.
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
from monitor.console.text import printable

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
        """The address that the process prints once it serves; waits for ever if it never does."""
        line = await self.process.stdout.readline() if self.process.stdout else b""
        if not line:
            await asyncio.Event().wait()
        return str(json.loads(line)["address"])

    def tail(self) -> str:
        """The last lines of its log, fit for a terminal."""
        lines = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").splitlines()
        return "\n".join(f"    {printable(line)}" for line in lines[-_TAIL_LINES:])


class ChildEndedError(Exception):
    """A process ended before it should; the message holds the end of its log."""

    def __init__(self, child: Child) -> None:
        super().__init__(
            f"{child.name} ended with exit code {child.process.returncode}; the end of {child.log}:\n{child.tail()}"
        )


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module in this interpreter.

    `-P`, because `python -m` would otherwise take a folder `monitor` in the working directory for ours.
    """
    return (sys.executable, "-P", "-m", module, *arguments)


def tied(command: Sequence[str]) -> tuple[str, ...]:
    """The command made to end with this process, for one that does not watch its stdin."""
    return python("monitor.demo.lifeline", str(os.getpid()), *command)


def environment() -> dict[str, str]:
    """This process's environment, with the place of these packages in it where they are not installed."""
    root = Path(monitor.__file__).resolve().parents[1]
    if root.name in {"site-packages", "dist-packages"}:
        return dict(os.environ)
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, log: Path, grace_s: float, speaks: bool = False
) -> AsyncIterator[Child]:
    """A process for as long as the block lasts. `speaks`: it prints its address; else its stdout is logged too."""
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
    """SIGTERM, time to obey, SIGKILL for all that remains of its group. Being cancelled skips the time to obey."""
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
    """The result of `work`; ChildEndedError if one of the processes ends before it."""
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
