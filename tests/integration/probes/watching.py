"""Observing other threads and processes: waiting for their actions, and counting open files and sockets."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

PATIENCE_S = 30.0
"""Upper bound of every wait: reached only when something is broken."""


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not claim():  # threads and processes set no event of this loop
            await asyncio.sleep(0.005)


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """The block leaves no task, no open socket and no exception that was never retrieved."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
    assert asyncio.all_tasks() - {asyncio.current_task()} == set()


def descriptors(pid: int | str = "self") -> list[str]:
    """What the descriptors of a process stand for."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:  # the one that was looking
            continue
    return found


def open_sockets() -> int:
    return sum(name.startswith("socket:") for name in descriptors())


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def shown_by(pid: int) -> bytes:
    """The public data of a process: its arguments and, with permission, its environment."""
    return b"\n".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm"))


def children() -> list[int]:
    """Processes that this one started and did not wait for."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return sorted(found)


@contextmanager
def untraced_threads() -> Iterator[None]:
    """Threads that begin meanwhile are not measured by coverage.

    With its greenlet support CPython 3.11 may loop for ever when two measured threads end at the same time: the first
    leaves a pending call, in which the main thread then finds the second's, and traces and puts it off without end.
    """
    tracer = threading.gettrace()
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(tracer)
