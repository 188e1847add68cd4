"""The scoreboard: the state of every endpoint, and the published snapshot.

Samples are absorbed first and published afterwards in one step, so that a reader always sees a whole snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeAlias

from monitor.config.model import Config
from monitor.domain.incident import Incident
from monitor.domain.maintenance import next_change
from monitor.domain.status import Status
from monitor.scheduler.jobs import Job
from monitor.score.baseline import Baselines
from monitor.score.endpoint import EndpointState
from monitor.score.health import Observation
from monitor.score.incidents import IncidentTracker
from monitor.score.provider import ProviderState, has_fallen
from monitor.score.serialize import state_from_text, state_to_text
from monitor.scoreboard.absorbed import Absorbed, News
from monitor.scoreboard.due import DueTimes, RowAges
from monitor.scoreboard.row import Row, published_status, row
from monitor.scoreboard.scoring import scoring_params, within_slo
from monitor.scoreboard.snapshot import Snapshot, assemble, is_recent, summary
from monitor.traffic.calls import Call
from probes._model import ErrorClass, Sample, Task

_INSTANT = timedelta(microseconds=1)
_DUE_AT_ONCE = 200
"""Endpoints whose status is looked at in one commit since time may have changed it; a few milliseconds."""

Providers: TypeAlias = dict[str, ProviderState[EndpointState]]
"""By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A change of an endpoint's published status."""

    endpoint: str
    before: Status
    after: Status
    since: datetime


