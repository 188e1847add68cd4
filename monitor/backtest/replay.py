"""Replays samples to several policies: what each would have published, and how accurate that was. Pure.

Samples come in the order in which they became known. Before a sample is known, every policy gives its figure, which is
judged by that sample; then all policies see it. Samples that became known at the same moment are seen after all figures
for them are taken, so their order does not matter.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from monitor.backtest.calibration import Calibration, CalibrationBin
from monitor.backtest.outages import AlarmRecord, Alarms, OutageDetector, OutageEvent
from monitor.backtest.policies import CountedSample, Policy, policy_factory
from probes._quantiles import quantile

_MONTH_S: Final = 30 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayMember:
    """An endpoint whose samples are replayed."""

    provider: str
    stale_s: float
    """The age of its newest sample from which an endpoint is unknown, regardless of the policy."""
    judged: bool = True
    """False: its samples only inform about the provider's other endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The results of one policy."""

    name: str
    brier: float | None
    """Mean squared error of its figures; None: nothing was judged."""
    skill: float | None
    """1 minus the ratio of its error to that of the best constant figure; None: that one has no error."""
    bins: tuple[CalibrationBin, ...]
    detected: int
    """Outages with an alarm."""
    missed: int
    delay_p50_s: float | None
    """From the start of an outage to the alarm; None: it detected none."""
    delay_p90_s: float | None
    false_alarms: int
    """Alarms without an outage."""
    false_alarms_per_month: float | None
    """Per endpoint and month; None: no time was observed."""
    down_s: float
    """Total time for which it considered endpoints down."""
    changes: int
    """How often it changed between usable and unusable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of several policies for the same samples."""

    judged: int
    """The number of samples that judged figures."""
    share: float | None
    """The share of these that succeeded within SLO."""
    watched_s: float
    """Total time for which endpoints were known."""
    outages: int
    outage_s: float
    """Total duration of the outages."""
    verdicts: tuple[Verdict, ...]


class Replay:
    """Replays samples to policies. Replayed samples are not kept in memory."""

    def __init__(self, members: Mapping[str, ReplayMember], names: Sequence[str]) -> None:
        """`names`: of policies. Raises UnknownPolicyError."""
        providers = {endpoint: member.provider for endpoint, member in members.items()}
        self._policies = {name: policy_factory(name)(providers) for name in names}
        self._scales = {name: Calibration() for name in names}
        self._records = {name: AlarmRecord() for name in names}
        self._lanes = {
            endpoint: _EndpointReplay(
                member.stale_s, {name: made[endpoint] for name, made in self._policies.items()}, self._records
            )
            for endpoint, member in members.items()
            if member.judged
        }
        self._held: list[CountedSample] = []
        self._end_s = -math.inf

    def feed(self, counted: Iterable[CountedSample], until_s: float) -> None:
        """Replay samples that became known before `until_s`, and hold the rest. Later calls must have later samples."""
        self._held.extend(counted)
        self._held.sort(key=_order)
        count = bisect_left(self._held, until_s, key=_known_s)
        ready, self._held = self._held[:count], self._held[count:]
        for known_s, together in groupby(ready, key=_known_s):
            self._play(known_s, list(together))

    def report(self) -> Report:
        """Replay the held samples and return the results. The replay ends with that."""
        self.feed((), math.inf)
        for lane in self._lanes.values():
            lane.end(self._end_s)
        scale = next(iter(self._scales.values()), Calibration())
        watched_s = sum(lane.watched_s for lane in self._lanes.values())
        return Report(
            judged=scale.count,
            share=scale.share,
            watched_s=watched_s,
            outages=sum(lane.watch.count for lane in self._lanes.values()),
            outage_s=sum(lane.watch.seconds for lane in self._lanes.values()),
            verdicts=tuple(
                _verdict(name, scale, self._records[name], watched_s) for name, scale in self._scales.items()
            ),
        )

    def _play(self, known_s: float, together: Sequence[CountedSample]) -> None:
        self._end_s = known_s
        for counted in together:
            lane = self._lanes.get(counted.endpoint)
            if lane is not None:
                lane.pass_time(known_s)
                self._ask(lane, counted)
        for counted in together:
            self._tell(counted)

    def _ask(self, lane: _EndpointReplay, counted: CountedSample) -> None:
        """Judge the figures by a sample; not before an endpoint's first sample."""
        if counted.judges and lane.is_known:
            for name, scale in self._scales.items():
                scale.add(lane.policies[name].figure(counted.known_s), good=counted.good)

    def _tell(self, counted: CountedSample) -> None:
        lane = self._lanes.get(counted.endpoint)
        if lane is not None:
            lane.add(counted)
        for name, policies in self._policies.items():
            touched = policies[counted.endpoint].see(counted)
            for endpoint in (counted.endpoint, *touched):
                if endpoint in self._lanes:
                    self._lanes[endpoint].follow(name, counted.known_s)


