"""Probes and score requests of a world in simulated time.

Each endpoint has scheduled probes at a fixed phase. The detector may ask for an extra probe, under the conditions of
the daemon's scheduler: not while a probe of the endpoint runs, and not shortly before a scheduled one.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from benchmarks.scoring.world import World
from probes._model import ErrorClass

_SECONDS: Final[Mapping[ErrorClass, float]] = {
    ErrorClass.CONNECT: 0.3,
    ErrorClass.DNS: 0.3,
    ErrorClass.SERVER_ERROR: 0.6,
    ErrorClass.OVERLOADED: 0.6,
    ErrorClass.RATE_LIMITED: 0.5,
    ErrorClass.TIMEOUT_TTFT: 10.0,
    ErrorClass.TIMEOUT_TOTAL: 30.0,
}
_OTHERS_S, _GOOD_S, _SLOW_S = 2.0, 1.5, 6.0
_UNHEARD_S: Final = 10.0
"""Duration of a probe while the vantage has no network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSchedule:
    """When probes start."""

    every_s: float
    """Interval of the scheduled probes."""
    least_s: float | None = None
    """Least time between an extra probe and the next scheduled one; None: no extra probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedProbe:
    """A finished probe."""

    began_s: float
    ended_s: float
    error: ErrorClass | None
    """None: the probe succeeded."""
    slow: bool
    offline: bool
    """The vantage had no network."""

    @property
    def counted(self) -> bool:
        """Whether the daemon would count it for the provider."""
        return not self.offline and self.error is not ErrorClass.RATE_LIMITED


Due: TypeAlias = Mapping[int, float]
"""For each endpoint that wants an extra probe, the latest time for it; it may lie in the past."""


class Detector(Protocol):
    """Receives finished probes and gives a figure for each endpoint."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the figures that it gives."""

    def admit(self, number: int, at_s: float) -> bool:
        """Whether a probe may start."""

    def observe(self, number: int, finished: FinishedProbe) -> Due:
        """A probe of an endpoint has finished."""

    def wake(self, at_s: float) -> Due:
        """The time `wake_at_s` has come."""

    @property
    def wake_at_s(self) -> float | None:
        """When the simulation has to call `wake`; None: not at all."""

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """The present figures of an endpoint, one for each name."""


@dataclass(slots=True, kw_only=True)
class SimulationResult:
    """What a simulation has recorded."""

    figures: Sequence[Sequence[array[float]]]
    """By endpoint and name, one for each request."""
    probes: Sequence[array[float]]
    """When each endpoint's probes ended."""
    made: int = 0
    extra: int = 0
    """How many of them were extra probes."""


@dataclass(slots=True, kw_only=True)
class _ProbeState:
    """State of an endpoint's probing."""

    chance: random.Random
    next_tick_s: float
    running: bool = False
    extra_s: float | None = None


_Event: TypeAlias = tuple[float, int, str, int, FinishedProbe | None]
"""Time, unique sequence number, action, number of the endpoint or model, and the finished probe if any."""


