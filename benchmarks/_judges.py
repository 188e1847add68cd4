"""Who judges in a life: simple rules side by side, or what the daemon runs.

`Books` is the daemon's own `EndpointState`, with what the board does between the endpoints of a provider, and without
what has no say in a score (window counts, recent figures): so it is quick. `Whole` is the real `Board` behind the real
judge of the vantage's network and the real budgets. A test holds that both come to the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from _flags import Flag, Flags
from _lives import Due, Ending, Pace
from _rules import Calibration
from _world import World

from monitor.backtest.policies import CountedSample, Policy
from monitor.config.model import Canary, Config, EndpointSpec, ProbeSpec, Slo
from monitor.domain.status import Status
from monitor.scheduler.budget import Budgets, Unit
from monitor.scheduler.jobs import enabled_jobs, run_for
from monitor.score.endpoint import EndpointState, ScoringParams, Shared
from monitor.score.health import Observation
from monitor.score.latency import RecentLatency
from monitor.score.outcomes import SampleOutcome
from monitor.score.probe_interval import IntervalLimits
from monitor.score.windows import Ledger
from monitor.scoreboard.board import Board
from monitor.vantage.attribution import Vantage
from monitor.vantage.evidence import CheckResult, OriginCheck, excused
from monitor.vantage.origin import Origin, canary_origins, origin_of
from probes._model import Endpoint, ErrorClass, Run, Sample, Task

OURS: Final = "ours"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Midnight, so that days of the world are days of a budget."""
_STALE_S: Final = 1e9
"""A figure is asked for whatever its age, as it is of the others."""
_PROMPT_TOKENS, _MOST_TOKENS = 100, 64
_PATIENCE_S, _PROMPT_S = 5.0, 0.1
"""How long it takes to find that a witness is silent, or to hear it."""


def moment(at_s: float) -> datetime:
    """The time of day of a moment in a world."""
    return START + timedelta(seconds=at_s)


def seconds(at: datetime) -> float:
    """And back."""
    return (at - START).total_seconds()


class Rules:
    """Simple rules, each of its own opinion. They get what the daemon counts: no rate limits, nothing offline."""

    def __init__(
        self,
        world: World,
        rules: Mapping[str, Callable[[], Policy]],
        calibrations: Mapping[str, Calibration] | None = None,
    ) -> None:
        self.names = tuple(rules)
        self.flags = Flags(self.names, len(world.endpoints))
        self._rules = [[made() for made in rules.values()] for _ in world.endpoints]
        self._chances = [calibrations[name].chance if calibrations else float for name in rules]

    wakes_s: float | None = None

    def admit(self, number: int, at_s: float) -> bool:
        """Always."""
        return True

    def hear(self, number: int, ending: Ending) -> Due:
        """They never ask for anything."""
        if ending.counted:
            counted = _counted(number, ending)
            for place, rule in enumerate(self._rules[number]):
                rule.see(counted)
                if not counted.good or self.flags.any_up(self.names[place], number):
                    self._note(place, number, rule, ending.ended_s)
        return {}

    def wake(self, at_s: float) -> Due:
        """Nobody wakes them."""
        return {}

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """Chances of success if there is a calibration, or else as the rules give them."""
        return [chance(rule.figure(at_s)) for chance, rule in zip(self._chances, self._rules[number], strict=True)]

    def _note(self, place: int, number: int, rule: Policy, at_s: float) -> None:
        name, down = self.names[place], not rule.usable(at_s)
        self.flags.note(name, number, at_s, Flag.DOWN, up=down)
        self.flags.note(name, number, at_s, Flag.RAISED, up=down)
        self.flags.note(name, number, at_s, Flag.LOW, up=self._chances[place](rule.figure(at_s)) < 0.5)


