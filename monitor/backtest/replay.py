"""Samples played again to several policies: what each would have published, and how right that was. Pure.

Samples come in the order in which they became known. Just before one is known every policy is asked for its figure,
which is judged by that sample; then all policies see it. Of those that became known at one moment none is seen before
all are asked, so their order among themselves does not matter.
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
    """An endpoint whose samples are played."""

    provider: str
    stale_s: float
    """How long after the start of its newest sample an endpoint is unknown, which is not down, whatever a rule says."""
    judged: bool = True
    """False: its samples are there for what they say about the provider's other endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one policy did."""

    name: str
    brier: float | None
    """Mean squared error of its figures; None: nothing was judged."""
    skill: float | None
    """The share that it saves of the error of the constant figure that fits best; None: that one makes no error."""
    bins: tuple[CalibrationBin, ...]
    detected: int
    """Outages that it had an alarm for."""
    missed: int
    delay_p50_s: float | None
    """From the start of an outage's first failure to the alarm; None: it saw none."""
    delay_p90_s: float | None
    false_alarms: int
    """Alarms while there was no outage."""
    false_alarms_per_month: float | None
    """And endpoint; None: no time was watched."""
    down_s: float
    """How long it held endpoints to be down, of all endpoints together."""
    changes: int
    """How often it changed its mind about that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How several policies did on the same samples."""

    judged: int
    """The samples that figures were judged by."""
    share: float | None
    """How many of these succeeded within SLO."""
    watched_s: float
    """How long endpoints were watched, all together: without the time for which nothing is known."""
    outages: int
    outage_s: float
    """How long these lasted together."""
    verdicts: tuple[Verdict, ...]


class Replay:
    """Plays samples to policies; memory holds what a policy remembers, never what was played."""

    def __init__(self, members: Mapping[str, ReplayMember], names: Sequence[str]) -> None:
        """`names` of policies; raises UnknownPolicyError."""
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
        """Play what became known before `until_s`, hold back the rest. All that did has to be there by now."""
        self._held.extend(counted)
        self._held.sort(key=_order)
        count = bisect_left(self._held, until_s, key=_known_s)
        ready, self._held = self._held[:count], self._held[count:]
        for known_s, together in groupby(ready, key=_known_s):
            self._play(known_s, list(together))

    def report(self) -> Report:
        """Play what was held back, and say how all did. Nothing can be played after that."""
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
        """Before an endpoint's first sample nothing is published that could be judged."""
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
        """Up to when time has passed; infinite: nothing was heard yet."""

    @property
    def is_known(self) -> bool:
        """Whether a sample was heard."""
        return self._at_s < math.inf

    def pass_time(self, at_s: float) -> None:
        """Let policies change their minds without news; when there is none for long, nothing is known any more."""
        if at_s <= self._at_s:
            return
        until_s = min(at_s, self._stale_at_s)
        self._let_turn(until_s)
        self.watched_s += until_s - self._at_s
        self._at_s = until_s
        if at_s > until_s:
            self._go_stale()

    def add(self, counted: CountedSample) -> None:
        """Take in a sample, up to which time has passed."""
        began_s = counted.seen.at.timestamp()
        self._at_s = counted.known_s
        self._stale_at_s = max(self._stale_at_s, began_s + self._stale_s, counted.known_s)
        if counted.judges:
            self._note(self.watch.see(failed=counted.failed, began_s=began_s, known_s=counted.known_s))

    def follow(self, name: str, at_s: float) -> None:
        """Take a policy's word after news, unless the endpoint's own samples are too old for any."""
        if at_s <= self._stale_at_s:
            self._alarms[name].follow(at_s, usable=self.policies[name].usable(at_s))

    def end(self, at_s: float) -> None:
        """Nothing is heard after this moment."""
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
    """Of those that became known together the one that began first, so that a replay comes out the same every time."""
    return counted.known_s, counted.seen.at.timestamp(), counted.endpoint, counted.id
