"""The timestamping socket: records the bytes of one connection with the kernel's receive timestamps.

Linux stamps a TCP segment on receipt (`SO_TIMESTAMPNS`) and returns the timestamp through `recvmsg`. asyncio's selector
transports call `recv`, `recv_into`, `send` and `sendmsg` on the given Python socket, so a subclass that overrides these
sees every byte, also below TLS. Without the option the event loop's reading time is used.
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
"""Missing in Python's `socket`. The number is the same on all architectures except sparc and parisc."""

_STAMP = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)
_TCP_INFO_BYTES = 104
_RTT_OFFSET, _RETRANSMITS_OFFSET = 68, 100
_CLOCK_READINGS = 5
MAX_HEAD_BYTES = 1 << 18
"""The maximum bytes before the end of the answer's head: TLS handshake, interim answers, headers."""
MAX_WIRE_BYTES = 1 << 24
"""The maximum bytes in total. A long stream in tiny chunks needs a few times its length."""
MAX_READS = 1 << 17
"""The maximum number of reads; each one is recorded."""
_READ_BYTES = 1 << 14
"""The maximum bytes of one read: parsing untrusted data blocks the event loop."""
_INTERIM_STATUS = re.compile(rb"HTTP/1\.\d 1(?!01)")
_STATUS_LINE_BYTES = 12


class _FloodError(OSError):
    """A provider sends more than any answer needs; the message is safe for a sample's `detail`."""


class BodyCounter(Protocol):
    """Counts the decoded bytes of the body; aiohttp's `StreamReader`."""

    @property
    def total_bytes(self) -> int:
        """Decoded bytes so far."""


@dataclass(slots=True, kw_only=True)
class SocketRead:
    """One read from the socket."""

    stamp_ns: int | None
    """The kernel's timestamp of the last segment, wall clock; None: the kernel sent no timestamp."""
    read_ns: int
    """The time of the read, monotonic clock."""
    body_bytes: int | None = None
    """Decoded body bytes after this read; None: the head was not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TcpInfo:
    """The kernel's information about a connection."""

    rtt_s: float
    retransmits: int


@dataclass(slots=True, kw_only=True)
class SocketLog:
    """The recorded events of one connection's socket, in order."""

    on_send: Callable[[int], None]
    """Called with the time of every send."""
    connecting_ns: int | None = None
    connected_ns: int | None = None
    refused_ns: int | None = None
    """When the peer refused the connection, which shows that its machine is up."""
    sends_ns: list[int] = field(default_factory=list)
    reads: list[SocketRead] = field(default_factory=list)
    bytes_read: int = 0
    flood: str | None = None
    """Why reading stopped, when the provider sent too much."""
    start: bytes = b""
    """The first received bytes, enough for a status in plain text."""
    body: BodyCounter | None = None
    tcp_info: _TcpInfo | None = None

    def settle(self) -> None:
        """Record the decoded body bytes after the newest read; called before the next one."""
        if self.body is not None and self.reads and self.reads[-1].body_bytes is None:
            self.reads[-1].body_bytes = self.body.total_bytes

    def note_send(self) -> None:
        """Record the time of a send, before the send."""
        now_ns = time.monotonic_ns()
        self.sends_ns.append(now_ns)
        self.on_send(now_ns)

    @property
    def begins_interim(self) -> bool:
        """Whether the answer began with an interim response (100, 103)."""
        return _INTERIM_STATUS.match(self.start) is not None

    def note_read(self, count: int, ancillary: Iterable[tuple[int, int, bytes]]) -> None:
        """Record a read of `count` bytes with its ancillary data. Raises _FloodError if the provider sent too much."""
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
            raise _FloodError(self.flood)

    def _excess(self) -> str | None:
        if self.body is None and self.bytes_read > MAX_HEAD_BYTES:
            return f"more than {MAX_HEAD_BYTES} bytes before the end of the answer's head"
        if self.bytes_read > MAX_WIRE_BYTES:
            return f"more than {MAX_WIRE_BYTES} bytes for one answer"
        if len(self.reads) > MAX_READS:
            return f"an answer in more than {MAX_READS} pieces"
        return None


class StampingSocket(socket.socket):
    """A TCP socket that records its events in a log."""

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
        """An option's value. asyncio reads SO_ERROR when a connection is established or fails."""
        value = super().getsockopt(level, name, size) if size else super().getsockopt(level, name)
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR) and self.log.connected_ns is None:
            if value == 0:
                self.log.connected_ns = time.monotonic_ns()
            elif value == errno.ECONNREFUSED:
                self.log.refused_ns = time.monotonic_ns()
        return value

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send; the time is taken before the call."""
        self.log.note_send()
        return super().send(data, flags)

    def sendmsg(self, buffers: Iterable[Buffer], *rest: Any) -> int:  # noqa: ANN401
        """Send from several buffers; used by newer asyncio versions."""
        self.log.note_send()
        return super().sendmsg(buffers, *rest)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive with the kernel's timestamp."""
        self.log.settle()
        data, ancillary, _, _ = self.recvmsg(min(size, _READ_BYTES), _ANCILLARY_BYTES, flags)
        if data:
            self.log.start += data[: _STATUS_LINE_BYTES - len(self.log.start)]
            self.log.note_read(len(data), ancillary)
        return data

    def recv_into(self, buffer: Buffer, size: int = 0, flags: int = 0) -> int:
        """Receive into a buffer (TLS) with the kernel's timestamp."""
        self.log.settle()
        target = memoryview(buffer)[: min(size or _READ_BYTES, _READ_BYTES)]
        count, ancillary, _, _ = self.recvmsg_into([target], _ANCILLARY_BYTES, flags)
        if count:
            self.log.note_read(count, ancillary)
        return count

    def close(self) -> None:
        """Close, and keep the kernel's information about the connection."""
        self.capture_tcp_info()
        super().close()

    def capture_tcp_info(self) -> None:
        """Record round-trip time and retransmits, if the platform has them and the connection was established."""
        if self.fileno() == -1 or self.log.connected_ns is None or not hasattr(socket, "TCP_INFO"):
            return
        info = super().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        if len(info) < _TCP_INFO_BYTES:
            return
        (rtt_us,) = struct.unpack_from("=I", info, _RTT_OFFSET)
        (retransmits,) = struct.unpack_from("=I", info, _RETRANSMITS_OFFSET)
        self.log.tcp_info = _TcpInfo(rtt_s=rtt_us / 1e6, retransmits=retransmits)


def keep_stamping() -> socket.socket:
    """An open socket that keeps the kernel's timestamping enabled.

    The kernel enables timestamping with a delay after the first socket requests it. Without this socket the first
    segments of a lone probe would have no timestamps. Close it when there are no more probes.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    _ask_for_stamps(holder)
    return holder


def is_stamping() -> bool:
    """Whether the kernel stamps TCP segments now. True if this cannot be checked."""
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
    """Request timestamps. Some Linux-like kernels (gVisor) refuse; then reads have no timestamps."""
    if sys.platform == "linux":
        with suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def wall_offset_ns() -> int:
    """Wall clock minus monotonic clock, by the most precise of several readings."""
    best_width, best_offset = None, 0
    for _ in range(_CLOCK_READINGS):
        before = time.monotonic_ns()
        wall = time.time_ns()
        width = time.monotonic_ns() - before
        if best_width is None or width < best_width:
            best_width, best_offset = width, wall - before - width // 2
    return best_offset