class Books:
    """The daemon's books."""

    names = (OURS,)
    wakes_s: float | None = None

    def __init__(self, world: World, limits: IntervalLimits) -> None:
        params = ScoringParams(
            limits=limits,
            stale_s=_STALE_S,
            task=Task.CHAT,
            only_reach=False,
            count_wrong_answers=True,
            blame_overrides={},
        )
        shared = [Shared() for _ in range(world.size.providers)]
        self.flags = Flags(self.names, len(world.endpoints))
        self._endpoints = [
            _light(EndpointState(_name(each.provider, each.model), params, shared[each.provider], START))
            for each in world.endpoints
        ]
        self._kin = _kin(world)

    def admit(self, number: int, at_s: float) -> bool:
        """Always."""
        return True

    def hear(self, number: int, ending: Ending) -> Due:
        """As `Board.absorb` does with one sample."""
        state = self._endpoints[number]
        was = state.health.status
        sample = _sample(state.endpoint, ending)
        if ending.offline:  # nobody is there to find that out
            sample = excused(sample)
        state.absorb(sample, within_slo=not ending.slow)
        due = {}
        wanted = state.next_probe()
        if wanted is not None and state.outcome(sample.error).counted:
            due[number] = seconds(wanted)
        fell = state.health.status is Status.DOWN and was is not Status.DOWN
        told = fell or state.shared.is_news()
        if told:
            for other in self._kin[number]:
                self._endpoints[other].settle(sample.started_at)
                if fell and self._endpoints[other].is_behind(state):
                    due[other] = ending.began_s
                self._endpoints[other].show()
        state.show()
        self._note((number, *self._kin[number]) if told else (number,), ending)
        return due

    def wake(self, at_s: float) -> Due:
        """Nobody wakes them."""
        return {}

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """The score."""
        return (self._score(number, at_s),)

    def _score(self, number: int, at_s: float) -> float:
        score = self._endpoints[number].assess(moment(at_s)).score
        return 1.0 if score is None else score

    def _note(self, numbers: Iterable[int], ending: Ending) -> None:
        good = ending.error is None and not ending.slow
        for number in numbers:
            if good and not self.flags.any_up(OURS, number):
                continue
            status, at_s = self._endpoints[number].health.status, ending.ended_s
            self.flags.note(OURS, number, at_s, Flag.DOWN, up=status is Status.DOWN)
            self.flags.note(OURS, number, at_s, Flag.RAISED, up=status in {Status.DOWN, Status.DEGRADED})
            self.flags.note(OURS, number, at_s, Flag.LOW, up=self._score(number, at_s) < 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the whole daemon is configured with, beside its endpoints."""

    pace: Pace
    canaries: tuple[Canary, ...] = ()
    tokens_per_day: float | None = None
    """Each provider's cap."""
    looks_out: bool = True
    """Whether it asks if this place's own network fell silent; else what it hears is taken as it is, at once."""


class Whole:
    """The daemon's pure parts together: budgets, the judge of the vantage's network, the board."""

    names = (OURS,)

    def __init__(self, world: World, setting: Setting, seed: str) -> None:
        config = configuration(world, setting)
        self._world, self._chance = world, random.Random(f"{seed}/costs")
        self._ids = [spec.endpoint.id for spec in config.endpoints]
        self._numbers = {name: number for number, name in enumerate(self._ids)}
        jobs = enabled_jobs(config)
        self._jobs = {job.spec.endpoint.id: job for job in jobs}
        self.board = Board(config, jobs, START)
        self.flags = Flags(self.names, len(world.endpoints))
        origins = {spec.endpoint.id: origin_of(spec.endpoint) for spec in config.endpoints}
        watched = {name: origin for name, origin in origins.items() if origin is not None and setting.looks_out}
        self._vantage = Vantage(watched, canary_origins(config.canaries))
        providers = {spec.endpoint.id: spec.endpoint.provider for spec in config.endpoints}
        caps = {} if setting.tokens_per_day is None else {Unit.TOKENS: setting.tokens_per_day}
        self._budgets = Budgets({name: caps for name in set(providers.values()) if caps}, providers)
        self._running: dict[int, Run] = {}
        self._replies: tuple[float, list[OriginCheck]] | None = None
        self._now_s = 0.0
        self.spent: dict[tuple[int, int], float] = {}
        """Tokens by provider and day."""
        self.dearest = 0.0
        """Of all probes, in tokens."""
        self.refused = 0
        """Probes for which there was no budget."""

    @property
    def wakes_s(self) -> float | None:
        """Once a second while somebody is asked, or should be."""
        busy = self._replies is not None or self._vantage.is_due(moment(self._now_s))
        return self._now_s + 1.0 if busy else None

    def admit(self, number: int, at_s: float) -> bool:
        """If the provider's budget allows."""
        job = self._jobs[self._ids[number]]
        run = run_for(job, moment(at_s))
        if self._budgets.claim(run, job.probe.every_s, moment(at_s)) is not None:
            self.refused += 1
            return False
        self._running[number] = run
        return True

    def hear(self, number: int, ending: Ending) -> Due:
        """A sample arrives, and goes on if nothing speaks against it."""
        self._now_s = ending.ended_s
        sample = _sample(self._ids[number], ending, tokens=self._tokens(ending))
        self._charge(number, sample, ending)
        return self._absorb(self._vantage.take(sample, moment(ending.ended_s)))

    def wake(self, at_s: float) -> Due:
        """Replies come, time passes, others are asked."""
        self._now_s, at = at_s, moment(at_s)
        released: list[Sample] = []
        if self._replies is not None and self._replies[0] <= at_s:
            replies, self._replies = self._replies[1], None
            released += self._vantage.answered(replies)
        released += self._vantage.tick(at)
        if self._replies is None and self._vantage.is_due(at):
            replies = [OriginCheck(origin=each, answer=self._answer(each, at_s)) for each in self._vantage.ask(at)]
            silent = any(reply.answer is CheckResult.SILENT for reply in replies)
            self._replies = (at_s + (_PATIENCE_S if silent else _PROMPT_S), replies)
        return self._absorb(released)

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """The score that a reader would see."""
        score = self.board.publish(moment(at_s), sweep=True).rows[self._ids[number]].score
        return (1.0 if score is None else score,)

    def _answer(self, origin: Origin, at_s: float) -> CheckResult:
        """A canary, or a machine of a provider, which answers a connection also when its models do not."""
        return CheckResult.SILENT if any(self._world.offline.under_way(at_s)) else CheckResult.HEARD

    def _absorb(self, samples: Sequence[Sample]) -> Due:
        if not samples:
            return {}
        absorbed = self.board.absorb(samples)
        self.board.commit(moment(self._now_s))
        for name, text in absorbed.states.items():
            status = Status(json.loads(text)["status"])
            number = self._numbers[name]
            self.flags.note(OURS, number, self._now_s, Flag.DOWN, up=status is Status.DOWN)
            self.flags.note(OURS, number, self._now_s, Flag.RAISED, up=status in {Status.DOWN, Status.DEGRADED})
        return {self._numbers[name]: seconds(at) for name, at in absorbed.due.items()}

    def _tokens(self, ending: Ending) -> int | None:
        """Usually less than was allowed; now and then twice as much, by reasoning that the limit does not hold."""
        if ending.error is not None:
            return None
        return 2 * _MOST_TOKENS if self._chance.random() < 0.01 else self._chance.randint(10, _MOST_TOKENS)

    def _charge(self, number: int, sample: Sample, ending: Ending) -> None:
        self._budgets.charge(sample)
        self._budgets.release(self._running.pop(number))
        tokens = (sample.prompt_tokens or 0) + (sample.output_tokens or 0)
        key = (self._world.endpoints[number].provider, int(ending.began_s // 86_400))
        self.spent[key] = self.spent.get(key, 0.0) + tokens
        self.dearest = max(self.dearest, tokens)


def configuration(world: World, setting: Setting) -> Config:
    """A daemon's configuration that probes a world."""
    probe = ProbeSpec(
        name="chat",
        task=Task.CHAT,
        every_s=setting.pace.every_s,
        closest_s=setting.pace.least_s,
        prompt_tokens=_PROMPT_TOKENS,
        max_tokens=_MOST_TOKENS,
        slo=Slo(ttft_s=3.0),
    )
    return Config(
        canaries=setting.canaries,
        providers={},
        probes={probe.name: probe},
        endpoints=tuple(
            EndpointSpec(
                endpoint=Endpoint(
                    id=_name(each.provider, each.model),
                    provider=f"provider-{each.provider}",
                    model=f"model-{each.model}",
                    api="openai_chat",
                    base_url=f"https://provider-{each.provider}.example/v1",
                ),
                model=f"author/model-{each.model}",
                probes=(probe.name,),
            )
            for each in world.endpoints
        ),
    )


def limits_of(pace: Pace) -> IntervalLimits:
    """What an endpoint's probe has for limits; where the interval is fixed, those of the daemon."""
    probe = ProbeSpec(name="chat", task=Task.CHAT, every_s=pace.every_s, closest_s=pace.least_s)
    return IntervalLimits(least_s=probe.least_s, most_s=probe.every_s)


def _name(provider: int, model: int) -> str:
    return f"provider-{provider}:model-{model}"


def _kin(world: World) -> list[tuple[int, ...]]:
    """By endpoint, the others of its provider."""
    return [
        tuple(
            other for other, its in enumerate(world.endpoints) if its.provider == endpoint.provider and other != number
        )
        for number, endpoint in enumerate(world.endpoints)
    ]


def _sample(name: str, ending: Ending, tokens: int | None = None) -> Sample:
    """What the daemon would record."""
    began, error, took_s = moment(ending.began_s), ending.error, ending.ended_s - ending.began_s
    refused = error is ErrorClass.CONNECT and not ending.offline
    heard = not ending.offline and not refused
    return Sample(
        id=f"{name} {ending.began_s}",
        endpoint=name,
        vantage="simulated",
        probe="chat",
        task=Task.CHAT,
        scheduled_at=began,
        started_at=began,
        error=error,
        blame=None if error is None else error.blame,
        dns_s=0.01 if heard else None,
        connect_s=0.02 if heard else None,
        rtt_s=0.02 if refused else None,
        ttft_s=(5.0 if ending.slow else 0.5) if error is None else None,
        e2e_s=took_s if error is None else None,
        prompt_tokens=None if tokens is None else _PROMPT_TOKENS,
        output_tokens=tokens,
    )


def _counted(number: int, ending: Ending) -> CountedSample:
    """What simple rules get to know of a sample."""
    seen = Observation(
        at=moment(ending.began_s),
        outcome=SampleOutcome.OK if ending.error is None else SampleOutcome.FAILED,
        within_slo=not ending.slow,
        error=ending.error,
    )
    return CountedSample(id="", endpoint=str(number), known_s=ending.ended_s, seen=seen)


def _light(state: EndpointState) -> EndpointState:
    state.ledger, state.latency = _NoLedger(), _NoRecent(Task.CHAT)
    return state


class _NoLedger(Ledger):
    def add(self, at: datetime, outcome: SampleOutcome, count: int = 1) -> None:
        pass


class _NoRecent(RecentLatency):
    def add(self, sample: Sample, outcome: SampleOutcome) -> None:
        pass