class _EndpointReplay:
    """One endpoint: its outages, and each policy's alarms."""

    __slots__ = ("_alarms", "_at_s", "_stale_at_s", "_stale_s", "policies", "watch", "watched_s")

    def __init__(self, stale_s: float, policies: Mapping[str, Policy], records: Mapping[str, AlarmRecord]) -> None:
        self.policies = policies
        self.watch = OutageDetector()
        self.watched_s = 0.0
        self._alarms = {name: Alarms(self.watch, records[name]) for name in policies}
        self._stale_s = stale_s
        self._stale_at_s = -math.inf
        self._at_s = math.inf
        """The current time of the replay; infinite: there was no sample yet."""

    @property
    def is_known(self) -> bool:
        """Whether there was a sample."""
        return self._at_s < math.inf

    def pass_time(self, at_s: float) -> None:
        """Advance the time: policies may change their decision, and the endpoint may become stale."""
        if at_s <= self._at_s:
            return
        until_s = min(at_s, self._stale_at_s)
        self._let_turn(until_s)
        self.watched_s += until_s - self._at_s
        self._at_s = until_s
        if at_s > until_s:
            self._go_stale()

    def add(self, counted: CountedSample) -> None:
        """Add a sample at the current time."""
        began_s = counted.seen.at.timestamp()
        self._at_s = counted.known_s
        self._stale_at_s = max(self._stale_at_s, began_s + self._stale_s, counted.known_s)
        if counted.judges:
            self._note(self.watch.see(failed=counted.failed, began_s=began_s, known_s=counted.known_s))

    def follow(self, name: str, at_s: float) -> None:
        """Update the alarm of a policy, unless the endpoint is stale."""
        if at_s <= self._stale_at_s:
            self._alarms[name].follow(at_s, usable=self.policies[name].usable(at_s))

    def end(self, at_s: float) -> None:
        """End the replay of this endpoint."""
        self.pass_time(at_s)
        for alarms in self._alarms.values():
            alarms.end(self._at_s)
        self._note(self.watch.lapse())

    def _let_turn(self, until_s: float) -> None:
        for name, policy in self.policies.items():
            turn_s = policy.turns_s(self._at_s)
            while turn_s <= until_s:
                self._alarms[name].follow(turn_s, usable=policy.usable(turn_s))
                turn_s = policy.turns_s(turn_s)

    def _go_stale(self) -> None:
        for alarms in self._alarms.values():
            alarms.follow(self._at_s, usable=True)
        self._note(self.watch.lapse())

    def _note(self, turn: OutageEvent | None) -> None:
        if turn is not None:
            for alarms in self._alarms.values():
                alarms.note(turn)


def _verdict(name: str, scale: Calibration, record: AlarmRecord, watched_s: float) -> Verdict:
    delays_s = sorted(record.delays_s)
    return Verdict(
        name=name,
        brier=scale.brier,
        skill=scale.skill,
        bins=scale.bins,
        detected=len(delays_s),
        missed=record.missed,
        delay_p50_s=quantile(delays_s, 0.5) if delays_s else None,
        delay_p90_s=quantile(delays_s, 0.9) if delays_s else None,
        false_alarms=record.false_alarms,
        false_alarms_per_month=record.false_alarms * _MONTH_S / watched_s if watched_s else None,
        down_s=record.down_s,
        changes=record.changes,
    )


def _known_s(counted: CountedSample) -> float:
    return counted.known_s


def _order(counted: CountedSample) -> tuple[float, float, str, str]:
    """A fixed order of samples that became known at the same time, so that a replay is reproducible."""
    return counted.known_s, counted.seen.at.timestamp(), counted.endpoint, counted.id
