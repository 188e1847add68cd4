"""The log never blocks the daemon, and clients cannot fill it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest

from monitor.daemon.log import configure
from monitor.daemon.log_limit import MOST, SPAN_S, LogLimit
from monitor.daemon.log_queue import LogLosses, LogQueue, losses


def record(action: str | None = None, words: str = "it failed", **fields: object) -> logging.LogRecord:
    extras = {"action": action, **fields} if action else fields
    return logging.makeLogRecord({"name": "monitor.x", "levelno": logging.ERROR, "msg": words, **extras})


def test_of_many_like_records_a_few_are_written_and_the_rest_counted_once_the_span_is_over() -> None:
    limit = LogLimit()
    assert [limit.admits(record("failed"), 0.0) for _ in range(MOST + 5)] == [True] * MOST + [False] * 5
    assert [*limit.ended(SPAN_S - 1)] == []
    assert [(left_out.kind[2], left_out.count) for left_out in limit.ended(SPAN_S)] == [("failed", 5)]
    assert limit.admits(record("failed"), SPAN_S)
    assert limit.suppressed == 5


@pytest.mark.parametrize(
    "other", [record("mended"), record(words="it failed in another way"), record("failed", endpoint="a:b")]
)
def test_records_of_other_kinds_are_written(other: logging.LogRecord) -> None:
    limit = LogLimit()
    for _ in range(MOST + 1):
        limit.admits(record("failed"), 0.0)
    assert limit.admits(other, 0.0)


def test_kinds_without_end_take_no_memory_without_end() -> None:
    limit = LogLimit()
    admitted = sum(limit.admits(record(f"stranger {n}"), 0.0) for n in range(5_000))
    assert admitted <= 1_000 + MOST
    assert limit.suppressed == 5_000 - admitted


@dataclass
class Pipe:
    """A log that goes into a pipe, and its other end."""

    read_end: int
    write_end: int
    queue: LogQueue
    log: logging.Logger

    def lines(self) -> list[dict[str, Any]]:
        """All that was written until the log was closed."""
        self.queue.close()
        os.close(self.write_end)
        with os.fdopen(self.read_end, encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]


@pytest.fixture
def open_pipe() -> Iterator[Callable[[], Pipe]]:
    root, made = logging.getLogger(), list[LogQueue]()
    before = root.level, root.handlers[:]

    def make() -> Pipe:
        read_end, write_end = os.pipe()
        with os.fdopen(write_end, "w", closefd=False) as stream:
            configure(stream)
        (queue,) = root.handlers
        assert isinstance(queue, LogQueue)
        made.append(queue)
        return Pipe(read_end, write_end, queue, logging.getLogger("monitor.something"))

    yield make
    for queue in made:
        queue.close()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_all_that_was_logged_is_written_at_a_normal_end(open_pipe: Callable[[], Pipe]) -> None:
    pipe = open_pipe()
    for n in range(300):
        pipe.log.info("done", extra={"action": f"step {n}"})
    assert [line["action"] for line in pipe.lines()] == [f"step {n}" for n in range(300)]


def test_dropped_records_are_reported_at_the_end(open_pipe: Callable[[], Pipe]) -> None:
    pipe = open_pipe()
    for _ in range(MOST + 7):
        pipe.log.error("it failed", extra={"action": "failed"})
    *written, last = pipe.lines()
    assert [line["action"] for line in written] == ["failed"] * MOST
    assert (last["message"], last["of"]) == ("7 similar log records suppressed", "failed")
    assert losses() == LogLosses(suppressed=7)


def test_a_reader_that_reads_nothing_holds_up_nothing_and_what_is_lost_is_counted(
    open_pipe: Callable[[], Pipe],
) -> None:
    pipe = open_pipe()
    for n in range(9_000):
        pipe.log.info("x" * 1000, extra={"action": f"step {n % 900}"})
    assert losses().dropped > 4_000
    lines: list[str] = []

    def read() -> None:
        with os.fdopen(pipe.read_end) as stream:
            lines.extend(stream)

    reader = Thread(target=read)
    reader.start()
    pipe.queue.close()
    os.close(pipe.write_end)
    reader.join()
    told = [json.loads(line) for line in lines]
    assert [line["message"] for line in told if line["action"] == "log_dropped"] == [
        f"{losses().dropped} log records dropped: standard error was not read fast enough"
    ]
    assert len(told) - 1 + losses().dropped == 9_000


def test_a_record_without_end_is_cut_and_stays_a_line(open_pipe: Callable[[], Pipe]) -> None:
    pipe = open_pipe()
    pipe.log.error("%s", "x" * 100_000, extra={"action": "long"})
    (line,) = pipe.lines()
    assert (line["action"], len(line["message"]) < 3000) == ("long", True)


def test_a_record_that_cannot_be_formatted_is_reported(open_pipe: Callable[[], Pipe]) -> None:
    pipe = open_pipe()
    pipe.log.error("%d", "no number")
    (line,) = pipe.lines()
    assert line["message"] == "a log record of monitor.something cannot be formatted: TypeError"


def test_a_stream_that_is_closed_costs_records_and_nothing_else(open_pipe: Callable[[], Pipe]) -> None:
    pipe = open_pipe()
    os.close(pipe.read_end)
    pipe.log.error("gone")
    pipe.queue.flush()
    assert losses().dropped == 1
    os.close(pipe.write_end)


def test_what_lies_in_memory_needs_no_thread() -> None:
    assert losses() == LogLosses()
    with pytest.raises(io.UnsupportedOperation):
        LogQueue(io.StringIO())


def test_a_program_with_a_blocked_log_ends_in_time() -> None:
    program = (
        "import logging; from monitor.daemon.log import configure; configure()\n"
        "for n in range(5000): logging.warning('x' * 500, extra={'action': str(n)})"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        began_s = time.monotonic()
        assert process.wait(60) == 0
        assert time.monotonic() - began_s < 60
