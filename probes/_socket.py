"""The timestamping socket: what crossed one connection, and when, by the kernel's own receive stamps.

Linux stamps a TCP segment on receipt (`SO_TIMESTAMPNS`) and hands the stamp out through `recvmsg`. asyncio's selector
transports call `recv`, `recv_into`, `send` and `sendmsg` on the Python socket that they were given, so a subclass that
overrides those sees every byte, under TLS too. Where the option is missing the event loop's reading time stands in.
"""

from __future__ import annotations

import errno
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

SO_TIMESTAMPNS = 35
"""Not in Python's `socket`; the same number on every architecture but sparc and parisc."""

_STAMP = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)
_TCP_INFO_BYTES = 104
_RTT_OFFSET, _RETRANSMITS_OFFSET = 68, 100
_CLOCK_READINGS = 5
MAX_HEAD_BYTES = 1 << 18
"""The most that is read before the answer's head is there: TLS handshake, interim answers, headers."""
MAX_WIRE_BYTES = 1 << 24
"""The most in all. A long stream in tiny chunks takes a few times its length; what HTTP throws away counts too."""
MAX_READS = 1 << 17
"""The most reads: each of them is written down."""
_READ_BYTES = 1 << 14
"""The most that is read at once: what a stranger sends can take long to parse, and meanwhile the loop does nothing."""
_INTERIM_STATUS = re.compile(rb"HTTP/1\.\d 1(?!01)")
_STATUS_LINE_BYTES = 12


class FloodError(OSError):
    """A provider sends more than any answer needs; the message is fit for a sample's `detail`."""


class BodyCounter(Protocol):
    """What tells how much of the body was decoded; aiohttp's `StreamReader`."""

    @property
    def total_bytes(self) -> int:
        """Decoded bytes so far."""


@dataclass(slots=True, kw_only=True)
class SocketRead:
    """One read from the socket."""

    stamp_ns: int | None
    """The kernel's stamp of the last segment read, wall clock; None when it gave none."""
    read_ns: int
    """When it was read, monotonic clock."""
    body_bytes: int | None = None
    """Decoded body bytes once it was parsed; None while the response's head was not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """The kernel's own view of a connection."""

    rtt_s: float
    retransmits: int


@dataclass(slots=True, kw_only=True)
class SocketLog:
    """Everything one connection's socket did, in order."""

    on_send: Callable[[int], None]
    """Called with the time of every send."""
    connecting_ns: int | None = None
    connected_ns: int | None = None
    refused_ns: int | None = None
    """When the other side refused the connection: an answer too, from a machine that is there."""
    sends_ns: list[int] = field(default_factory=list)
    reads: list[SocketRead] = field(default_factory=list)
    bytes_read: int = 0
    flood: str | None = None
    """Why no more was read of what came."""
    start: bytes = b""
    """The first bytes that came, as many as tell a status in plain text."""
    body: BodyCounter | None = None
    tcp_info: TcpInfo | None = None

    def settle(self) -> None:
        """Write down how far the body had come after the newest read; called before the next one."""
        if self.body is not None and self.reads and self.reads[-1].body_bytes is None:
            self.reads[-1].body_bytes = self.body.total_bytes

    def note_send(self) -> None:
        """A send is about to happen."""
        now_ns = time.monotonic_ns()
        self.sends_ns.append(now_ns)
        self.on_send(now_ns)

    @property
    def begins_interim(self) -> bool:
        """Whether the answer began with one that is not the last (100, 103)."""
        return _INTERIM_STATUS.match(self.start) is not None

    def note_read(self, count: int, ancillary: Iterable[tuple[int, int, bytes]]) -> None:
        """A read has returned, with so many bytes and this ancillary data. Raises FloodError when it is too much."""
        read_ns = time.monotonic_ns()
        stamp_ns = None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _STAMP.unpack_from(data)
                stamp_ns = seconds * 1_000_000_000 + nanoseconds
        self.reads.append(SocketRead(stamp_ns=stamp_ns, read_ns=read_ns))
        self.bytes_read += count
        self.flood = self._excess()
        if self.flood is not None:
            raise FloodError(self.flood)

    def _excess(self) -> str | None:
        if self.body is None and self.bytes_read > MAX_HEAD_BYTES:
            return f"more than {MAX_HEAD_BYTES} bytes before the end of the answer's head"
        if self.bytes_read > MAX_WIRE_BYTES:
            return f"more than {MAX_WIRE_BYTES} bytes for one answer"
        if len(self.reads) > MAX_READS:
            return f"an answer in more than {MAX_READS} pieces"
        return None


