"""Refreshes the baselines of every endpoint from the store while the daemon runs.

Once at start, then before each full hour: one endpoint at a time, with a pause after each, so that neither the event
loop nor the store is busy with it. New baselines take effect when their hour begins. While the store fails, the old
ones stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.domain.ongoing_failure import OngoingFailure
from monitor.pipeline.store_call import store_call
from monitor.score.baseline import BASELINE_FIGURES, GENERATES, BaselineHistory, Baselines, Basis, baselines_of, starts
from monitor.store import Bucket, Store, StoreError
from monitor.store.rollup import RecordedEnding
from probes._model import Blame, Task

log = logging.getLogger(__name__)

_NEAR: Final = (Basis.WEEKDAY, Basis.HOUR)
"""Read first: eighteen hours. All hours of a week are read only if these are not enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCallbacks:
    """The functions that the reader calls."""

    now: Callable[[], datetime]
    troubled: Callable[[], bool]
    """Whether the store fails."""
    baselines: Callable[[str, Baselines], None]
    """Takes an endpoint's id and its baselines for the current hour."""
    is_new: Callable[[str, datetime], bool] = lambda *_: False
    """Whether an endpoint has no samples from before an hour, so that there is nothing to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineIntervals:
    """Intervals of the reader."""

    ahead: timedelta = timedelta(minutes=5)
    """How long before an hour its baselines are read."""
    breath_s: float = 0.02
    """Pause between two endpoints."""
    look_s: float = 5.0
    """Interval of clock checks while there is nothing to read; also the pause before the next try after a failure."""


class BaselineReader:
    """Keeps the baselines of every endpoint current."""

    def __init__(
        self,
        store: Store,
        tasks: Mapping[str, Task],
        callbacks: BaselineCallbacks,
        intervals: BaselineIntervals = BaselineIntervals(),
    ) -> None:
        """`tasks`: by endpoint id, its headline task."""
        self._store = store
        self._tasks = _generating(tasks)
        self._callbacks = callbacks
        self._intervals = intervals
        self._hour: datetime | None = None
        self._waiting: deque[str] = deque()
        self._ready: dict[str, Baselines] = {}
        self._failure = OngoingFailure()

    @property
    def error(self) -> str | None:
        """Why the last read failed; None: it succeeded."""
        return self._failure.reason

    def apply(self, tasks: Mapping[str, Task]) -> None:
        """Use other endpoints from now on. The baselines of this hour are read again."""
        self._tasks = _generating(tasks)
        self._hour = None
        self._waiting.clear()
        self._ready = {}

    async def run(self) -> None:
        """Read and hand over baselines until cancelled."""
        while True:
            hour = self._hour_at(self._callbacks.now())
            if hour != self._hour:
                self._begin(hour)
            going_well = await self._read_next(hour)
            if self._callbacks.now() >= hour:
                self._hand_over()
            await asyncio.sleep(self._intervals.breath_s if going_well else self._intervals.look_s)

    def _hour_at(self, now: datetime) -> datetime:
        """The hour to read for: the current one until all endpoints are read, then the next one."""
        present = _hour_of(now)
        if self._hour is None or (self._hour == present and self._waiting):
            return present
        return _hour_of(now + self._intervals.ahead)

    def _begin(self, hour: datetime) -> None:
        """Start over for another hour; baselines that were not handed over by now are out of date."""
        self._hour = hour
        self._waiting = deque(name for name in self._tasks if not self._callbacks.is_new(name, hour))
        self._ready = {}

    async def _read_next(self, hour: datetime) -> bool:
        """Read the baselines of one endpoint; False: there is nothing to read, or the store fails."""
        if not self._waiting or self._callbacks.troubled():
            return False
        name = self._waiting[0]
        try:
            with store_call(self._failure, log, "baselines not read: unexpected error", "habits_failed"):
                baselines = await self._read(name, self._tasks[name], hour)
        except StoreError as error:
            self._failed(str(error))
        else:
            if self._waiting and self._waiting[0] == name:  # otherwise `apply` changed the endpoints meanwhile
                self._ready[self._waiting.popleft()] = baselines
            self._recovered()
            return True
        return False

    async def _read(self, name: str, task: Task, hour: datetime) -> Baselines:
        near = {start for basis in _NEAR for start in starts(basis, hour)}
        past = await self._past(name, task, near)
        baselines = baselines_of(hour, task, past)
        if baselines.ttft_s is None or baselines.output_tps is None:
            more = await self._past(name, task, {*starts(Basis.WEEK, hour)} - near)
            baselines = baselines_of(hour, task, [*past, *more])
        return baselines

    async def _past(self, name: str, task: Task, hours: Collection[datetime]) -> list[BaselineHistory]:
        return [_past_of(bucket) for bucket in await self._store.hours(name, task, hours, BASELINE_FIGURES)]

    def _hand_over(self) -> None:
        for name, baselines in self._ready.items():
            self._callbacks.baselines(name, baselines)
        self._ready = {}

    def _failed(self, reason: str) -> None:
        """Go on with the other endpoints, and log the first failure."""
        self._waiting.rotate(-1)
        if self._failure.begins(reason):
            log.warning("baselines not refreshed; trying again: %s", reason, extra={"action": "habits_failed"})

    def _recovered(self) -> None:
        """Log the recovery once all endpoints are read. Otherwise one unreadable endpoint would log every round."""
        if not self._waiting and self._failure.ends():
            log.info("baselines refreshed again", extra={"action": "habits_recovered"})


def _past_of(bucket: Bucket) -> BaselineHistory:
    counts = bucket.rollup.counts
    return BaselineHistory(
        start=bucket.start,
        bins={name: found.bins() for name, found in bucket.rollup.sketches.items()},
        ok=counts.get(RecordedEnding(), 0),
        failed=sum(count for ending, count in counts.items() if ending.blame is Blame.PROVIDER),
    )


def _generating(tasks: Mapping[str, Task]) -> Mapping[str, Task]:
    return {name: task for name, task in tasks.items() if task in GENERATES}


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
