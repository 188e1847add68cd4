"""Runs a scheduled probe: waits for the concurrency limits, hands the run to the prober, emits the sample."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Protocol

from monitor.workers.limits import ConcurrencyLimits
from probes._model import ErrorClass, Run, Sample
from probes._sample import unmeasured

log = logging.getLogger(__name__)

_MARGIN_S = 15.0
"""Time after its own deadlines at which a probe is abandoned as an error of the monitor."""


class Prober(Protocol):
    """Makes probes: in a worker process, or in this process."""

    async def measure(self, run: Run) -> Sample:
        """Make one probe. A failed probe gives a sample, too."""


class Runner:
    """Runs probes within the concurrency limits and emits every sample."""

    def __init__(
        self, prober: Prober, limits: ConcurrencyLimits, emit: Callable[[Sample], None], margin_s: float = _MARGIN_S
    ) -> None:
        self._prober = prober
        self._limits = limits
        self._emit = emit
        self._margin_s = margin_s
        self.waiting_since_s: dict[str, float] = {}
        """By run id, since when the run waits for the concurrency limits, on the event loop's clock."""
        self.running_until_s: dict[str, float] = {}
        """By run id, when the prober has to answer."""
        self.first_given_up_s: float | None = None
        """The earliest deadline of the runs that were given up since the prober's last answer; None: there are none."""

    async def run(self, run: Run) -> Sample:
        """Make one probe. Emits exactly one sample before it returns, also after an error."""
        try:
            sample = await self._measure(run)
        except asyncio.CancelledError:
            self._emit(unmeasured(run, ErrorClass.CANCELLED, "the monitor was stopped", datetime.now(UTC)))
            raise
        self._emit(sample)
        return sample

    async def _measure(self, run: Run) -> Sample:
        clock = asyncio.get_running_loop().time
        async with AsyncExitStack() as stack:
            self.waiting_since_s[run.id] = clock()
            try:
                await self._limits.take(run.endpoint.provider, stack)
            finally:
                del self.waiting_since_s[run.id]
            self.running_until_s[run.id] = clock() + run.deadlines.ttft_s + run.deadlines.total_s
            try:
                return await self._ask_prober(run, self.running_until_s[run.id] + self._margin_s)
            finally:
                del self.running_until_s[run.id]

    async def _ask_prober(self, run: Run, until_s: float) -> Sample:
        try:
            async with asyncio.timeout_at(until_s):
                sample = await self._prober.measure(run)
        except TimeoutError:
            deadline_s = self.running_until_s[run.id]
            self.first_given_up_s = min(deadline_s, self.first_given_up_s or deadline_s)
            detail = "the worker did not answer in time"
        except Exception as error:
            log.exception("probe failed: error inside the monitor", extra={"action": "probe_failed"})
            detail = f"{type(error).__name__} inside the monitor"
        else:
            self.first_given_up_s = None
            return sample
        return unmeasured(run, ErrorClass.INTERNAL, detail, datetime.now(UTC))
