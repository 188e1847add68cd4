"""Reads from the store what is usual of each endpoint at the hour that comes, while the daemon runs.

Once at the start, then before each full hour: an endpoint at a time, with a pause after each, so that neither the loop
nor the store is busy with it. What was read is handed over when its hour begins. While the store fails, the habits
that were handed over before stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.score.baseline import FIGURES, GENERATES, BaselineHistory, Baselines, Basis, baselines_of, starts
from monitor.store import Bucket, Store, StoreError
from monitor.store.rollup import RecordedEnding
from probes._model import Blame, Task

log = logging.getLogger(__name__)

_NEAR: Final = (Basis.WEEKDAY, Basis.HOUR)
"""What is read first: eighteen hours. All those of a week are read only where these are not enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCallbacks:
    """Who is asked, and who is told of what."""

    now: Callable[[], datetime]
    troubled: Callable[[], bool]
    """Whether the store does not take samples."""
    baselines: Callable[[str, Baselines], None]
    """Takes an endpoint's id, and what is usual of it at the hour that has begun."""
    is_new: Callable[[str, datetime], bool] = lambda *_: False
    """Whether an endpoint has no samples from before an hour, so that there is nothing to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineIntervals:
    """How often things are done."""

    ahead: timedelta = timedelta(minutes=5)
    """How long before an hour reading for it begins."""
    breath_s: float = 0.02
    """From one endpoint to the next."""
    look_s: float = 5.0
    """From one look at the clock to the next when nothing is to be read, and to the next try after a failure."""


class BaselineReader:
    """Keeps every endpoint's habits those of the hour."""

    def __init__(
        self,
        store: Store,
        tasks: Mapping[str, Task],
        callbacks: BaselineCallbacks,
        intervals: BaselineIntervals = BaselineIntervals(),
    ) -> None:
        """`tasks`: by endpoint id, whose times and speeds it is judged by."""
        self._store = store
        self._tasks = _generating(tasks)
        self._callbacks = callbacks
        self._intervals = intervals
        self._hour: datetime | None = None
        self._waiting: deque[str] = deque()
        self._ready: dict[str, Baselines] = {}
        self.error: str | None = None
        """Why it could not read some of what it last tried to; None: it could."""

    def apply(self, tasks: Mapping[str, Task]) -> None:
        """Keep the baselines of other endpoints from now on; those of this hour are read anew."""
        self._tasks = _generating(tasks)
        self._hour = None
        self._waiting.clear()
        self._ready = {}

    async def run(self) -> None:
        """Read and hand over until cancelled."""
        while True:
            hour = self._hour_at(self._callbacks.now())
            if hour != self._hour:
                self._begin(hour)
            going_well = await self._read_next(hour)
            if self._callbacks.now() >= hour:
                self._hand_over()
            await asyncio.sleep(self._intervals.breath_s if going_well else self._intervals.look_s)

    def _hour_at(self, now: datetime) -> datetime:
        """The hour to read for: the one that is, until all of it is read, then the one that comes."""
        present = _hour_of(now)
        if self._hour is None or (self._hour == present and self._waiting):
            return present
        return _hour_of(now + self._intervals.ahead)

    def _begin(self, hour: datetime) -> None:
        """All is to be read for another hour; what was not handed over by now is for no hour that comes."""
        self._hour = hour
        self._waiting = deque(name for name in self._tasks if not self._callbacks.is_new(name, hour))
        self._ready = {}

    async def _read_next(self, hour: datetime) -> bool:
        """Read what is usual of one endpoint; False when there is none to be read, or none can be."""
        if not self._waiting or self._callbacks.troubled():
            return False
        name = self._waiting[0]
        try:
            baselines = await self._read(name, self._tasks[name], hour)
        except StoreError as error:
            self._failed(str(error))
        except Exception as error:
            if self.error is None:
                log.exception("reading failed in a way that the store does not know", extra={"action": "habits_failed"})
            self._failed(f"{type(error).__name__} inside the store")
        else:
            if self._waiting and self._waiting[0] == name:  # else there are other endpoints by now
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
        return [_past_of(bucket) for bucket in await self._store.hours(name, task, hours, FIGURES)]

    def _hand_over(self) -> None:
        for name, baselines in self._ready.items():
            self._callbacks.baselines(name, baselines)
        self._ready = {}

    def _failed(self, reason: str) -> None:
        """One endpoint that cannot be read does not keep the others from being read."""
        self._waiting.rotate(-1)
        if self.error is None:
            log.warning("habits stay as they were, tried again later: %s", reason, extra={"action": "habits_failed"})
        self.error = reason

    def _recovered(self) -> None:
        """Only when all were read: where some can never be, each round would tell so anew."""
        if self.error is not None and not self._waiting:
            log.info("habits are read again", extra={"action": "habits_recovered"})
            self.error = None


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
