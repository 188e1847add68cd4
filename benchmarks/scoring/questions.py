"""When somebody asks for a score, and what a request then meets: drawn once, and the same for every rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.scoring.world import DAY_S, Endpoint, Episode, World

WARM_UP_S: Final = DAY_S
"""The first day is for learning what is usual."""
_YOUNG_S, _FADING_S = 90.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Those to one endpoint."""

    good: Sequence[float]
    """How likely each was to succeed within its SLO."""
    succeeded: Sequence[bool]
    moments: Sequence[str]
    """What kind of moment it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Those to all endpoints. Whoever asks wants one model, and learns of all its providers at once."""

    times_s: Sequence[Sequence[float]]
    """By model."""
    requests: Sequence[Requests]
    """By endpoint."""


def questions(world: World, seed: str, every_s: float) -> Questions:
    """At random moments, `every_s` apart in the mean."""
    times_s = [
        _times(random.Random(f"{seed}/asked/{model}"), world.until_s, every_s) for model in range(world.size.models)
    ]
    return Questions(
        times_s=times_s,
        requests=[
            _requests(endpoint, times_s[endpoint.model], random.Random(f"{seed}/met/{number}"))
            for number, endpoint in enumerate(world.endpoints)
        ],
    )


def _times(chance: random.Random, until_s: float, every_s: float) -> list[float]:
    found, at_s = [], WARM_UP_S + chance.expovariate(1 / every_s)
    while at_s < until_s:
        found.append(at_s)
        at_s += chance.expovariate(1 / every_s)
    return found


def _requests(endpoint: Endpoint, times_s: Sequence[float], chance: random.Random) -> Requests:
    good, moments = [], []
    for at_s in times_s:
        meets, why = endpoint.worst(at_s)
        good.append(meets.good)
        moments.append(_moment(endpoint, why, at_s))
    return Requests(good=good, succeeded=[chance.random() < each for each in good], moments=moments)


def _moment(endpoint: Endpoint, why: Episode | None, at_s: float) -> str:
    if why is not None:
        whose = " of the provider" if why.shared else ""
        return f"{why.shape.value}{whose}, {'its first 90 s' if at_s < why.begin_s + _YOUNG_S else 'later'}"
    return "10 min after trouble" if any(endpoint.timeline.between(at_s - _FADING_S, at_s)) else "well"