class Board:
    """The states of all endpoints of a configuration, and the newest snapshot.

    Three steps: samples are absorbed, committed once they are stored, and rendered on request.
    """

    def __init__(self, config: Config, jobs: Sequence[Job], now: datetime, *, rendered: bool = True) -> None:
        """`rendered` False: without rows, for a board that only collects data for another one."""
        self._vantage = config.vantage
        self._probes = config.probes
        self._specs = {spec.endpoint.id: spec for spec in config.endpoints}
        self._jobs: dict[str, list[Job]] = {name: [] for name in self._specs}
        for job in jobs:
            self._jobs[job.spec.endpoint.id].append(job)
        self._providers: Providers = {spec.endpoint.provider: ProviderState() for spec in config.endpoints}
        self._endpoints = {
            name: EndpointState(name, scoring_params(config, spec), self._providers[spec.endpoint.provider], now)
            for name, spec in self._specs.items()
        }
        for name, spec in self._specs.items():
            self._endpoints[name].pause(now, is_paused=not spec.enabled)
        self._ages = RowAges(self._specs, now)
        self._statuses = dict.fromkeys(self._specs, Status.UNKNOWN)
        self._counts = Counter(self._statuses.values())
        self._rows: dict[str, Row] = {}
        self._touched: set[str] = set()
        self._moments = DueTimes()
        self._is_changed = False
        self._replaced: list[dict[str, EndpointState] | dict[str, Row]] = []
        self.snapshot = assemble(config.vantage, now, {})
        """The newest snapshot."""
        if rendered:
            self.publish(now, sweep=True)

    def apply(self, other: Board, now: datetime, restored: Set[str] = frozenset()) -> tuple[Incident, ...]:
        """Use another configuration. The next commits update every endpoint; every row is outdated.

        `other` is a board of that configuration, which must not be used afterwards. An endpoint that stays keeps all
        that is known of it, and is judged by its new parameters. `restored` are those that `other` knows from the
        store, and has committed: a new one begins with that, and one that stays takes over the counts, since another
        endpoint was merged into it. Open incidents that cannot continue are returned with an end, to be stored.
        """
        before = self._endpoints
        self._replaced += [{**before}, other._endpoints, self._rows]
        self._take_settings(other)
        self._take_states(other, now)
        for name in before.keys() & restored:
            self._endpoints[name].take_counts(other._endpoints[name])
        self._moments = DueTimes()
        for name in self._specs:
            self._moments.put(name, now)
        former = {alias: spec.endpoint.id for spec in self._specs.values() for alias in spec.aliases}
        ended = (self._end_unless_probed(state, former) for state in before.values())
        return tuple(each for each in ended if each is not None)

    def _take_settings(self, other: Board) -> None:
        """Take over what another board's configuration says; every row is outdated."""
        self._vantage, self._probes = other._vantage, other._probes
        self._specs, self._jobs = other._specs, other._jobs
        self._ages = other._ages
        for name in self._specs:
            self._ages.touch(name)
        self._rows = {name: self._rows[name] for name in self._specs if name in self._rows}
        self._is_changed = True
        self._touched &= self._specs.keys()
        self._statuses = {name: self._statuses.get(name, status) for name, status in other._statuses.items()}
        self._counts = Counter(self._statuses.values())

    def _take_states(self, other: Board, now: datetime) -> None:
        """Keep the states of endpoints that stay, with their new parameters; take over those of new ones."""
        for provider in (*self._providers.values(), *other._providers.values()):
            provider.dismiss()
        self._providers = {name: self._providers.get(name, new) for name, new in other._providers.items()}
        states = {}
        for name, new in other._endpoints.items():
            states[name] = state = self._endpoints.get(name, new)
            provider = self._providers[self._specs[name].endpoint.provider]
            provider.restore(new.provider.belief)
            state.apply(new.params, provider)
            state.pause(now, is_paused=not self._specs[name].enabled)
        self._endpoints = states

    def release_in_steps(self) -> Iterator[None]:
        """Free what the last `apply` replaced, one object a step: to free very many at once takes long."""
        while self._replaced:
            replaced = self._replaced.pop()
            while replaced:
                replaced.popitem()
                yield

    def _end_unless_probed(self, state: EndpointState, former: Mapping[str, str]) -> Incident | None:
        """Its open incident with an end, where it is not probed any more. `former`: former ids to present ones."""
        incident = state.tracker.incident
        if incident is None or not state.tracker.is_confirmed or self._jobs.get(state.endpoint):
            return None
        if incident.ended_at is not None:  # an ended incident stays in the tracker until the next update
            return None
        heir = self._endpoints.get(former.get(state.endpoint, ""))
        if heir is not None and heir.tracker.incident is not None and heir.tracker.incident.id == incident.id:
            return None  # it continues under the present id
        state.tracker = IncidentTracker()
        return replace(incident, endpoint=state.endpoint if heir is None else heir.endpoint, ended_at=incident.last_at)

    def restore_states(self, states: Mapping[str, str], first_seen: Mapping[str, datetime]) -> None:
        """Restore stored states; endpoints that are not configured are ignored."""
        for name, state in self._endpoints.items():
            state.first_seen = first_seen.get(name)
            known = state_from_text(states[name]) if name in states else None
            if known is not None:
                state.health = known.health
                state.provider.restore(known.shared)

    def restore_incidents(self, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
        """Restore open incidents. Incidents that cannot continue are returned with an end.

        Those belong to endpoints that are no longer probed, or to two endpoints that were merged into one.
        """
        ended = []
        for incident in sorted(incidents, key=lambda incident: incident.began_at, reverse=True):
            state = self._endpoints.get(incident.endpoint)
            if state is None or not self._jobs[incident.endpoint] or state.tracker.is_confirmed:
                ended.append(replace(incident, ended_at=incident.last_at))
            else:
                state.tracker = IncidentTracker(incident=incident, is_confirmed=True)
        return tuple(ended)

    def states(self) -> Absorbed:
        """All states and open incidents as if each had changed, for a store that lost them."""
        states = self._endpoints.values()
        return Absorbed(
            states={state.endpoint: state_to_text(state.health, state.provider.belief) for state in states},
            due={},
            incidents=[
                state.tracker.incident for state in states if state.tracker.incident and state.tracker.is_confirmed
            ],
        )

    @property
    def open_incidents(self) -> Mapping[str, Incident]:
        """The confirmed incidents that have not ended, by endpoint."""
        trackers = ((name, state.tracker) for name, state in self._endpoints.items())
        return {
            name: tracker.incident
            for name, tracker in trackers
            if tracker.is_confirmed and tracker.incident is not None and tracker.incident.ended_at is None
        }

    def restore_counts(
        self, bucket_s: int, endpoint: str, at: datetime, *, task: Task, error: ErrorClass | None, count: int
    ) -> None:
        """Restore a stored count, for the windows that count by `bucket_s`."""
        if endpoint in self._endpoints:
            self._endpoints[endpoint].restore_counts(bucket_s, at, task=task, error=error, count=count)

    def restore_latency(self, samples: Iterable[Sample]) -> None:
        """Restore the latencies of the last half hour from stored samples."""
        for sample in samples:
            if sample.endpoint in self._endpoints:
                self._endpoints[sample.endpoint].restore(sample)

    def restore_traffic(
        self, bucket_s: int, endpoint: str, at: datetime, *, error: ErrorClass | None, count: int
    ) -> None:
        """Restore a stored count of real traffic, for the windows that count by `bucket_s`."""
        if endpoint in self._endpoints:
            self._endpoints[endpoint].restore_traffic(bucket_s, at, error, count)

    def baselines(self, endpoint: str, baselines: Baselines) -> None:
        """Set an endpoint's baselines for this hour; an endpoint that is not configured is ignored."""
        if endpoint in self._endpoints:
            self._endpoints[endpoint].baselines = baselines

    def is_new(self, endpoint: str, at: datetime) -> bool:
        """Whether an endpoint was never probed before a time."""
        first_seen = self._endpoints[endpoint].first_seen
        return first_seen is None or first_seen >= at

    def absorb(self, samples: Iterable[Sample], calls: Iterable[Call] = ()) -> Absorbed:
        """Judge samples and real traffic; nothing is published yet.

        Samples of endpoints that are not configured are ignored, and so is traffic that began in maintenance.
        """
        news = News()
        for sample in samples:
            state = self._endpoints.get(sample.endpoint)
            if state is not None:
                self._absorb_one(state, sample, news)
        for name, of_one in _by_endpoint(calls).items():
            if name in self._endpoints:
                self._absorb_calls(self._endpoints[name], of_one, news)
        self._touched |= news.touched
        states = {
            name: state_to_text(self._endpoints[name].health, self._endpoints[name].provider.belief)
            for name in news.touched
        }
        return Absorbed(states=states, due=news.due, incidents=[*news.incidents.values()])

    def _absorb_one(self, state: EndpointState, sample: Sample, news: News) -> None:
        """Judge a sample, and update the provider's other endpoints."""
        was, tracker = state.health.status, state.tracker
        state.absorb(sample, within_slo=within_slo(sample, self._probes.get(sample.probe)))
        news.note(state, tracker)
        # A sample that is not counted does not move the newest measurement: the next probe would be due at once.
        wanted = state.next_probe() if state.outcome(sample.error).counted else None
        if wanted is not None:
            news.due[state.endpoint] = wanted
        self._update_siblings(state, was, sample.started_at, news)

    def _absorb_calls(self, state: EndpointState, calls: Sequence[Call], news: News) -> None:
        """Judge an endpoint's real traffic."""
        news.touched.add(state.endpoint)
        for seen in state.count(calls):
            self._see(state, seen, news)

    def _see(self, state: EndpointState, seen: Observation, news: News) -> None:
        """Score an observation from traffic.

        Only a surprise requests a probe: a request after every observation would postpone the probe that was requested
        before.
        """
        was, tracker = state.health.status, state.tracker
        state.see(seen)
        news.note(state, tracker)
        if seen.outcome.counted and state.health.since_surprise == 0:
            news.due[state.endpoint] = seen.at
        self._update_siblings(state, was, seen.at, news)

    def _update_siblings(self, state: EndpointState, was: Status, at: datetime, news: News) -> None:
        """Update the provider's other endpoints after a sample of this one."""
        fell = has_fallen(was, state.health.status)
        for other in state.provider.affected(state, fell=fell):
            tracker = other.tracker
            if other.settle(at):
                news.note(other, tracker)
            if fell and other.is_behind(state):
                news.due[other.endpoint] = at

    @property
    def summary(self) -> str:
        """The number of endpoints of each status now, in one line."""
        return summary(self._counts)

    def endpoint(self, endpoint: str) -> EndpointState:
        """The state of an endpoint, read only. Raises KeyError when it is not configured."""
        return self._endpoints[endpoint]

    @property
    def next_moment(self) -> datetime | None:
        """When `commit` is due even without samples: time alone may change a status."""
        return self._moments.earliest

    def commit(self, now: datetime, *, everything: bool = False) -> Sequence[StatusChange]:
        """Publish what was absorbed, once it is stored. Returns the changed statuses; time may have changed some.

        If time may have changed very many, the next commit is due at once. `everything`: also publish the restored
        endpoints.
        """
        names = dict.fromkeys(self._specs if everything else self._touched)
        self._touched = set()
        for name in names:
            self._endpoints[name].show()
        names.update(dict.fromkeys(islice(self._moments.take(now), _DUE_AT_ONCE)))
        return [change for name in names if (change := self._follow(name, now))]

    def clock_stepped(self, now: datetime) -> None:
        """The wall clock was stepped: the next commit updates every endpoint, since earlier due times are wrong."""
        self._moments = DueTimes()
        for name in self._specs:
            self._endpoints[name].bound(now)
            self._moments.put(name, now)

    def take_counts(self, fresh: Board) -> None:
        """Take over the counts of a board of the same configuration that was just restored from the store."""
        for name, state in self._endpoints.items():
            state.take_counts(fresh._endpoints[name])
            self._ages.touch(name)

    def _follow(self, name: str, now: datetime) -> StatusChange | None:
        """Update an endpoint's published status, and when time alone may change it."""
        self._endpoints[name].bound(now)
        spec, seen, before = self._specs[name], self._endpoints[name].judged_status(now), self._statuses[name]
        self._ages.touch(name)
        stale_at = None if seen.stale_after is None else seen.stale_after + _INSTANT
        moments = (stale_at, next_change(spec.maintenance, now))
        self._moments.put(name, min((at for at in moments if at is not None and at > now), default=None))
        status, since = published_status(spec, seen, now, switched_at=self._endpoints[name].switched_at)
        if status is before:
            return None
        self._statuses[name] = status
        self._counts.subtract([before])
        self._counts.update([status])
        return StatusChange(endpoint=name, before=before, after=status, since=since)

    def overdue(self, now: datetime) -> list[str]:
        """The endpoints that have to be rendered before the next snapshot."""
        return self._ages.overdue(now)

    def render(self, names: Iterable[str], now: datetime) -> None:
        """Render the rows of these endpoints. A row that did not change stays the same object."""
        for name in names:
            if name not in self._specs:  # removed since the request for all rows
                continue
            old, new = self._rows.get(name), row(self._specs[name], self._endpoints[name], self._jobs[name], now)
            self._ages.rendered(name, now)
            if old is None or old.body != new.body:
                self._rows[name] = new
                self._is_changed = True

    def row(self, name: str, now: datetime) -> Row | None:
        """One endpoint's newest row; None: there is no such endpoint."""
        if name in self._specs and self._ages.is_overdue(name, now):
            self.render([name], now)
        return self._rows.get(name)

    @property
    def unrendered(self) -> list[str]:
        """The endpoints that have no row yet."""
        return [name for name in self._specs if name not in self._rows]

    def renew(self, now: datetime) -> Snapshot:
        """The snapshot of the rendered rows; the last one when no row has changed and it is recent."""
        if self._is_changed or not is_recent(self.snapshot, now):
            self._is_changed = False
            rows = {name: self._rows[name] for name in self._specs if name in self._rows}
            self.snapshot = assemble(self._vantage, now, rows)
        return self.snapshot

    def publish(self, now: datetime, *, sweep: bool = False) -> Snapshot:
        """Commit, render and renew in one step; `sweep`: render every row."""
        self.commit(now, everything=sweep)
        self.render([*self._specs] if sweep else self._ages.touched, now)
        return self.renew(now)


def _by_endpoint(calls: Iterable[Call]) -> Mapping[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in calls:
        if call.judges:
            found.setdefault(call.endpoint, []).append(call)
    return found
