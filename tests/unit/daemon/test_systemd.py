"""Claims about `monitor.daemon.systemd`, against real datagram sockets."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.daemon.systemd import Notifier, is_alive, next_due_s, watchdog_interval_s

WARNINGS = [("monitor.daemon.systemd", logging.WARNING)]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.setblocking(False)
        yield listener


@pytest.fixture
def notifier(systemd: socket.socket) -> Notifier:
    return Notifier.from_env({"NOTIFY_SOCKET": systemd.getsockname()})


@pytest.mark.parametrize(
    ("tell", "datagram"),
    [
        (Notifier.ready, b"READY=1"),
        (Notifier.stopping, b"STOPPING=1"),
        (Notifier.watchdog, b"WATCHDOG=1"),
        (lambda notifier: notifier.status("12 endpoints up"), b"STATUS=12 endpoints up"),
    ],
)
def test_each_message_is_one_datagram(
    notifier: Notifier, systemd: socket.socket, tell: Callable[[Notifier], None], datagram: bytes
) -> None:
    tell(notifier)
    assert systemd.recv(4096) == datagram
    with pytest.raises(BlockingIOError):
        systemd.recv(4096)


def test_an_abstract_socket_is_reached() -> None:
    name = f"providerwatch-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        Notifier.from_env({"NOTIFY_SOCKET": "@" + name}).ready()
        assert listener.recv(4096) == b"READY=1"


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_systemd_nothing_is_sent_and_nothing_said(
    env: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier.from_env(env)
    notifier.ready()
    notifier.status("fine")
    assert notifier == Notifier()
    assert caplog.records == []


def test_a_socket_that_is_not_local_is_named_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier.from_env({"NOTIFY_SOCKET": "vsock:2:1234"})
    notifier.ready()
    assert notifier == Notifier()
    assert [record.message for record in caplog.records] == ["cannot notify vsock:2:1234: not a local socket"]


@pytest.mark.parametrize("text", ["up\nREADY=1", "up\r\nREADY=1", " up \x0b READY=1\n", "up\u2028READY=1"])
def test_a_status_cannot_smuggle_in_another_message(notifier: Notifier, systemd: socket.socket, text: str) -> None:
    notifier.status(text)
    assert systemd.recv(4096) == b"STATUS=up READY=1"


def test_a_long_status_is_cut_between_characters(notifier: Notifier, systemd: socket.socket) -> None:
    notifier.status("x" + "é" * 4000)
    assert systemd.recv(65536) == b"STATUS=x" + "é".encode() * 511


def test_a_status_that_is_no_unicode_is_sent_all_the_same(notifier: Notifier, systemd: socket.socket) -> None:
    notifier.status("bad \udcff byte")
    assert systemd.recv(4096) == b"STATUS=bad ? byte"


def test_a_vanished_socket_is_logged_once_and_again_after_it_came_back(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier.from_env({"NOTIFY_SOCKET": path})
    for _ in range(3):
        notifier.watchdog()
    assert [(record.name, record.levelno) for record in caplog.records] == WARNINGS
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        notifier.watchdog()
        assert listener.recv(4096) == b"WATCHDOG=1"
    for _ in range(3):
        notifier.watchdog()
    assert [(record.name, record.levelno) for record in caplog.records] == WARNINGS * 2


def test_a_path_longer_than_a_socket_address_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    Notifier.from_env({"NOTIFY_SOCKET": "/" + "x" * 200}).ready()
    assert [(record.name, record.levelno) for record in caplog.records] == WARNINGS


def test_a_full_queue_does_not_block(
    notifier: Notifier, systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100_000):
        notifier.watchdog()
        if caplog.records:
            break
    assert [(record.name, record.levelno) for record in caplog.records] == WARNINGS
    assert systemd.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("env", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "42"}, 0.75),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_PID": "42"}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_limit_by_the_watched_process_only(
    env: dict[str, str], interval_s: float | None
) -> None:
    assert watchdog_interval_s(env, 42) == interval_s


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    env = {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getppid())}
    assert watchdog_interval_s(env, os.getpid()) is None


@pytest.mark.parametrize(
    ("next_tick_s", "running_until_s", "waiting_since_s", "due_s"),
    [
        (None, [], [], None),
        (100.0, [], [], 100.0),
        (100.0, [90.0, 95.0], [], 90.0),
        (80.0, [90.0], [], 80.0),
        (None, [90.0], [], 90.0),
        (100.0, [90.0], [60.0], 90.0),
        (100.0, [], [70.0, 60.0], 60.0),
    ],
    ids=[
        "all paused and idle: nothing",
        "idle: the next tick",
        "running: the first deadline",
        "a tick before that deadline",
        "paused while one still runs: its deadline",
        "a probe may wait while another runs",
        "none runs: the one that waits longest",
    ],
)
def test_what_is_due_next(
    next_tick_s: float | None, running_until_s: list[float], waiting_since_s: list[float], due_s: float | None
) -> None:
    due = next_due_s(next_tick_s=next_tick_s, running_until_s=running_until_s, waiting_since_s=waiting_since_s)
    assert due == due_s


def test_a_daemon_whose_endpoints_are_all_paused_is_never_restarted() -> None:
    due_s = next_due_s(next_tick_s=None, running_until_s=[], waiting_since_s=[])
    assert is_alive(now_s=1e9, last_progress_s=0.0, due_s=due_s, margin_s=60.0)


def test_one_endpoint_probed_every_hour_is_silent_but_alive() -> None:
    for now_s in range(0, 3660, 10):
        assert is_alive(now_s=float(now_s), last_progress_s=0.0, due_s=3600.0, margin_s=60.0)
    assert not is_alive(now_s=3661.0, last_progress_s=0.0, due_s=3600.0, margin_s=60.0)


def test_a_schedule_that_stopped_ticking_is_noticed_a_margin_after_its_next_tick() -> None:
    def alive(now_s: float) -> bool:
        due_s = next_due_s(next_tick_s=100.0, running_until_s=[], waiting_since_s=[])
        return is_alive(now_s=now_s, last_progress_s=45.0, due_s=due_s, margin_s=60.0)

    assert [alive(99.0), alive(160.0), alive(161.0)] == [True, True, False]


def test_a_worker_that_hangs_is_noticed_although_the_schedule_ticks_on() -> None:
    def alive(now_s: float) -> bool:
        due_s = next_due_s(next_tick_s=now_s + 5.0, running_until_s=[130.0, 140.0], waiting_since_s=[100.0])
        return is_alive(now_s=now_s, last_progress_s=100.0, due_s=due_s, margin_s=60.0)

    assert [alive(131.0), alive(190.0), alive(191.0)] == [True, True, False]


def test_a_worker_that_never_answers_is_noticed_although_its_probes_are_given_up() -> None:
    """One probe a minute, each given up 15 s after its deadline: there is always a fresh one with time to spare."""

    def alive(now_s: float) -> bool:
        began_s = now_s - now_s % 60.0
        given_up_s = [tick_s + 30.0 for tick_s in range(60, int(now_s) - 45 + 1, 60)]
        running_until_s = [began_s + 30.0] if now_s < began_s + 45.0 else []
        due_s = next_due_s(
            next_tick_s=began_s + 60.0,
            running_until_s=running_until_s,
            waiting_since_s=[],
            first_given_up_s=min(given_up_s, default=None),
        )
        return is_alive(now_s=now_s, last_progress_s=59.0, due_s=due_s, margin_s=60.0)

    assert [alive(104.0), alive(106.0), alive(150.0), alive(151.0)] == [True, True, True, False]


def test_probes_that_wait_for_a_turn_that_never_comes_are_noticed() -> None:
    def alive(now_s: float) -> bool:
        due_s = next_due_s(next_tick_s=now_s + 5.0, running_until_s=[], waiting_since_s=[101.0, 160.0])
        return is_alive(now_s=now_s, last_progress_s=100.0, due_s=due_s, margin_s=60.0)

    assert [alive(161.0), alive(162.0)] == [True, False]


def test_a_starved_machine_is_late_but_moving() -> None:
    for now_s in range(200, 10_000, 50):
        assert is_alive(now_s=float(now_s), last_progress_s=now_s - 59.0, due_s=100.0, margin_s=60.0)


def test_a_daemon_that_just_started_has_a_margin_for_its_first_probe() -> None:
    assert is_alive(now_s=1060.0, last_progress_s=1000.0, due_s=1000.0, margin_s=60.0)
