"""Log records: one JSON object a line for machines, one readable line for people."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.daemon.log import configure
from monitor.daemon.log_options import LogFormat, LogLevel


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    names = ("", "apscheduler", "apscheduler.scheduler", "aiohttp.access", "alembic", "asyncio")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger("monitor.something")


def as_json(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_program_reads_one_json_object_a_line(log: logging.Logger) -> None:
    stream = io.StringIO()
    configure(stream)
    log.warning("%d samples given up", 3, extra={"action": "store_drop", "endpoint": "a:b"})
    found = as_json(stream)
    assert found.pop("at").endswith("+00:00")
    assert found == {
        "level": "warning",
        "message": "3 samples given up",
        "action": "store_drop",
        "endpoint": "a:b",
    }


def test_a_person_reads_a_line(log: logging.Logger) -> None:
    stream = Terminal()
    configure(stream)
    log.info("running", extra={"action": "started", "endpoints": 3})
    assert stream.getvalue()[8:] == " info    running action=started endpoints=3\n"


@pytest.mark.parametrize("text", ["line\nbreak", 'quote"', "日本", "\x1b[31m", "\ud800"])
def test_whatever_the_words_are_the_record_stays_one_json_line(log: logging.Logger, text: str) -> None:
    stream = io.StringIO()
    configure(stream)
    log.error("%s", text, extra={"action": text})
    found = as_json(stream)
    assert (found["message"], found["action"]) == (text, text)


def test_an_exception_brings_its_trace(log: logging.Logger) -> None:
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        configure(stream)
        try:
            int("no luck")
        except ValueError:
            log.exception("it failed", extra={"action": "failed"})
    trace = as_json(plain)["trace"]
    assert trace.startswith("Traceback")
    assert trace.endswith("ValueError: invalid literal for int() with base 10: 'no luck'")
    assert terminal.getvalue().endswith(f"{trace}\n")
    assert terminal.getvalue().count("it failed") == 1


def test_a_value_that_json_cannot_represent_is_written_as_text(log: logging.Logger) -> None:
    stream = io.StringIO()
    configure(stream)
    log.info("x", extra={"place": {1, 2}.__class__, "nothing": None})
    assert as_json(stream)["place"] == "<class 'set'>"
    assert as_json(stream)["nothing"] is None


def test_configuring_twice_writes_once(log: logging.Logger) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(first)
    configure(second)
    log.info("once")
    assert first.getvalue() == ""
    assert as_json(second)["message"] == "once"


def test_debugging_is_left_out_and_so_is_what_samples_say_better() -> None:
    stream = io.StringIO()
    configure(stream)
    logging.getLogger("monitor.something").debug("x")
    for name in ("apscheduler.executors.default", "aiohttp.access", "alembic.runtime.migration"):
        logging.getLogger(name).info("x")
    logging.getLogger("apscheduler.scheduler").warning("maximum number of running instances reached")
    assert stream.getvalue() == ""
    logging.getLogger("apscheduler.executors.default").error("y")
    assert as_json(stream)["message"] == "y"


def test_standard_error_is_where_it_goes(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log.info("there")
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["message"]) == ("", "there")


def test_a_terminal_is_shown_what_it_would_obey(log: logging.Logger) -> None:
    stream = Terminal()
    configure(stream)
    log.warning("asked for %s", "/\x1b]0;title\x07", extra={"action": "not\nfound", "path": "/日本\u202e"})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(r"asked for /\x1b]0;title\x07 action=not\nfound path=/日本\u202e")


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        (None, io.StringIO(), True),
        (None, Terminal(), False),
        (LogFormat.JSON, Terminal(), True),
        (LogFormat.TEXT, io.StringIO(), False),
    ],
)
def test_the_format_is_what_was_asked_for_else_what_the_stream_is_read_by(
    log: logging.Logger, form: LogFormat | None, stream: io.StringIO, is_json: bool
) -> None:
    configure(stream, form=form)
    log.info("running")
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("level", LogLevel)
def test_a_level_leaves_out_what_is_less_severe(log: logging.Logger, level: LogLevel) -> None:
    stream = io.StringIO()
    configure(stream, level=level)
    for name in LogLevel:
        log.log(logging.getLevelNamesMapping()[name.upper()], name)
    written = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert written == [*LogLevel][[*LogLevel].index(level) :]


def test_a_person_reads_values_with_spaces_in_quotes_and_no_absent_ones(log: logging.Logger) -> None:
    stream = Terminal()
    configure(stream)
    log.info("x", extra={"action": "a", "cause": None, "evidence": "3 samples: slo 3"})
    assert stream.getvalue()[8:] == ' info    x action=a evidence="3 samples: slo 3"\n'
