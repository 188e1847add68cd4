"""What systemd is told: ready, stopping, status, and the watchdog fed only while probing makes progress.

`Notifier` speaks the sd_notify protocol: one datagram of `KEY=value` lines to the socket that systemd names in
the environment. `next_due_s` and `is_alive` decide, without clock or socket, whether the watchdog is fed.
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
    """Tells systemd how the daemon is; does nothing when no systemd listens, and never raises."""

    _address: str | None = None
    _lost: Event = field(default_factory=Event, repr=False, compare=False)
    """Set while the socket is unreachable, so that its loss is logged once."""

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
        """One line for people, shown by `systemctl status`."""
        encoded = " ".join(text.split()).encode(errors="replace")[:_STATUS_BYTES]
        self._send("STATUS=" + encoded.decode(errors="ignore"))

    def watchdog(self) -> None:
        """The daemon is alive: do not restart it for another `WatchdogSec`."""
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
    """How often the watchdog is to be fed: half of systemd's limit. None: systemd does not watch this process."""
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
    given_up_s: Collection[float] = (),
) -> float | None:
    """When the next sign of progress must have come, on the monotonic clock. None: nothing is owed.

    `next_tick_s` is the earliest tick still to fire, as the schedule itself holds it (a dead schedule keeps one
    in the past), None when every endpoint is paused. `running_until_s` holds the deadline of every probe that a
    worker was given and has not answered; `given_up_s` those of the probes that the daemon gave up since a worker
    last answered, because giving up clears the daemon's books but is no sign of life. `waiting_since_s` holds when
    each probe began to wait for its turn; one may wait for as long as others run, but with none running its turn
    has come.
    """
    owed = [] if next_tick_s is None else [next_tick_s]
    return min([*owed, *given_up_s, *(running_until_s or waiting_since_s)], default=None)


def is_alive(*, now_s: float, last_progress_s: float, due_s: float | None, margin_s: float) -> bool:
    """Whether probing moves, so that the watchdog may be fed. All times are of one monotonic clock.

    Silence is no fault while nothing is due: all endpoints may be paused, or the only one be probed once an hour.
    When something is overdue, each probe that finishes earns another `margin_s`: a starved machine is late but
    moving, and a restart would not help it. With the watchdog's own limit as `margin_s` (twice its interval),
    `WatchdogSec=` is the one setting of how late is too late.

    `last_progress_s` is when a worker last answered, with whatever verdict, or else when the schedule started.
    Samples that the schedule writes on its own (`overrun`, `skipped`) are no progress: they flow on while every
    worker hangs.
    """
    return due_s is None or now_s <= max(due_s, last_progress_s) + margin_s
