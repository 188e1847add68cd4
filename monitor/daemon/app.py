"""The daemon: wires all parts together. Only this module imports all others."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from monitor import __version__
from monitor.config import unused_proxy
from monitor.config.model import Config
from monitor.daemon import systemd
from monitor.daemon.event_log import EventLog, log_sample
from monitor.daemon.garbage import collect_at_intervals, stop_automatic_full_collections
from monitor.daemon.heartbeat import Heartbeat, HeartbeatCallbacks, ProbeProgress
from monitor.daemon.log_queue import LogLosses
from monitor.daemon.pages import pages_context
from monitor.daemon.reload import Parts, Reload
from monitor.daemon.resource_limits import needs, shortages
from monitor.daemon.servers import Servers
from monitor.daemon.signals import done_before, stop_on_signals
from monitor.daemon.values import PartValues, values_of
from monitor.metrics.metrics import Metrics
from monitor.pipeline.baselines import BaselineCallbacks, BaselineReader
from monitor.pipeline.housekeeper import Housekeeper, HousekeeperCallbacks
from monitor.pipeline.outbox import Outbox
from monitor.pipeline.outcomes import OutcomeCallbacks, OutcomeReceiver
from monitor.pipeline.recorder import Recorder, RecorderCallbacks
from monitor.pipeline.restore import Recounter, aliases_of, restore, restore_budgets
from monitor.routing.file_writer import FileWriter
from monitor.routing.haproxy_agent import HaproxyAgent
from monitor.scheduler.budget import Budgets
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.scheduler import Schedule
from monitor.scoreboard.board import Board, StatusChange
from monitor.scoreboard.renderer import Renderer
from monitor.sinks import SampleOrigins, create_sinks
from monitor.store import Size, Store, create_store
from monitor.store.retention_clock import ClockReading
from monitor.vantage import GateCallbacks, NetworkGate, look_up
from monitor.web.context import Context, MonitorState, history_context
from monitor.workers.limits import ConcurrencyLimits
from monitor.workers.pool import STREAMS_PER_WORKER, WorkerPool
from probes._model import Sample

log = logging.getLogger(__name__)

_FLUSH_S = 5.0
_SWITCH_S = 0.0005
"""How long a computing thread, such as a history read, may delay the event loop each time."""


class Daemon:
    """All parts of the running daemon."""

    def __init__(self, config: Config, store: Store, env: Mapping[str, str], stop: asyncio.Event | None = None) -> None:
        self._values = values = values_of(config, datetime.now(UTC))
        self._store, self._store_url = store, config.store
        self._stop = stop or asyncio.Event()
        self._env = env
        self._notifier = systemd.Notifier.from_env(env)
        self._summary = ""
        self._clock: ClockReading | None = None
        self._board = values.board
        self._board.publish(datetime.now(UTC), sweep=True)
        self._events = EventLog(self._board, lambda: datetime.now(UTC))
        self._renderer = Renderer(self._board, lambda: datetime.now(UTC))
        self._origins = SampleOrigins(values.origins)
        sinks = create_sinks(config, self._origins)
        self._outbox = Outbox([created.sink for created in sinks], store)
        self._budgets = Budgets(values.caps, values.providers)
        self._files = FileWriter(config.publish_files)
        self._metrics = self._make_metrics()
        self._recorder = self._make_recorder()
        self._outcomes = self._make_outcomes()
        self._housekeeper, self._baselines = self._make_upkeep()
        self._gate = self._make_gate()
        self._limits = ConcurrencyLimits(config.max_concurrent, values.limits)
        self._pool = WorkerPool(
            config.max_concurrent, self._metrics.worker_restarts.inc, self._metrics.loop_lag.labels("probing").observe
        )
        self._dispatcher = Dispatcher(self._pool, self._limits, config.scoring.blame, self._gate.put, self._budgets)
        self._schedule = Schedule(values.jobs, self._dispatcher.fire, self._dispatcher.miss)
        self._recounter = Recounter(self._board, self._make_board, self._recorder, store)
        self._heartbeat = self._make_heartbeat(env)
        self._history = history_context(lambda: self._config, store)
        self._servers = self._make_servers()
        self._reload = Reload(self._make_parts(), values, sinks, self._use)
        self._show_own_state()

    @property
    def _config(self) -> Config:
        return self._values.config

    async def apply(self, config: Config) -> None:
        """Use another configuration from now on. The URL of the store stays: another one needs a restart.

        Raises OSError with the key if an address cannot be used, StoreError if the store cannot tell the history of new
        endpoints, and whatever the code of a sink raises. Then nothing has changed.
        """
        if self._stop.is_set():
            return
        before = self._config
        await self._reload.apply(config)
        warn(config, before, self._env)
        if config.store != self._store_url:
            log.warning("the store stays as it is: another `store` needs a restart", extra={"action": "restart_needed"})

    def _use(self, values: PartValues) -> None:
        self._values = values

    def _make_board(self, now: datetime) -> Board:
        """An empty board of the current configuration."""
        return Board(self._config, self._values.jobs, now, rendered=False)

    def _make_metrics(self) -> Metrics:
        metrics = Metrics(
            __version__,
            lambda: self._board.snapshot,
            lambda: self._outbox.runners,
            lambda: self._budgets.shares(datetime.now(UTC)),
            self._config.metrics,
        )
        for endpoint, task in self._values.expected:
            metrics.expect(endpoint, task, self._config.scoring.blame)
        return metrics

    def _make_servers(self) -> Servers:
        context = Context(
            snapshot=lambda: self._board.snapshot,
            problems=self._problems,
            warnings=self._warnings,
            metrics=self._metrics.text,
            history=self._history,
            outcomes=lambda: None if self._config.token is None else self._outcomes.take,
            pages=pages_context(lambda: self._values, self._monitor, self._board, self._budgets),
            render=self._renderer.snapshot,
            render_row=self._renderer.row,
        )
        agent = HaproxyAgent(lambda: self._board.snapshot, self._metrics.agent_unknown.inc, self._renderer.row)
        return Servers(self._config, context, agent)

    def _monitor(self) -> MonitorState:
        probing = self._schedule.running and not self._stop.is_set()
        store_error, online = self._recorder.store_error, self._gate.online
        return MonitorState(probing=probing, store_error=store_error, online=online, warnings=self._warnings())

    def _make_parts(self) -> Parts:
        return Parts(
            store=self._store,
            board=self._board,
            renderer=self._renderer,
            events=self._events,
            metrics=self._metrics,
            recorder=self._recorder,
            outcomes=self._outcomes,
            budgets=self._budgets,
            limits=self._limits,
            pool=self._pool,
            dispatcher=self._dispatcher,
            gate=self._gate,
            schedule=self._schedule,
            housekeeper=self._housekeeper,
            baselines=self._baselines,
            recounter=self._recounter,
            files=self._files,
            origins=self._origins,
            outbox=self._outbox,
            servers=self._servers,
        )

    def _make_recorder(self) -> Recorder:
        callbacks = RecorderCallbacks(
            observe=self._observe,
            published=self._published,
            due=self._due,
            dropped=self._metrics.store_dropped.inc,
            stored=self._outbox.wake,
            absorbed=self._events.absorbed,
        )
        return Recorder(self._board, self._store, callbacks)

    def _make_outcomes(self) -> OutcomeReceiver:
        callbacks = OutcomeCallbacks(
            now=lambda: datetime.now(UTC),
            take=self._recorder.take,
            count=lambda result, count: self._metrics.outcomes.labels(result).inc(count),
        )
        return OutcomeReceiver(self._values.reader, callbacks, spans=self._values.spans)

    def _make_upkeep(self) -> tuple[Housekeeper, BaselineReader]:
        housekeeper_callbacks = HousekeeperCallbacks(
            now=lambda: datetime.now(UTC),
            troubled=lambda: self._recorder.store_error is not None,
            slice_done=self._metrics.tidied,
            measured=self._measured,
            clock_read=self._clock_read,
        )
        baseline_callbacks = BaselineCallbacks(
            now=housekeeper_callbacks.now,
            troubled=housekeeper_callbacks.troubled,
            baselines=self._board.baselines,
            is_new=self._board.is_new,
        )
        return (
            Housekeeper(self._store, self._config.retention, housekeeper_callbacks),
            BaselineReader(self._store, self._values.tasks, baseline_callbacks),
        )

    def _make_gate(self) -> NetworkGate:
        callbacks = GateCallbacks(
            emit=self._recorder.put,
            now=lambda: datetime.now(UTC),
            look_up=look_up,
            probing=lambda: bool(self._dispatcher.runner.running_until_s),
        )
        return NetworkGate(self._values.watched, callbacks)

    def _make_heartbeat(self, env: Mapping[str, str]) -> Heartbeat:
        callbacks = HeartbeatCallbacks(
            loop_lag=self._metrics.loop_lag.labels("main").observe,
            log_losses=self._log_lost,
            is_ahead=self._schedule.is_ahead,
            clock_stepped=self._clock_stepped,
            is_alive=ProbeProgress(self._schedule, self._dispatcher.runner, self._pool).is_alive,
        )
        return Heartbeat(callbacks, self._notifier, systemd.watchdog_interval_s(env, os.getpid()))

    def _show_own_state(self) -> None:
        """Set the metrics that are computed at each scrape."""
        self._metrics.store_queue.set_function(lambda: self._recorder.queue_length)
        self._metrics.store_failing.set_function(lambda: self._recorder.store_error is not None)
        self._metrics.vantage_online.set_function(lambda: self._gate.online)
        self._metrics.files_failing.set_function(lambda: self._files.failing)
        self._metrics.ready.set_function(lambda: not self._problems())

    async def run(self) -> None:
        """Run until asked to stop, then drain. Raises OSError if the listen address cannot be used."""
        if await done_before(self._stop, self._restore()):
            await self._run()

    async def _restore(self) -> None:
        async with self._reload.turn:
            await self._restore_parts()

    async def _restore_parts(self) -> None:
        ended = await restore(self._board, self._store, datetime.now(UTC))
        await restore_budgets(self._budgets, self._store, datetime.now(UTC))
        await self._outcomes.restore(self._store)
        await self._housekeeper.check_clock()
        self._board.commit(datetime.now(UTC), everything=True)
        self._events.start(self._values.providers, ended)
        gc.freeze()  # these objects live as long as the daemon; with many endpoints a collection takes long

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._history.store_reads.close)
            stack.push_async_callback(self._renderer.close)
            async with self._reload.turn:
                await stack.enter_async_context(self._servers.serving(self._config))
            for warning in self._config.warnings:
                log.warning("%s", warning, extra={"action": "config_warning"})
            url = self._servers.url
            log.info("listening on %s", url, extra={"action": "listening", "url": url, "version": __version__})
            await self._serve()

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._pool.supervise(), name="workers"),
                group.create_task(self._recorder.run(), name="recorder"),
                group.create_task(self._gate.run(), name="network-gate"),
                group.create_task(self._files.run(self._renderer.snapshot), name="files"),
                group.create_task(self._housekeeper.run(), name="housekeeper"),
                group.create_task(self._baselines.run(), name="baselines"),
                group.create_task(self._outbox.run(), name="sinks"),
                group.create_task(self._heartbeat.run(), name="heartbeat"),
                group.create_task(self._recounter.run(), name="recount"),
                group.create_task(collect_at_intervals(), name="garbage"),
            ]
            self._files.wake()
            self._schedule.start(datetime.now(UTC))
            self._notifier.ready()
            log.info("running", extra={"action": "started", "endpoints": len(self._values.providers)})
            try:
                await self._stop.wait()
                await self._drain()
            finally:
                await self._schedule.stop(0)  # no probe outlives a part that failed
            for task in helpers:
                task.cancel()
        await self._recorder.flush(_FLUSH_S)
        if self._config.publish_files:
            self._files.write(await self._renderer.snapshot())
        log.info("stopped", extra={"action": "stopped"})

    async def _drain(self) -> None:
        self._notifier.stopping()
        log.info("stopping; waiting for running probes", extra={"action": "draining"})
        await self._schedule.stop(self._config.grace_s)
        self._gate.end()

    def _measured(self, size: Size) -> None:
        self._metrics.store_size.set(size.total_bytes)
        self._metrics.store_free.set(size.free_bytes)

    def _clock_read(self, reading: ClockReading) -> None:
        self._clock = reading
        self._metrics.clock_ahead.set(reading.ahead.total_seconds())

    def _observe(self, sample: Sample) -> None:
        provider = self._values.providers.get(sample.endpoint)
        if provider is not None:  # else its endpoint was removed while it was probed
            self._metrics.observe(sample, provider)
        log_sample(sample)

    def _published(self, changes: Sequence[StatusChange]) -> None:
        self._files.wake()
        self._events.changed(changes)
        summary = self._board.summary if changes or not self._summary else self._summary
        if summary != self._summary:
            self._summary = summary
            self._notifier.status(summary)

    def _due(self, endpoint: str, at: datetime) -> None:
        now = datetime.now(UTC)
        if self._stop.is_set() or endpoint not in self._values.adaptive:
            return
        if self._dispatcher.may_ask(endpoint, max(at, now)):
            self._schedule.probe_by(endpoint, at, now)

    def _problems(self) -> tuple[str, ...]:
        found = [] if self._schedule.running and not self._stop.is_set() else ["the schedule is not running"]
        if self._recorder.store_error is not None:
            found.append(f"the store does not accept samples: {self._recorder.store_error}")
        return tuple(found)

    def _warnings(self) -> tuple[str, ...]:
        if self._clock is None or not self._clock.is_held:
            return ()
        return (
            f"this machine's clock is {self._clock.ahead.total_seconds() / 3600:.1f} hours ahead of the newest time "
            "in the store: retention deletes nothing for now; if the clock is wrong, set it",
        )

    def _log_lost(self, lost: LogLosses) -> None:
        self._metrics.log_dropped.inc(lost.dropped)
        self._metrics.log_suppressed.inc(lost.suppressed)

    def _clock_stepped(self, now: datetime) -> None:
        """Continue with the new time."""
        self._schedule.realign(now)
        self._gate.clock_stepped()
        self._board.clock_stepped(now)
        self._housekeeper.look()
        self._recounter.wake()


def warn(config: Config, before: Config | None, env: Mapping[str, str]) -> None:
    """Log what an operator should know of a configuration, unless it was true before, too. None: the daemon starts."""
    proxy_note = unused_proxy(config, env)
    if proxy_note is not None and (before is None or unused_proxy(before, env) != proxy_note):
        log.warning(proxy_note, extra={"action": "proxy_unused"})
    if before is None or config.max_concurrent > before.max_concurrent:
        for shortage in shortages(needs(config.max_concurrent, STREAMS_PER_WORKER)):
            log.warning(shortage, extra={"action": "limits_low"})
    if before is None:
        return
    for warning in config.warnings:
        if warning not in before.warnings:
            log.warning("%s", warning, extra={"action": "config_warning"})


async def _open(store: Store, config: Config) -> None:
    await store.claim()
    await store.open()
    await store.rename(aliases_of(config))


async def run_daemon(config: Config, env: Mapping[str, str]) -> None:
    """Open the store and run the daemon. Raises StoreError or OSError if it cannot start."""
    stop = stop_on_signals()
    warn(config, None, env)
    sys.setswitchinterval(_SWITCH_S)
    stop_automatic_full_collections()
    store = create_store(config.store)
    try:
        if await done_before(stop, _open(store, config)):
            await Daemon(config, store, env, stop).run()
    finally:
        await store.close()
