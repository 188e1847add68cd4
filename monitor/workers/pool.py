"""Runs the worker processes, and restarts a process that died or does not answer.

Probes that were running in a worker when it died are recorded as `internal`, because the provider's answer is not
known.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from monitor.workers.worker import LINE_BYTES
from probes._model import ErrorClass, Run, Sample
from probes._sample import unmeasured
from probes._serialize import run_to_plain, sample_from_plain
from probes._tokens import count_tokens

log = logging.getLogger(__name__)

STREAMS_PER_WORKER = 64
"""Concurrent streams that one worker can time accurately."""
_END_S = 2.0
_NO_MESSAGE = (ValueError, TypeError, KeyError, RecursionError)
"""The exceptions of parsing an invalid message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """Settings for starting and checking worker processes."""

    command: tuple[str, ...] = (sys.executable, "-P", "-m", "monitor.workers.worker")
    """The socket's number is appended. `-P` keeps a folder `monitor` in the daemon's directory from being imported."""
    ping_s: float = 2.0
    silence_s: float = 15.0
    """How long a worker may leave pings unanswered before it is killed."""
    slowest_restart_s: float = 10.0


class WorkerProcess:
    """One worker process, and its replacements."""

    def __init__(
        self, on_restart: Callable[[], None], on_loop_lag: Callable[[float], None], settings: PoolSettings | None = None
    ) -> None:
        self._on_restart = on_restart
        self._on_loop_lag = on_loop_lag
        self._settings = settings or PoolSettings()
        self._keys = itertools.count()
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """The tasks of the running process: its pings, and the token counts that it requested."""
        self._writer: asyncio.StreamWriter | None = None
        self._up = asyncio.Event()
        self._unanswered_pings = 0
        self.busy = 0
        """Probes that are running or waiting for the process."""
        self.last_answer_s: float | None = None
        """When the worker last sent a sample, on the event loop's clock."""
        self.pid: int | None = None

    @property
    def is_up(self) -> bool:
        """Whether a process is running."""
        return self._up.is_set()

    async def measure(self, run: Run) -> Sample:
        """Make one probe in the process; waits until a process is running."""
        self.busy += 1
        try:
            await self._up.wait()
            message = await self._ask(run)
        finally:
            self.busy -= 1
        try:
            return sample_from_plain(message["sample"])
        except _NO_MESSAGE:
            detail = str(message.get("failed", "the worker sent an invalid sample"))
            return unmeasured(run, ErrorClass.INTERNAL, detail, datetime.now(UTC))

    async def _ask(self, run: Run) -> Mapping[str, Any]:
        key = next(self._keys)
        line = _line({"run": run_to_plain(run), "key": key})
        if len(line) > LINE_BYTES:
            return {"failed": f"the prompt is too long for the worker process ({len(line)} bytes); lower prompt_tokens"}
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        try:
            self._send(line)
            return await answer
        finally:
            del self._waiting[key]

    async def supervise(self) -> None:
        """Keep a process running until cancelled, then stop it."""
        pause_s, slowest_s = 0.0, self._settings.slowest_restart_s
        while True:
            await asyncio.sleep(pause_s)
            began_s = asyncio.get_running_loop().time()
            try:
                await self._live()
            except (OSError, RuntimeError):  # the latter when no thread can be started
                log.exception("worker process not started; trying again", extra={"action": "worker_start_failed"})
            lived_s = asyncio.get_running_loop().time() - began_s
            pause_s = 0.0 if lived_s > slowest_s else min(2 * pause_s + 0.1, slowest_s)
            self._on_restart()

    async def _live(self) -> None:
        """Run one process until it ends."""
        process, reader, self._writer = await _spawn(self._settings.command)
        self.pid = process.pid
        self._unanswered_pings = 0
        self._up.set()
        self._begin(self._ping(process), "worker-ping")
        try:
            await self._listen(reader)
        finally:
            self._up.clear()
            self.pid = None
            await self._end_tasks()
            self._writer.close()
            await self._wait_for_exit(process)
            self._fail_waiting()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Read messages until the process ends or sends an invalid message."""
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            return
        except _NO_MESSAGE:
            log.exception("worker sent an invalid message; restarting it", extra={"action": "worker_garbled"})

    def _take(self, message: Mapping[str, Any]) -> None:
        if "pong" in message:
            self._unanswered_pings = 0
            self._on_loop_lag(float(message["loop_lag_s"]))
            return
        if "count" in message:
            self._begin(self._count(message["count"], message["key"]), "count-tokens")
            return
        self.last_answer_s = asyncio.get_running_loop().time()
        answer = self._waiting.get(message["key"])
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def _count(self, texts: Sequence[str], key: int) -> None:
        """Count tokens for a probe whose provider sent no usage. On failure the counts stay unknown."""
        counts: list[int] = []
        try:
            counts = await asyncio.to_thread(_counted, texts)
        except Exception:
            log.exception("token count failed; the sample has no token counts", extra={"action": "count_failed"})
        self._send(_line({"counts": counts, "key": key}))

    async def _ping(self, process: asyncio.subprocess.Process) -> None:
        """Ping the process, and kill it when it leaves too many pings unanswered.

        Pings are counted rather than seconds: a daemon that was itself suspended sent no pings meanwhile.
        """
        settings = self._settings
        while self._unanswered_pings * settings.ping_s < settings.silence_s:
            self._unanswered_pings += 1
            self._send(_line({"ping": 0}))
            await asyncio.sleep(settings.ping_s)
        log.error("worker does not answer; restarting it", extra={"action": "worker_stuck"})
        _kill(process)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s failed", task.get_name(), exc_info=error, extra={"action": "worker_task_failed"})

    async def _end_tasks(self) -> None:
        """Cancel the tasks of a process that ended."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for_exit(self, process: asyncio.subprocess.Process) -> None:
        """Wait until a process whose socket is closed exits; kill it when it does not."""
        # Not `asyncio.timeout`: up to CPython 3.11.3 it raises no TimeoutError in a task that is being cancelled.
        end = asyncio.create_task(process.wait(), name="worker-end")
        _, alive = await asyncio.wait([end], timeout=_END_S)
        if alive:
            _kill(process)
        await end
        log.info("worker process ended", extra={"action": "worker_ended", "exit_code": process.returncode})

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result({"failed": "the worker process died"})

    def _send(self, line: bytes) -> None:
        if self._writer is not None:
            self._writer.write(line)


