"""What one probe saw on the wire: what the driver brings home. Pure."""

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
    """The connection broke, or ended in the middle of what HTTP had promised."""
    TTFT_DEADLINE = "ttft deadline"
    TOTAL_DEADLINE = "total deadline"
    TOO_LARGE = "too large"
    PROVED = "proved"
    """The answer had proved its end, and the connection stayed open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the connection came about and fared. None: not measured, or not reached."""

    cold: bool | None = None
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    rtt_s: float | None = None
    retransmits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How arrivals were stamped."""

    timing: Timing
    clock_step: bool
    rx_lag_s: float | None
    """Worst delay between the kernel's stamp and our reading; None without kernel stamps."""
    body_lags_s: tuple[float, ...] = ()
    """The same for each arrival of the body, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Everything one probe saw. Times are of one monotonic clock."""

    began_at: datetime
    """Wall clock at the beginning of the probe."""
    began_ns: int
    connection: Connection = Connection()
    clocks: Clocks | None = None
    t0_ns: int | None = None
    head_ns: int | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    """As it came: a provider may echo the key in it, so it is in no repr."""
    arrivals: tuple[Arrival, ...] = ()
    ending: Ending = Ending.END_OF_FILE
    ended_ns: int
    fault: Fault | None = None
    """What went wrong before an answer's head was there."""


def is_success(status: int | None) -> bool:
    """Whether an answer's status is 2xx."""
    return status is not None and 200 <= status < 300  # noqa: PLR2004  # HTTP's own line
