"""Makes a scheduled probe happen: waits for a free place, hands it to the prober, records what came of it."""

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
"""How long beyond its own deadlines a probe may take before it is given up as the monitor's fault."""


class Prober(Protocol):
    """What makes probes: a process of its own, this process, or one day a fleet."""

    async def measure(self, run: Run) -> Sample:
        """Make one probe and record it; a failure is a sample too."""


class Runner:
    """Runs probes within the limits and hands every sample on."""

    def __init__(
        self, prober: Prober, limits: ConcurrencyLimits, emit: Callable[[Sample], None], margin_s: float = _MARGIN_S
    ) -> None:
        self._prober = prober
        self._limits = limits
        self._emit = emit
        self._margin_s = margin_s
        self.waiting_since_s: dict[str, float] = {}
        """Since when, on the event loop's clock, each run waits for a place."""
        self.running_until_s: dict[str, float] = {}
        """By when the prober has to have answered each run."""
        self.given_up_s: list[float] = []
        """By when it should have answered those that were given up since it last answered any."""

    async def run(self, run: Run) -> Sample:
        """Make one probe. Whatever happens, one sample comes of it, and it is emitted before this returns."""
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
            self.given_up_s.append(self.running_until_s[run.id])
            detail = "the probing process did not answer in time"
        except Exception as error:
            log.exception("a probe failed inside the monitor", extra={"action": "probe_failed"})
            detail = f"{type(error).__name__} inside the monitor"
        else:
            self.given_up_s.clear()
            return sample
        return unmeasured(run, ErrorClass.INTERNAL, detail, datetime.now(UTC))