class WorkerPool:
    """As many worker processes as the concurrency needs; a `Prober`."""

    def __init__(
        self,
        max_concurrent: int,
        on_restart: Callable[[], None],
        on_loop_lag: Callable[[float], None],
        settings: PoolSettings | None = None,
    ) -> None:
        self._make = partial(WorkerProcess, on_restart, on_loop_lag, settings)
        self._supervised: asyncio.TaskGroup | None = None
        self.workers: list[WorkerProcess] = []
        self.apply(max_concurrent)

    def apply(self, max_concurrent: int) -> None:
        """Start more processes if this concurrency needs them. Surplus processes run until the daemon ends."""
        for _ in range(len(self.workers), -(-max_concurrent // STREAMS_PER_WORKER)):
            self.workers.append(self._make())
            if self._supervised is not None:
                self._supervise_one(self._supervised, len(self.workers) - 1)

    async def measure(self, run: Run) -> Sample:
        """Make one probe in the least busy worker; workers that are running come first."""
        return await min(self.workers, key=lambda worker: (not worker.is_up, worker.busy)).measure(run)

    @property
    def last_answer_s(self) -> float | None:
        """The time of the newest sample from any worker, on the event loop's clock."""
        return max((worker.last_answer_s for worker in self.workers if worker.last_answer_s is not None), default=None)

    async def supervise(self) -> None:
        """Keep all processes running until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._supervised:
                for number in range(len(self.workers)):
                    self._supervise_one(self._supervised, number)
        finally:
            self._supervised = None

    def _supervise_one(self, group: asyncio.TaskGroup, number: int) -> None:
        group.create_task(self.workers[number].supervise(), name=f"worker-{number}")


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # the process has already ended
        process.kill()


def _counted(texts: Sequence[str]) -> list[int]:
    return [count_tokens(text) for text in texts]


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


async def _spawn(
    command: tuple[str, ...],
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader, asyncio.StreamWriter]:
    """Start a worker process; returns it and our end of its socket.

    The process gets its own process group, so that Ctrl-C in a terminal stops only the daemon.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_BYTES)
        number = theirs.fileno()
        try:
            process = await asyncio.create_subprocess_exec(*command, str(number), pass_fds=[number], process_group=0)
        except BaseException:
            writer.close()
            raise
    return process, reader, writer
