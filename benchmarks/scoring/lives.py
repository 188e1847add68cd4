"""A world lived through in simulated time: probes begin, meet something, end after a while, and are judged.

Ticks come at their phases. Whoever judges may ask for a probe beside them, which is made as the daemon's schedule makes
it: not while one is under way, and not when a tick is near.
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
"""How long a connection is tried while the vantage has no network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When probes come."""

    every_s: float
    """From tick to tick."""
    least_s: float | None = None
    """How near a tick a probe beside it may come; None: there are none, whatever is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A probe that is over."""

    began_s: float
    ended_s: float
    error: ErrorClass | None
    """None: it succeeded."""
    slow: bool
    offline: bool
    """The vantage had no network."""

    @property
    def counted(self) -> bool:
        """Whether it says something about the provider, as the daemon would find out."""
        return not self.offline and self.error is not ErrorClass.RATE_LIMITED


Due: TypeAlias = Mapping[int, float]
"""When an endpoint wants a probe, at the latest; it may be past."""


class Judge(Protocol):
    """Who hears of probes, and is asked for figures."""

    @property
    def names(self) -> Sequence[str]:
        """Of the figures that it gives."""

    def admit(self, number: int, at_s: float) -> bool:
        """Whether a probe may be made."""

    def hear(self, number: int, ending: Ending) -> Due:
        """A probe of an endpoint is over."""

    def wake(self, at_s: float) -> Due:
        """The time has come that `wakes_s` named."""

    @property
    def wakes_s(self) -> float | None:
        """When it wants to be woken."""

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """What it makes of an endpoint now, under each of its names."""


@dataclass(slots=True, kw_only=True)
class Lived:
    """What came of a life."""

    figures: Sequence[Sequence[array[float]]]
    """By endpoint and name, one for each question."""
    probes: Sequence[array[float]]
    """When each endpoint's probes ended."""
    made: int = 0
    beside: int = 0
    """How many of them were made beside the ticks."""


@dataclass(slots=True, kw_only=True)
class _Course:
    """Where an endpoint's probing stands."""

    chance: random.Random
    next_tick_s: float
    running: bool = False
    extra_s: float | None = None


_Event: TypeAlias = tuple[float, int, str, int, Ending | None]
"""When, a number that is its own, what, of which endpoint or model, and what came of the probe that it ends."""


class Life:
    """A world, and who judges it."""

    def __init__(
        self, world: World, judge: Judge, pace: Pace, seed: str, asked: Sequence[Sequence[float]] = ()
    ) -> None:
        self._world, self._judge, self._pace, self._asked = world, judge, pace, asked
        self._events: list[_Event] = []
        self._order = 0
        self._woken_s: float | None = None
        count = len(world.endpoints)
        self._courses = [self._course(seed, number) for number in range(count)]
        figures = [[array("d") for _ in judge.names] for _ in range(count)]
        self._lived = Lived(figures=figures, probes=[array("d") for _ in range(count)])

    def live(self) -> Lived:
        """From beginning to end."""
        for number, course in enumerate(self._courses):
            self._push(course.next_tick_s, "tick", number)
        for model in range(len(self._asked)):
            self._push_question(model, 0)
        while self._events and self._events[0][0] < self._world.until_s:
            self._take(heapq.heappop(self._events))
        return self._lived

    def _take(self, event: _Event) -> None:
        at_s, _, what, number, ending = event
        match what:
            case "tick":
                self._tick(number, at_s)
            case "extra":
                self._extra(number, at_s)
            case "wake":
                self._woken_s = None
                self._follow(self._judge.wake(at_s), at_s)
            case "end" if ending is not None:
                self._courses[number].running = False
                self._lived.probes[number].append(at_s)
                self._follow(self._judge.hear(number, ending), at_s)
            case _:
                self._ask(number, at_s)

    def _course(self, seed: str, number: int) -> _Course:
        phase = random.Random(f"{seed}/phase/{number}").random()
        chance = random.Random(f"{seed}/probes/{number}/{self._pace.every_s:.3f}")
        return _Course(chance=chance, next_tick_s=phase * self._pace.every_s)

    def _tick(self, number: int, at_s: float) -> None:
        course = self._courses[number]
        course.next_tick_s = at_s + self._pace.every_s
        self._push(course.next_tick_s, "tick", number)
        self._begin(number, course, at_s)

    def _extra(self, number: int, at_s: float) -> None:
        course = self._courses[number]
        if course.extra_s != at_s:  # replaced meanwhile
            return
        course.extra_s = None
        if self._begin(number, course, at_s):
            self._lived.beside += 1

    def _begin(self, number: int, course: _Course, at_s: float) -> bool:
        if course.running or not self._judge.admit(number, at_s):
            return False
        course.running = True
        self._lived.made += 1
        ending = _drawn(self._world, number, at_s, course.chance)
        self._push(ending.ended_s, "end", number, ending)
        return True

    def _follow(self, due: Due, now_s: float) -> None:
        """As `monitor.scheduler.scheduler.Schedule.probe_by` does."""
        for number, wanted_s in due.items() if self._pace.least_s is not None else ():
            course, at_s = self._courses[number], max(wanted_s, now_s)
            if at_s + (self._pace.least_s or 0.0) > course.next_tick_s:
                course.extra_s = None
                continue
            course.extra_s = at_s
            self._push(at_s, "extra", number)
        wakes_s = self._judge.wakes_s
        if wakes_s is not None and (self._woken_s is None or wakes_s < self._woken_s):
            self._woken_s = max(wakes_s, now_s)
            self._push(self._woken_s, "wake", 0)

    def _ask(self, model: int, at_s: float) -> None:
        asked = 0
        for number, endpoint in enumerate(self._world.endpoints):
            if endpoint.model == model:
                kept = self._lived.figures[number]
                for values, figure in zip(kept, self._judge.figures(number, at_s), strict=True):
                    values.append(figure)
                asked = len(kept[0])
        self._push_question(model, asked)

    def _push_question(self, model: int, place: int) -> None:
        if place < len(self._asked[model]):
            self._push(self._asked[model][place], "ask", model)

    def _push(self, at_s: float, what: str, number: int, ending: Ending | None = None) -> None:
        self._order += 1
        heapq.heappush(self._events, (at_s, self._order, what, number, ending))


def _drawn(world: World, number: int, at_s: float, chance: random.Random) -> Ending:
    """What a probe meets, and how long it takes to tell."""
    meets, offline = world.probed(number, at_s)
    error: ErrorClass | None = None
    slow = False
    if meets.limited and chance.random() < meets.limited:
        error = ErrorClass.RATE_LIMITED
    elif chance.random() < meets.fails:
        classes, weights = zip(*meets.classes, strict=True)
        error = chance.choices(classes, weights)[0]
    else:
        slow = chance.random() < meets.slow
    if offline:
        took_s = _UNHEARD_S
    elif error is None:
        took_s = _SLOW_S if slow else _GOOD_S
    else:
        took_s = _SECONDS.get(error, _OTHERS_S)
    return Ending(began_s=at_s, ended_s=at_s + took_s, error=error, slow=slow, offline=offline)
