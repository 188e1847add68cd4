"""Turns each tick into a probe, or into a sample with the reason why no probe ran. All samples pass through it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.domain.maintenance import current
from monitor.scheduler.budget import Budgets
from monitor.scheduler.jobs import Job, run_for
from monitor.scheduler.retry_after import RetryAfter
from monitor.score.blame import BlameOverrides, blamed
from monitor.workers.limits import ConcurrencyLimits
from monitor.workers.runner import Prober, Runner
from probes._model import ErrorClass, Run, Sample
from probes._sample import unmeasured


class Dispatcher:
    """Turns ticks into samples and emits them, with the configured blame."""

    def __init__(
        self,
        prober: Prober,
        limits: ConcurrencyLimits,
        overrides: BlameOverrides,
        emit: Callable[[Sample], None],
        budgets: Budgets,
    ) -> None:
        self.runner = Runner(prober, limits, self._take)
        self._overrides = overrides
        self._aliases: Mapping[str, str] = {}
        self._emit = emit
        self._retry_after = RetryAfter()
        self._budgets = budgets

    def apply(self, overrides: BlameOverrides, aliases: Mapping[str, str]) -> None:
        """Use other blame overrides from now on. The samples of probes that run under a former id get the present id.

        `aliases`: former ids to present ones.
        """
        self._overrides = overrides
        self._aliases = aliases
        self._retry_after.rename(aliases)

    async def fire(self, job: Job, at: datetime) -> None:
        """Probe, unless the provider's `Retry-After` or budget forbids it.

        During maintenance nothing is probed and nothing is recorded.
        """
        if current(job.spec.maintenance, at) is not None:
            return
        run = run_for(job, at)
        held_back = self._held_back(job, run, at)
        if held_back is not None:
            self._take(held_back)
            return
        try:
            await self.runner.run(run)
        finally:
            self._budgets.release(run)

    def miss(self, job: Job, tick: datetime, error: ErrorClass) -> None:
        """Record a tick that could not run. During maintenance nothing is recorded."""
        if current(job.spec.maintenance, tick) is not None:
            return
        detail = "the previous run was still running" if error is ErrorClass.OVERRUN else "the monitor was not running"
        self._take(unmeasured(run_for(job, tick), error, detail, tick))

    def may_ask(self, endpoint: str, at: datetime) -> bool:
        """Whether an endpoint may be probed at `at`: no `Retry-After` is in force."""
        return self._retry_after.left_s(endpoint, at) is None

    def _held_back(self, job: Job, run: Run, at: datetime) -> Sample | None:
        """The sample to record when a probe must not run now; None: it may run, and its cost is reserved."""
        left_s = self._retry_after.left_s(run.endpoint.id, at)
        if left_s is not None:
            detail = f"Retry-After: the provider asks for no requests for another {math.ceil(left_s)} s"
            return unmeasured(run, ErrorClass.SKIPPED, detail, at)
        refusal = self._budgets.claim(run, job.probe.every_s, at)
        return None if refusal is None else unmeasured(run, ErrorClass.BUDGET, refusal, at)

    def _take(self, sample: Sample) -> None:
        name = self._aliases.get(sample.endpoint)
        if name is not None:
            sample = replace(sample, endpoint=name)
        self._retry_after.note(sample)
        self._budgets.charge(sample)
        self._emit(blamed(sample, self._overrides))
