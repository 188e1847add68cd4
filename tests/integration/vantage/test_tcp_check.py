"""Checking an origin: a TCP connection and no data, over real sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from monitor.vantage import tcp_check
from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin
from tests.integration.probes.provider import black_hole, refusing_port


def at(host: str, port: int) -> Origin:
    return Origin(name="canary", host=host, port=port)


@contextmanager
def listener(family: socket.AddressFamily = socket.AF_INET, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(family) as opened:
        opened.bind((host, 0))
        opened.listen()
        yield opened


def port_of(opened: socket.socket) -> int:
    return int(opened.getsockname()[1])


async def test_an_origin_that_accepts_a_connection_counts_as_an_answer_and_gets_no_data() -> None:
    with listener() as opened:
        assert await tcp_check.ask(at("127.0.0.1", port_of(opened))) is CheckResult.HEARD
        visit, _ = opened.accept()
        with visit:
            assert visit.recv(1) == b""


async def test_a_name_is_resolved_first() -> None:
    with listener() as opened:
        assert await tcp_check.ask(at("localhost", port_of(opened))) is CheckResult.HEARD


async def test_who_refuses_tells_nothing() -> None:
    assert await tcp_check.ask(at("127.0.0.1", refusing_port())) is CheckResult.NOTHING


async def test_who_does_not_answer_in_time_is_silent() -> None:
    with black_hole() as base_url:
        port = int(base_url.removesuffix("/v1").rpartition(":")[2])
        assert await tcp_check.ask(at("127.0.0.1", port), patience_s=0.2) is CheckResult.SILENT


async def test_a_name_without_an_address_is_silent() -> None:
    assert await tcp_check.ask(at("no-such-host.invalid", 443)) is CheckResult.SILENT


async def test_a_name_that_can_be_none_tells_nothing() -> None:
    assert await tcp_check.ask(at("a" * 64 + ".example", 443)) is CheckResult.NOTHING


async def test_a_resolver_that_hangs_counts_as_no_answer_and_delays_no_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the asking, nor the end of the event loop."""
    hanging, entered = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> object:
        entered.set()
        hanging.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert (
        await asyncio.to_thread(asyncio.run, tcp_check.ask(at("slow.example", 443), patience_s=0.1))
        is CheckResult.SILENT
    )
    assert entered.is_set()
    hanging.set()


async def test_a_late_answer_of_the_resolver_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    late = threading.Event()

    def answer(*_: object, **__: object) -> object:
        late.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert await tcp_check.ask(at("slow.example", 443), patience_s=0.1) is CheckResult.SILENT
    late.set()
    for thread in threading.enumerate():
        if thread.name == "lookup-slow.example":
            await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (socket.EAI_NONAME, CheckResult.HEARD),
        (socket.EAI_NODATA, CheckResult.HEARD),
        (socket.EAI_AGAIN, CheckResult.SILENT),
        (socket.EAI_FAIL, CheckResult.SILENT),
    ],
)
async def test_a_resolver_that_knows_no_such_name_answers_and_one_that_cannot_tell_does_not(
    said: int, answer: CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        raise socket.gaierror(said, "told by the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert [await tcp_check.look_up() for _ in range(2)] == [answer, answer]
    assert all(host.endswith(".example.com.") for host in asked)
    assert len(set(asked)) == 2, "an answer from memory would prove nothing"


async def test_a_lookup_that_takes_too_long_is_silence_and_one_that_succeeds_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: late.wait(60))
    assert await tcp_check.look_up("slow.example.", patience_s=0.05) is CheckResult.SILENT
    late.set()
    assert await tcp_check.look_up("slow.example.") is CheckResult.HEARD


def several(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """A name with an address for each of these ports of loopback."""
    stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*stream, ("127.0.0.1", port)) for port in ports])


async def test_one_address_of_several_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as base_url, listener() as opened:
        hole = int(base_url.removesuffix("/v1").rpartition(":")[2])
        several(monkeypatch, hole, refusing_port(), port_of(opened))
        assert await tcp_check.ask(at("many.example", 443)) is CheckResult.HEARD


async def test_an_address_of_several_that_refuses_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as base_url:
        hole = int(base_url.removesuffix("/v1").rpartition(":")[2])
        several(monkeypatch, hole, refusing_port())
        assert await tcp_check.ask(at("many.example", 443), patience_s=0.2) is CheckResult.NOTHING


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (errno.ENETUNREACH, CheckResult.SILENT),
        (errno.EHOSTUNREACH, CheckResult.SILENT),
        (errno.ETIMEDOUT, CheckResult.SILENT),
        (errno.EMFILE, CheckResult.NOTHING),
        (errno.ENOBUFS, CheckResult.NOTHING),
    ],
)
async def test_no_way_is_silence_and_a_lack_of_our_own_is_none(
    number: int, answer: CheckResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(number, "told by the kernel")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    assert await tcp_check.ask(at("127.0.0.1", 9)) is answer