class StampingSocket(socket.socket):
    """A TCP socket that writes what happens to it on its tape."""

    def __init__(self, family: int, kind: int, protocol: int, log: SocketLog) -> None:
        super().__init__(family, kind, protocol)
        self.log = log
        _ask_for_stamps(self)

    def connect(self, address: Any) -> None:  # noqa: ANN401  # as in the class it overrides
        """Begin to connect."""
        self.log.connecting_ns = time.monotonic_ns()
        try:
            super().connect(address)
        except ConnectionRefusedError:
            self.log.refused_ns = time.monotonic_ns()
            raise
        self.log.connected_ns = time.monotonic_ns()

    def getsockopt(self, level: int, name: int, size: int = 0) -> Any:  # noqa: ANN401
        """An option's value; asyncio asks for SO_ERROR at the moment a connection stands, or fails."""
        value = super().getsockopt(level, name, size) if size else super().getsockopt(level, name)
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR) and self.log.connected_ns is None:
            if value == 0:
                self.log.connected_ns = time.monotonic_ns()
            elif value == errno.ECONNREFUSED:
                self.log.refused_ns = time.monotonic_ns()
        return value

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send, stamped before the call: the kernel has the bytes from then on."""
        self.log.note_send()
        return super().send(data, flags)

    def sendmsg(self, buffers: Iterable[Buffer], *rest: Any) -> int:  # noqa: ANN401
        """Send from several buffers; used by newer asyncio."""
        self.log.note_send()
        return super().sendmsg(buffers, *rest)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive, with the kernel's stamp."""
        self.log.settle()
        data, ancillary, _, _ = self.recvmsg(min(size, _READ_BYTES), _ANCILLARY_BYTES, flags)
        if data:
            self.log.start += data[: _STATUS_LINE_BYTES - len(self.log.start)]
            self.log.note_read(len(data), ancillary)
        return data

    def recv_into(self, buffer: Buffer, size: int = 0, flags: int = 0) -> int:
        """Receive into a buffer (TLS), with the kernel's stamp."""
        self.log.settle()
        target = memoryview(buffer)[: min(size or _READ_BYTES, _READ_BYTES)]
        count, ancillary, _, _ = self.recvmsg_into([target], _ANCILLARY_BYTES, flags)
        if count:
            self.log.note_read(count, ancillary)
        return count

    def close(self) -> None:
        """Close, keeping the kernel's last word on the connection."""
        self.capture_tcp_info()
        super().close()

    def capture_tcp_info(self) -> None:
        """Keep round-trip time and retransmits, where the platform tells them and the connection stood."""
        if self.fileno() == -1 or self.log.connected_ns is None or not hasattr(socket, "TCP_INFO"):
            return
        info = super().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        if len(info) < _TCP_INFO_BYTES:
            return
        (rtt_us,) = struct.unpack_from("=I", info, _RTT_OFFSET)
        (retransmits,) = struct.unpack_from("=I", info, _RETRANSMITS_OFFSET)
        self.log.tcp_info = TcpInfo(rtt_s=rtt_us / 1e6, retransmits=retransmits)


def keep_stamping() -> socket.socket:
    """A socket whose being open keeps the kernel stamping every segment.

    The kernel switches stamping on with the first socket that wants it, some time after it was asked; without this one
    a lone probe's first segments would arrive unstamped. Close it when no more probes come.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    _ask_for_stamps(holder)
    return holder


def is_stamping() -> bool:
    """Whether the kernel stamps by now what comes over TCP, or cannot be asked."""
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname()) as near,
        ):
            far, _ = listener.accept()
            with far:
                _ask_for_stamps(far)
                near.send(b"\0")
                return bool(far.recvmsg(1, _ANCILLARY_BYTES)[1])
    except OSError:
        return True


def _ask_for_stamps(opened: socket.socket) -> None:
    """Some kernels that call themselves Linux (gVisor) refuse; reads then come without stamps."""
    if sys.platform == "linux":
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def wall_offset_ns() -> int:
    """Wall clock minus monotonic clock, by the least disturbed of several readings."""
    best_width, best_offset = None, 0
    for _ in range(_CLOCK_READINGS):
        before = time.monotonic_ns()
        wall = time.time_ns()
        width = time.monotonic_ns() - before
        if best_width is None or width < best_width:
            best_width, best_offset = width, wall - before - width // 2
    return best_offset
