"""Outcomes of samples, and the counts of a window with their confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from probes._model import Blame, ErrorClass

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


class SampleOutcome(IntEnum):
    """The outcome of a sample for the counts. The number is its index in a vector of counts."""

    OK = 0
    FAILED = 1
    RATE_LIMITED = 2
    ACCOUNT = 3
    MONITOR = 4
    NETWORK = 5

    @property
    def counted(self) -> bool:
        """Whether it counts in the denominator of uptime."""
        return self is SampleOutcome.OK or self is SampleOutcome.FAILED


_BY_BLAME = {
    Blame.PROVIDER: SampleOutcome.FAILED,
    Blame.ACCOUNT: SampleOutcome.ACCOUNT,
    Blame.MONITOR: SampleOutcome.MONITOR,
    Blame.NETWORK: SampleOutcome.NETWORK,
}


def outcome(error: ErrorClass | None, blame: Blame | None, *, count_wrong_answers: bool) -> SampleOutcome:
    """The outcome of a sample with this error and blame. A wrong answer that does not count is a success."""
    if error is None or (error is ErrorClass.WRONG_ANSWER and not count_wrong_answers):
        return SampleOutcome.OK
    if error is ErrorClass.RATE_LIMITED and blame is Blame.ACCOUNT:
        return SampleOutcome.RATE_LIMITED
    return _BY_BLAME[error.blame if blame is None else blame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The number of samples of each outcome in a window."""

    ok: int = 0
    failed: int = 0
    rate_limited: int = 0
    account: int = 0
    monitor: int = 0
    network: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            ok=self.ok + other.ok,
            failed=self.failed + other.failed,
            rate_limited=self.rate_limited + other.rate_limited,
            account=self.account + other.account,
            monitor=self.monitor + other.monitor,
            network=self.network + other.network,
        )

    @property
    def all(self) -> int:
        """Samples of every outcome."""
        return self.counted + self.rate_limited + self.account + self.monitor + self.network

    @property
    def counted(self) -> int:
        """Samples in uptime's denominator."""
        return self.ok + self.failed

    @property
    def ratio(self) -> float | None:
        """Uptime, 0..1; None without a counted sample."""
        return self.ok / self.counted if self.counted else None

    @property
    def ci95(self) -> tuple[float, float] | None:
        """The Wilson 95 % interval of the ratio."""
        return wilson(self.ok, self.counted) if self.counted else None


NOTHING = Counts()
"""The counts of an empty window."""


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """The Wilson score interval at 95 % (Wilson 1927). `trials` is above 0; both may be weights."""
    share = successes / trials
    spread = Z95 * Z95 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    # Rounding may leave the share outside by its last bit: a provider without a failure would not reach 1.
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
