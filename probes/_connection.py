"""One probe's connection: opened, traced, and told afterwards in phases, arrivals and our own error.

Times are nanoseconds of the monotonic clock, which is also the event loop's.
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
"""Both clocks are slewed alike, so a difference beyond this between a probe's ends is a step of the wall clock."""


@dataclass(slots=True, kw_only=True)
class ConnectionTimer:
    """What happens below HTTP while one probe runs."""

    deadlines: Deadlines
    began_ns: int
    tls: bool
    target: str = ""
    """Host and port of the provider."""
    proxy: Proxy | None = None
    deadline: MovableDeadline | None = None
    """The deadline under which the request is sent; every send moves it."""
    _sockets: list[StampingSocket] = field(default_factory=list)
    _name: str | None = None
    """The name that was resolved; None where an address was given."""
    _address: tuple[str, int] | None = None
    """The address that was tried last, and its port."""
    _dns_began_ns: int | None = None
    _dns_ended_ns: int | None = None
    _ready_ns: int | None = None
    _head_read: int | None = None
    """Which read completed the answer's head."""
    _began_offset_ns: int = field(default_factory=wall_offset_ns)
    _newest_offset_ns: int | None = None
    _stamped: bool = False
    """Whether the kernel's stamps can be used: every read has one, and the wall clock stood still."""

    def open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """aiohttp's `socket_factory`; called once for each address it tries."""
        self._address = address[4][:2]
        family, kind, protocol = address[:3]
        opened = StampingSocket(family, kind, protocol, SocketLog(on_send=self._on_send))
        self._sockets.append(opened)
        return opened

    def trace(self) -> aiohttp.TraceConfig:
        """The hooks by which aiohttp tells the phases that no socket sees."""
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
        """Count the deadlines from the newest send, as it may be the request's last."""
        if self._ready_ns is not None and self._head_read is None and self.deadline is not None:
            self.deadline.move(at_ns / 1e9 + self._shorter_s)

    @property
    def connect_deadline_s(self) -> float:
        """When the event loop's clock ends the time for everything before the request."""
        return self.began_ns / 1e9 + self._shorter_s

    @property
    def _shorter_s(self) -> float:
        return min(self.deadlines.ttft_s, self.deadlines.total_s)

    def deadline_s(self, seconds: float) -> float:
        """The event loop's time `seconds` after the request was sent."""
        return (self.t0_ns or self.began_ns) / 1e9 + seconds

    @property
    def newest_read_s(self) -> float:
        """When something was last read, by the event loop's clock."""
        reads = self._log.reads if self._log is not None else []
        return (reads[-1].read_ns if reads else self.began_ns) / 1e9

    @property
    def flood(self) -> str | None:
        """Why no more was read of what came, when it was too much."""
        return self._log.flood if self._log is not None else None

    @property
    def situation(self) -> Situation:
        """Where the probe is while there is no answer."""
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
            return self._name or "nobody"
        host, port = self._address
        if self._name is not None:
            return f"{self._name}:{port} ({host})"
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def stage(self) -> Stage:
        """How far the probe came."""
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
        """When the proxy's tunnel stood: the first word to the provider follows the request for the tunnel.

        Not told of a proxy behind TLS, whose own handshake comes first.
        """
        sends = self._log.sends_ns if self._log is not None else []
        is_known = self.tls and self.proxy is not None and self.proxy.is_plain
        return sends[1] if is_known and len(sends) > 1 else None

    def head_arrived(self, body: BodyCounter) -> None:
        """The head of the answer is complete; `body` counts what follows.

        Called before the event loop can read again: aiohttp resumes its caller in the turn after the read.
        """
        log = self._log
        if log is not None:
            log.body = body
            self._head_read = len(log.reads) - 1

    def snapshot(self) -> None:
        """Write down how far things have come, and what only an open connection tells; may be done again."""
        if self._log is not None:
            self._log.settle()
        for opened in self._sockets:
            opened.capture_tcp_info()
        self._newest_offset_ns = wall_offset_ns()
        self._stamped = not self._stepped and all(read.stamp_ns is not None for read in self._answer_reads())

    def release_sockets(self) -> None:
        """All is told: let go of the sockets, whose tapes hold this line, so that no cycle keeps them in memory."""
        self._sockets.clear()
        self.deadline = None

    @property
    def _log(self) -> SocketLog | None:
        """The tape of the connection that was used; of several that were tried, the one that sent."""
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
        """When the status line arrived. The whole head where other things come first: under TLS, or interim answers."""
        if self._log is None or self._head_read is None:
            return None
        reads = self._log.reads
        return self._arrival_ns(reads[self._head_read if self.tls or self._log.begins_interim else 0])

    def arrivals(self) -> tuple[Arrival, ...]:
        """The reads that brought body bytes, in order."""
        return tuple(Arrival(at_ns=self._arrival_ns(read), end=end) for read, end in self._body_reads())

    def clocks(self) -> Clocks | None:
        """How arrivals were stamped, and how late we read them; None when nothing arrived."""
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
        # A proxy's round trip is not the provider's, and a refusal of its own says nothing of the provider.
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
        """How long an answer took that was a refusal, of any address that was tried; None: there was none."""
        refusals = (_seconds(opened.log.connecting_ns, opened.log.refused_ns) for opened in self._sockets)
        return next((seconds for seconds in refusals if seconds is not None), None)

    def _answer_reads(self) -> list[SocketRead]:
        """The reads that brought the answer, head and body."""
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
        # The offset is known to about a microsecond; nothing arrives after it was read.
        return min(read.stamp_ns - self._began_offset_ns, read.read_ns)

    def _lag_s(self, read: SocketRead) -> float:
        return (read.read_ns - self._arrival_ns(read)) / 1e9


def _seconds(from_ns: int | None, to_ns: int | None) -> float | None:
    return None if from_ns is None or to_ns is None else (to_ns - from_ns) / 1e9
