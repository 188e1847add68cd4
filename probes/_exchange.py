"""The data that the driver records for one probe. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from probes._meter import Arrival
from probes._model import Fault, Timing


class Ending(Enum):
    """Why the driver stopped reading."""

    END_OF_FILE = "end of file"
    CUT = "cut"
    """The connection broke, or ended before the end of the HTTP body."""
    TTFT_DEADLINE = "ttft deadline"
    TOTAL_DEADLINE = "total deadline"
    TOO_LARGE = "too large"
    PROVED = "proved"
    """The answer proved its end, and the connection stayed open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The phases of the connection. None: not measured, or not reached."""

    cold: bool | None = None
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    rtt_s: float | None = None
    retransmits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The source of the timestamps, and the delays of the reads."""

    timing: Timing
    clock_step: bool
    rx_lag_s: float | None
    """The largest delay between a kernel timestamp and its read; None: no kernel timestamps."""
    body_lags_s: tuple[float, ...] = ()
    """The delay of each arrival of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """All recorded data of one probe. Times are on one monotonic clock."""

    began_at: datetime
    """Wall clock at the start of the probe."""
    began_ns: int
    connection: Connection = Connection()
    clocks: Clocks | None = None
    t0_ns: int | None = None
    head_ns: int | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    """As received. A provider may echo the key in it, so it is not in the repr."""
    arrivals: tuple[Arrival, ...] = ()
    ending: Ending = Ending.END_OF_FILE
    ended_ns: int
    fault: Fault | None = None
    """The fault, if the probe failed before or while reading the answer."""
