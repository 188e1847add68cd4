"""The data that routes serve, passed from the daemon to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from monitor.config.model import Config
from monitor.domain.incident import Incident
from monitor.history.buckets import OutcomeOf
from monitor.scheduler.budget import ProviderSpending
from monitor.scheduler.jobs import Job, headline_task
from monitor.score.blame import blame_of
from monitor.score.outcomes import SampleOutcome, outcome
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot
from monitor.store import Store
from monitor.traffic.calls import Receipt
from monitor.web.scrape import Exposition
from monitor.web.store_reads import StoreReads
from probes._model import ErrorClass, Task

OutcomesTaker: TypeAlias = Callable[[object], Awaitable[Receipt]]
"""Accepts a batch of reports."""


async def _no_metrics(*, openmetrics: bool) -> bytes:
    return b"# EOF\n" if openmetrics else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The data that routes serve."""

    snapshot: Callable[[], Snapshot]
    """The newest rendered snapshot, for data that does not change while the daemon runs."""
    problems: Callable[[], tuple[str, ...]]
    """Why the daemon is not ready; empty if it is ready."""
    warnings: Callable[[], tuple[str, ...]] = tuple
    """Problems of a daemon that is ready."""
    metrics: Exposition = _no_metrics
    history: HistoryContext | None = None
    """None: the routes of stored history do not exist."""
    outcomes: Callable[[], OutcomesTaker | None] = lambda: None
    """What accepts reports of real traffic; None: no token is configured now, so reports are refused."""
    pages: PagesContext | None = None
    """None: there are no pages."""
    render: Callable[[], Awaitable[Snapshot]] | None = None
    """Renders the newest snapshot; None: `snapshot` is always the newest."""
    render_row: Callable[[str], Row | None] | None = None
    """Renders the newest row of one endpoint; None: `snapshot` is always the newest."""

    async def newest(self) -> Snapshot:
        """The newest snapshot."""
        return self.snapshot() if self.render is None else await self.render()

    def row(self, name: str) -> Row | None:
        """The newest row of an endpoint; None if there is no such endpoint."""
        return self.snapshot().rows.get(name) if self.render_row is None else self.render_row(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorState:
    """The state of the monitor itself at one moment."""

    probing: bool = True
    """Whether the schedule runs."""
    store_error: str | None = None
    """Why the store does not accept samples; None: it does."""
    online: bool = True
    """Whether the local network is."""
    warnings: tuple[str, ...] = ()
    """Problems of a monitor that is ready, such as a clock that is ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesContext:
    """What pages show besides the snapshot and the stored history."""

    is_on: Callable[[], bool]
    """Whether the configuration has pages."""
    now: Callable[[], datetime]
    monitor: Callable[[], MonitorState]
    jobs: Callable[[], Sequence[Job]]
    """The scheduled jobs."""
    incidents: Callable[[], Mapping[str, Incident]]
    """The open incidents by endpoint."""
    spending: Callable[[], Sequence[ProviderSpending]]
    """Today's cost of the probes by provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryContext:
    """The stored history, and the settings needed to interpret it."""

    store: Store
    now: Callable[[], datetime]
    task: Callable[[str], Task | None]
    """The task whose times and speeds are published for an endpoint; None if the endpoint is not probed."""
    judge: OutcomeOf
    raw: Callable[[], timedelta]
    """How long samples are kept."""
    store_reads: StoreReads


def history_context(config: Callable[[], Config], store: Store) -> HistoryContext:
    """The stored history, interpreted by the current configuration."""

    def task(name: str) -> Task | None:
        current = config()
        names = next((spec.probes for spec in current.endpoints if spec.endpoint.id == name), None)
        return None if names is None else headline_task([current.probes[probe] for probe in names])

    def judge(error: ErrorClass | None) -> SampleOutcome:
        scoring = config().scoring
        blame = None if error is None else blame_of(error, scoring.blame)
        return outcome(error, blame, count_wrong_answers=scoring.count_wrong_answers)

    return HistoryContext(
        store=store,
        now=lambda: datetime.now(UTC),
        task=task,
        judge=judge,
        raw=lambda: config().retention.raw,
        store_reads=StoreReads(),
    )
