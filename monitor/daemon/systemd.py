"""Notifications for systemd: ready, stopping, status, and watchdog pings while probing makes progress.

`Notifier` uses the sd_notify protocol: one datagram of `KEY=value` lines to the socket that systemd names in
the environment. `next_due_s` and `is_alive` decide, without clock or socket, whether to ping the watchdog.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Self

_STATUS_BYTES = 1024
"""systemd drops a datagram above 4096 bytes whole; a status is one line for `systemctl status`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Notifies systemd. Does nothing without systemd, and never raises."""

    _address: str | None = None
    _lost: Event = field(default_factory=Event, repr=False, compare=False)
    """Set while the socket is unreachable, so that the failure is logged once."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """The notifier of the socket that `NOTIFY_SOCKET` names: a path, or `@` and an abstract name."""
        name = env.get("NOTIFY_SOCKET", "")
        if name.startswith("@"):
            return cls("\0" + name[1:])
        if name and not name.startswith("/"):
            _log.warning("cannot notify %s: not a local socket", name, extra={"action": "notify_unsupported"})
        return cls(name if name.startswith("/") else None)

    def ready(self) -> None:
        """The daemon serves; `systemctl start` returns now."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The daemon began to shut down."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line that `systemctl status` shows."""
        encoded = " ".join(text.split()).encode(errors="replace")[:_STATUS_BYTES]
        self._send("STATUS=" + encoded.decode(errors="ignore"))

    def watchdog(self) -> None:
        """Watchdog ping: systemd does not restart the daemon for another `WatchdogSec`."""
        self._send("WATCHDOG=1")

    def _send(self, line: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a full queue must not hold up the event loop
                sender.sendto(line.encode(), self._address)
        except OSError as error:
            if not self._lost.is_set():
                self._lost.set()
                _log.warning("cannot notify systemd: %s", error, extra={"action": "notify_lost"})
        else:
            self._lost.clear()


def watchdog_interval_s(env: Mapping[str, str], pid: int) -> float | None:
    """Interval of watchdog pings: half of systemd's limit. None: no watchdog for this process."""
    limit_us = env.get("WATCHDOG_USEC", "")
    watched = env.get("WATCHDOG_PID", str(pid))
    if watched != str(pid) or not limit_us.isdecimal() or int(limit_us) == 0:
        return None
    return int(limit_us) / 1e6 / 2


def next_due_s(
    *,
    next_tick_s: float | None,
    running_until_s: Collection[float],
    waiting_since_s: Collection[float],
    first_given_up_s: float | None = None,
) -> float | None:
    """When the next progress is due, on the monotonic clock. None: no progress is due.

    `next_tick_s` is the next tick of the schedule (in the past if the schedule is dead), None if every endpoint is
    paused. `running_until_s` holds the deadlines of the probes that workers run; `first_given_up_s` is the earliest
    deadline of the probes that the daemon gave up since a worker last answered: giving up is no progress.
    `waiting_since_s` holds when each waiting probe began to wait. A probe may wait while others run; if none runs, it
    is due.
    """
    owed = [due_s for due_s in (next_tick_s, first_given_up_s) if due_s is not None]
    return min([*owed, *(running_until_s or waiting_since_s)], default=None)


def is_alive(*, now_s: float, last_progress_s: float, due_s: float | None, margin_s: float) -> bool:
    """Whether probing makes progress, so that the watchdog may be pinged. All times are of one monotonic clock.

    No progress is needed while nothing is due: all endpoints may be paused, or the only one be probed once an hour.
    When a probe is overdue, each finished probe extends the time by `margin_s`: an overloaded machine is late but
    works, and a restart would not help. `margin_s` is the watchdog's own limit (twice its interval), so `WatchdogSec=`
    alone sets how late is too late.

    `last_progress_s` is when a worker last answered, with any result, else when the schedule started. Samples that the
    schedule writes itself (`overrun`, `skipped`) are no progress: they continue while every worker hangs.
    """
    return due_s is None or now_s <= max(due_s, last_progress_s) + margin_s