class Simulation:
    """A world and one detector."""

    def __init__(
        self,
        world: World,
        detector: Detector,
        schedule: ProbeSchedule,
        seed: str,
        request_times_s: Sequence[Sequence[float]] = (),
    ) -> None:
        self._world, self._detector, self._schedule = world, detector, schedule
        self._request_times_s = request_times_s
        self._events: list[_Event] = []
        self._order = 0
        self._next_wake_s: float | None = None
        count = len(world.endpoints)
        self._courses = [self._course(seed, number) for number in range(count)]
        figures = [[array("d") for _ in detector.names] for _ in range(count)]
        self._result = SimulationResult(figures=figures, probes=[array("d") for _ in range(count)])

    def run(self) -> SimulationResult:
        """Runs the world from its beginning to its end."""
        for number, course in enumerate(self._courses):
            self._push(course.next_tick_s, "tick", number)
        for model in range(len(self._request_times_s)):
            self._push_request(model, 0)
        while self._events and self._events[0][0] < self._world.until_s:
            self._take(heapq.heappop(self._events))
        return self._result

    def _take(self, event: _Event) -> None:
        at_s, _, what, number, finished = event
        match what:
            case "tick":
                self._tick(number, at_s)
            case "extra":
                self._extra(number, at_s)
            case "wake":
                self._next_wake_s = None
                self._follow(self._detector.wake(at_s), at_s)
            case "end" if finished is not None:
                self._courses[number].running = False
                self._result.probes[number].append(at_s)
                self._follow(self._detector.observe(number, finished), at_s)
            case _:
                self._ask(number, at_s)

    def _course(self, seed: str, number: int) -> _ProbeState:
        phase = random.Random(f"{seed}/phase/{number}").random()
        chance = random.Random(f"{seed}/probes/{number}/{self._schedule.every_s:.3f}")
        return _ProbeState(chance=chance, next_tick_s=phase * self._schedule.every_s)

    def _tick(self, number: int, at_s: float) -> None:
        course = self._courses[number]
        course.next_tick_s = at_s + self._schedule.every_s
        self._push(course.next_tick_s, "tick", number)
        self._begin(number, course, at_s)

    def _extra(self, number: int, at_s: float) -> None:
        course = self._courses[number]
        if course.extra_s != at_s:  # replaced since
            return
        course.extra_s = None
        if self._begin(number, course, at_s):
            self._result.extra += 1

    def _begin(self, number: int, course: _ProbeState, at_s: float) -> bool:
        if course.running or not self._detector.admit(number, at_s):
            return False
        course.running = True
        self._result.made += 1
        finished = _drawn(self._world, number, at_s, course.chance)
        self._push(finished.ended_s, "end", number, finished)
        return True

    def _follow(self, due: Due, now_s: float) -> None:
        """As `monitor.scheduler.scheduler.Schedule.probe_by` does."""
        for number, wanted_s in due.items() if self._schedule.least_s is not None else ():
            course, at_s = self._courses[number], max(wanted_s, now_s)
            if at_s + (self._schedule.least_s or 0.0) > course.next_tick_s:
                course.extra_s = None
                continue
            course.extra_s = at_s
            self._push(at_s, "extra", number)
        wake_at_s = self._detector.wake_at_s
        if wake_at_s is not None and (self._next_wake_s is None or wake_at_s < self._next_wake_s):
            self._next_wake_s = max(wake_at_s, now_s)
            self._push(self._next_wake_s, "wake", 0)

    def _ask(self, model: int, at_s: float) -> None:
        recorded = 0
        for number, endpoint in enumerate(self._world.endpoints):
            if endpoint.model == model:
                kept = self._result.figures[number]
                for values, figure in zip(kept, self._detector.figures(number, at_s), strict=True):
                    values.append(figure)
                recorded = len(kept[0])
        self._push_request(model, recorded)

    def _push_request(self, model: int, place: int) -> None:
        if place < len(self._request_times_s[model]):
            self._push(self._request_times_s[model][place], "ask", model)

    def _push(self, at_s: float, what: str, number: int, finished: FinishedProbe | None = None) -> None:
        self._order += 1
        heapq.heappush(self._events, (at_s, self._order, what, number, finished))


def _drawn(world: World, number: int, at_s: float, chance: random.Random) -> FinishedProbe:
    """The random result and duration of a probe."""
    conditions, offline = world.probed(number, at_s)
    error: ErrorClass | None = None
    slow = False
    if conditions.limited_chance and chance.random() < conditions.limited_chance:
        error = ErrorClass.RATE_LIMITED
    elif chance.random() < conditions.failure_chance:
        error_classes, weights = zip(*conditions.error_classes, strict=True)
        error = chance.choices(error_classes, weights)[0]
    else:
        slow = chance.random() < conditions.slow_chance
    if offline:
        took_s = _UNHEARD_S
    elif error is None:
        took_s = _SLOW_S if slow else _GOOD_S
    else:
        took_s = _SECONDS.get(error, _OTHERS_S)
    return FinishedProbe(began_s=at_s, ended_s=at_s + took_s, error=error, slow=slow, offline=offline)
