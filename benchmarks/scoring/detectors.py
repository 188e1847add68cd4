"""What turns probes into statuses and scores in a simulation: simple rules, or the daemon's own endpoint states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.scoring.flags import Flag, Flags
from benchmarks.scoring.rules import Calibration
from benchmarks.scoring.simulation import Due, FinishedProbe, ProbeSchedule
from benchmarks.scoring.world import World
from monitor.backtest.policies import CountedSample, Policy
from monitor.config.model import ProbeSpec
from monitor.domain.status import Status
from monitor.score.endpoint import EndpointState, ScoringParams
from monitor.score.health import Observation
from monitor.score.latency import RecentLatency
from monitor.score.outcomes import SampleOutcome
from monitor.score.probe_interval import IntervalLimits
from monitor.score.provider import ProviderState, has_fallen
from monitor.score.windows import Ledger
from monitor.vantage.evidence import excused
from probes._model import ErrorClass, Sample, Task

OURS: Final = "ours"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Midnight: a day of the world is a day of a budget."""
_STALE_S: Final = 1e9
"""A score never becomes stale, since the other rules' figures do not either."""
PROMPT_TOKENS: Final = 100


def moment(at_s: float) -> datetime:
    """The date and time of a second of a world."""
    return START + timedelta(seconds=at_s)


def seconds(at: datetime) -> float:
    """The second of a world at a date and time."""
    return (at - START).total_seconds()


class RuleDetector:
    """Simple rules side by side. They receive what the daemon counts: no rate limits, nothing while offline."""

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

    wake_at_s: float | None = None

    def admit(self, number: int, at_s: float) -> bool:
        """Every probe may start."""
        return True

    def observe(self, number: int, finished: FinishedProbe) -> Due:
        """Rules never ask for an extra probe."""
        if finished.counted:
            counted = _counted(number, finished)
            for place, rule in enumerate(self._rules[number]):
                rule.see(counted)
                if not counted.good or self.flags.any_up(self.names[place], number):
                    self._note(place, number, rule, finished.ended_s)
        return {}

    def wake(self, at_s: float) -> Due:
        """Not used: `wake_at_s` is None."""
        return {}

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """Calibrated chances of success; without a calibration, the rules' own figures."""
        return [chance(rule.figure(at_s)) for chance, rule in zip(self._chances, self._rules[number], strict=True)]

    def _note(self, place: int, number: int, rule: Policy, at_s: float) -> None:
        name, down = self.names[place], not rule.usable(at_s)
        self.flags.note(name, number, at_s, Flag.DOWN, up=down)
        self.flags.note(name, number, at_s, Flag.RAISED, up=down)
        self.flags.note(name, number, at_s, Flag.LOW, up=self._chances[place](rule.figure(at_s)) < 0.5)


class ScoreDetector:
    """The daemon's endpoint states, with the board's handling of siblings.

    It leaves out what does not affect scores (window counts, recent latency), which makes it fast.
    """

    names = (OURS,)
    wake_at_s: float | None = None

    def __init__(self, world: World, limits: IntervalLimits) -> None:
        params = ScoringParams(
            limits=limits,
            stale_s=_STALE_S,
            task=Task.CHAT,
            only_reach=False,
            count_wrong_answers=True,
            blame_overrides={},
        )
        providers = [ProviderState[EndpointState]() for _ in range(world.size.providers)]
        self.flags = Flags(self.names, len(world.endpoints))
        self._states = [
            _without_windows(
                EndpointState(endpoint_name(item.provider, item.model), params, providers[item.provider], START)
            )
            for item in world.endpoints
        ]
        self._numbers = {state.endpoint: number for number, state in enumerate(self._states)}

    def admit(self, number: int, at_s: float) -> bool:
        """Every probe may start."""
        return True

    def observe(self, number: int, finished: FinishedProbe) -> Due:
        """Does what `Board.absorb` does with one sample."""
        state = self._states[number]
        was = state.health.status
        sample = sample_of(state.endpoint, finished)
        if finished.offline:  # there is no attribution here
            sample = excused(sample)
        state.absorb(sample, within_slo=not finished.slow)
        due = {}
        wanted = state.next_probe()
        if wanted is not None and state.outcome(sample.error).counted:
            due[number] = seconds(wanted)
        fell = has_fallen(was, state.health.status)
        siblings = state.provider.affected(state, fell=fell)
        for other in siblings:
            other.settle(sample.started_at)
            if fell and other.is_behind(state):
                due[self._numbers[other.endpoint]] = finished.began_s
            other.show()
        state.show()
        self._note((number, *(self._numbers[other.endpoint] for other in siblings)), finished)
        return due

    def wake(self, at_s: float) -> Due:
        """Not used: `wake_at_s` is None."""
        return {}

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """The score."""
        return (self._score(number, at_s),)

    def _score(self, number: int, at_s: float) -> float:
        score = self._states[number].assess(moment(at_s)).score
        return 1.0 if score is None else score

    def _note(self, numbers: Iterable[int], finished: FinishedProbe) -> None:
        good = finished.error is None and not finished.slow
        for number in numbers:
            if good and not self.flags.any_up(OURS, number):
                continue
            status, at_s = self._states[number].health.status, finished.ended_s
            self.flags.note(OURS, number, at_s, Flag.DOWN, up=status is Status.DOWN)
            self.flags.note(OURS, number, at_s, Flag.RAISED, up=status in {Status.DOWN, Status.DEGRADED})
            self.flags.note(OURS, number, at_s, Flag.LOW, up=self._score(number, at_s) < 0.5)


def limits_of(schedule: ProbeSchedule) -> IntervalLimits:
    """The limits of an endpoint's probe interval; with a fixed interval, the daemon's default limits."""
    probe = ProbeSpec(name="chat", task=Task.CHAT, every_s=schedule.every_s, closest_s=schedule.least_s)
    return IntervalLimits(least_s=probe.least_s, most_s=probe.every_s)


def endpoint_name(provider: int, model: int) -> str:
    """The id of an endpoint in the daemon."""
    return f"provider-{provider}:model-{model}"


def sample_of(name: str, finished: FinishedProbe, tokens: int | None = None) -> Sample:
    """The sample that the daemon would record."""
    began, error, took_s = moment(finished.began_s), finished.error, finished.ended_s - finished.began_s
    refused = error is ErrorClass.CONNECT and not finished.offline
    heard = not finished.offline and not refused
    return Sample(
        id=f"{name} {finished.began_s}",
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
        ttft_s=(5.0 if finished.slow else 0.5) if error is None else None,
        e2e_s=took_s if error is None else None,
        prompt_tokens=None if tokens is None else PROMPT_TOKENS,
        output_tokens=tokens,
    )


def _counted(number: int, finished: FinishedProbe) -> CountedSample:
    """The part of a sample that simple rules receive."""
    seen = Observation(
        at=moment(finished.began_s),
        outcome=SampleOutcome.OK if finished.error is None else SampleOutcome.FAILED,
        within_slo=not finished.slow,
        error=finished.error,
    )
    return CountedSample(id="", endpoint=str(number), known_s=finished.ended_s, seen=seen)


def _without_windows(state: EndpointState) -> EndpointState:
    state.ledger, state.latency = _NoLedger(), _NoRecent(Task.CHAT)
    return state


class _NoLedger(Ledger):
    def add(self, at: datetime, outcome: SampleOutcome, count: int = 1) -> None:
        pass


class _NoRecent(RecentLatency):
    def add(self, sample: Sample, outcome: SampleOutcome) -> None:
        pass
