"""The connection of one probe: its phases, arrivals and timing errors.

Times are nanoseconds of the monotonic clock, which is also the event loop's clock.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field

import aiohttp

from probes._deadline import MovableDeadline
from probes._exceptions import Situation, Stage
from probes._exchange import Clocks, Connection
from probes._meter import Arrival
from probes._model import Deadlines, Timing
from probes._proxy import Proxy
from probes._socket import BodyCounter, SocketLog, SocketRead, StampingSocket, wall_offset_ns

_CLOCK_STEP_NS = 1_000_000
"""Slewing changes both clocks equally, so a larger change of their difference during a probe is a clock step."""


@dataclass(slots=True, kw_only=True)
class ConnectionTimer:
    """Records what happens below HTTP while one probe runs."""

    deadlines: Deadlines
    began_ns: int
    tls: bool
    target: str = ""
    """Host and port of the provider."""
    proxy: Proxy | None = None
    deadline: MovableDeadline | None = None
    """The deadline for sending the request and receiving the head; every send moves it."""
    _sockets: list[StampingSocket] = field(default_factory=list)
    _name: str | None = None
    """The resolved name; None: the URL contains an address."""
    _address: tuple[str, int] | None = None
    """The last tried address and its port."""
    _dns_began_ns: int | None = None
    _dns_ended_ns: int | None = None
    _ready_ns: int | None = None
    _head_read: int | None = None
    """The index of the read that completed the answer's head."""
    _began_offset_ns: int = field(default_factory=wall_offset_ns)
    _newest_offset_ns: int | None = None
    _stamped: bool = False
    """Whether the kernel's timestamps are usable: every read has one, and the wall clock was not stepped."""

    def open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """aiohttp's `socket_factory`; called once for each address."""
        self._address = address[4][:2]
        family, kind, protocol = address[:3]
        opened = StampingSocket(family, kind, protocol, SocketLog(on_send=self._on_send))
        self._sockets.append(opened)
        return opened

    def trace(self) -> aiohttp.TraceConfig:
        """Hooks for the phases that aiohttp reports and a socket cannot record."""
        config = aiohttp.TraceConfig()
        config.on_dns_resolvehost_start.append(self._on_dns_began)
        config.on_dns_resolvehost_end.append(self._on_dns_ended)
        config.on_connection_create_end.append(self._on_ready)
        return config

    async def _on_dns_began(
        self, _session: object, _context: object, asked: aiohttp.TraceDnsResolveHostStartParams
    ) -> None:
        self._dns_began_ns, self._name = time.monotonic_ns(), asked.host

    async def _on_dns_ended(self, *_: object) -> None:
        self._dns_ended_ns = time.monotonic_ns()

    async def _on_ready(self, *_: object) -> None:
        self._ready_ns = time.monotonic_ns()

    def _on_send(self, at_ns: int) -> None:
        """Restart the deadline at each send, since it may be the request's last."""
        if self._ready_ns is not None and self._head_read is None and self.deadline is not None:
            self.deadline.move(at_ns / 1e9 + self._shorter_s)

    @property
    def connect_deadline_s(self) -> float:
        """The deadline for everything before the request, on the event loop's clock."""
        return self.began_ns / 1e9 + self._shorter_s

    @property
    def _shorter_s(self) -> float:
        return min(self.deadlines.ttft_s, self.deadlines.total_s)

    def deadline_s(self, seconds: float) -> float:
        """The time `seconds` after the request was sent, on the event loop's clock."""
        return (self.t0_ns or self.began_ns) / 1e9 + seconds

    @property
    def newest_read_s(self) -> float:
        """The time of the last read, on the event loop's clock."""
        reads = self._log.reads if self._log is not None else []
        return (reads[-1].read_ns if reads else self.began_ns) / 1e9

    @property
    def flood(self) -> str | None:
        """Why reading stopped, when the provider sent too much."""
        return self._log.flood if self._log is not None else None

    @property
    def situation(self) -> Situation:
        """The state of the probe before an answer."""
        first_bytes = self._log.start if self._log is not None else b""
        return Situation(
            stage=self.stage, peer=self._peer, timeout_s=self._shorter_s, proxy=self.proxy, first_bytes=first_bytes
        )

    @property
    def _peer(self) -> str:
        if self.proxy is not None:
            between = f"the proxy {self.proxy.peer}"
            return between if self.stage is Stage.CONNECT else f"{self.target} through {between}"
        if self._address is None:
            return self._name or "an unknown host"
        host, port = self._address
        if self._name is not None:
            return f"{self._name}:{port} ({host})"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def stage(self) -> Stage:
        """The stage that the probe has reached."""
        if self._ready_ns is not None:
            return Stage.HEAD
        if self._dns_began_ns is not None and self._dns_ended_ns is None:
            return Stage.DNS
        connected = self._log is not None and self._log.connected_ns is not None
        if not connected or not self.tls:
            return Stage.CONNECT
        return Stage.TUNNEL if self.proxy is not None and self._tunnel_ns is None else Stage.TLS

    @property
    def _tunnel_ns(self) -> int | None:
        """When the proxy's tunnel was open: the first bytes to the provider follow the request for the tunnel.

        Unknown for a proxy with TLS, whose own handshake comes first.
        """
        sends = self._log.sends_ns if self._log is not None else []
        is_known = self.tls and self.proxy is not None and self.proxy.is_plain
        return sends[1] if is_known and len(sends) > 1 else None

    def head_arrived(self, body: BodyCounter) -> None:
        """The head of the answer is complete; `body` counts the bytes that follow.

        This is called before the event loop can read again: aiohttp resumes its caller in the turn after the read.
        """
        log = self._log
        if log is not None:
            log.body = body
            self._head_read = len(log.reads) - 1

    def snapshot(self) -> None:
        """Record the progress, and data that only an open connection provides. May be called several times."""
        if self._log is not None:
            self._log.settle()
        for opened in self._sockets:
            opened.capture_tcp_info()
        self._newest_offset_ns = wall_offset_ns()
        self._stamped = not self._stepped and all(read.stamp_ns is not None for read in self._answer_reads())

    def release_sockets(self) -> None:
        """Release the sockets, whose logs refer to this object: no reference cycle must keep them in memory."""
        self._sockets.clear()
        self.deadline = None

    @property
    def _log(self) -> SocketLog | None:
        """The log of the used connection. If several were tried, the one that sent data."""
        logs = [opened.log for opened in self._sockets]
        return next((log for log in logs if log.sends_ns), logs[-1] if logs else None)

    @property
    def t0_ns(self) -> int | None:
        """When the request's last byte was handed to the kernel: the last send before the answer's head."""
        if self._log is None or self._ready_ns is None:
            return None
        head_ns = self._log.reads[self._head_read].read_ns if self._head_read is not None else None
        sends = [at_ns for at_ns in self._log.sends_ns if at_ns >= self._ready_ns]
        return max((at_ns for at_ns in sends if head_ns is None or at_ns <= head_ns), default=None)

    @property
    def head_ns(self) -> int | None:
        """When the status line arrived; with TLS or interim answers, when the whole head arrived."""
        if self._log is None or self._head_read is None:
            return None
        reads = self._log.reads
        return self._arrival_ns(reads[self._head_read if self.tls or self._log.begins_interim else 0])

    def arrivals(self) -> tuple[Arrival, ...]:
        """The reads with body bytes, in order."""
        return tuple(Arrival(at_ns=self._arrival_ns(read), end=end) for read, end in self._body_reads())

    def clocks(self) -> Clocks | None:
        """The source of the timestamps, and the delays of the reads; None: nothing arrived."""
        reads = self._answer_reads()
        if not reads:
            return None
        if not self._stamped:
            return Clocks(timing=Timing.LOOP, clock_step=self._stepped, rx_lag_s=None)
        return Clocks(
            timing=Timing.KERNEL,
            clock_step=False,
            rx_lag_s=max(self._lag_s(read) for read in reads),
            body_lags_s=tuple(self._lag_s(read) for read, _ in self._body_reads()),
        )

    def connection(self) -> Connection:
        """The phases of the connection."""
        log = self._log
        connected_ns = self._tunnel_ns or (log.connected_ns if log else None)
        # A proxy's round-trip time and refusals are not the provider's.
        info = log.tcp_info if log and self.proxy is None else None
        return Connection(
            cold=True if self._ready_ns is not None else None,
            dns_s=_seconds(self._dns_began_ns, self._dns_ended_ns),
            connect_s=_seconds(log.connecting_ns if log else None, connected_ns),
            tls_s=_seconds(connected_ns, self._ready_ns) if self.tls else None,
            rtt_s=info.rtt_s if info else None if self.proxy else self._refusal_s,
            retransmits=info.retransmits if info else None,
        )

    @property
    def _refusal_s(self) -> float | None:
        """The time until a connection was refused, for any tried address; None: no connection was refused."""
        refusals = (_seconds(opened.log.connecting_ns, opened.log.refused_ns) for opened in self._sockets)
        return next((seconds for seconds in refusals if seconds is not None), None)

    def _answer_reads(self) -> list[SocketRead]:
        """The reads of the answer, head and body."""
        if self._log is None or self._head_read is None:
            return []
        return self._log.reads[self._head_read if self.tls else 0 :]

    def _body_reads(self) -> list[tuple[SocketRead, int]]:
        found, end = [], 0
        for read in self._answer_reads():
            if read.body_bytes is not None and read.body_bytes > end:
                end = read.body_bytes
                found.append((read, end))
        return found

    @property
    def _stepped(self) -> bool:
        offset_ns = self._newest_offset_ns
        return offset_ns is not None and abs(offset_ns - self._began_offset_ns) > _CLOCK_STEP_NS

    def _arrival_ns(self, read: SocketRead) -> int:
        if read.stamp_ns is None or not self._stamped:
            return read.read_ns
        # The offset is known to about a microsecond; an arrival is never after its read.
        return min(read.stamp_ns - self._began_offset_ns, read.read_ns)

    def _lag_s(self, read: SocketRead) -> float:
        return (read.read_ns - self._arrival_ns(read)) / 1e9


def _seconds(from_ns: int | None, to_ns: int | None) -> float | None:
    return None if from_ns is None or to_ns is None else (to_ns - from_ns) / 1e9
