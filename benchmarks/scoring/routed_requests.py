"""Requests of a router that reads the scores: their times and their true chances, the same for every rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.scoring.world import DAY_S, Endpoint, Episode, World

WARM_UP_S: Final = DAY_S
"""The first day is for learning each endpoint's baseline and does not count."""
_YOUNG_S, _FADING_S = 90.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRequests:
    """Requests to one endpoint."""

    good: Sequence[float]
    """Chance of each to succeed within its SLO."""
    succeeded: Sequence[bool]
    moments: Sequence[str]
    """State of the endpoint at each request, in the words of the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedRequests:
    """Requests to all endpoints. Each wants one model and reads the scores of all its providers."""

    times_s: Sequence[Sequence[float]]
    """By model."""
    requests: Sequence[EndpointRequests]
    """By endpoint."""


def routed_requests(world: World, seed: str, every_s: float) -> RoutedRequests:
    """Requests at random times, `every_s` apart on average."""
    times_s = [
        _times(random.Random(f"{seed}/asked/{model}"), world.until_s, every_s) for model in range(world.size.models)
    ]
    return RoutedRequests(
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


def _requests(endpoint: Endpoint, times_s: Sequence[float], chance: random.Random) -> EndpointRequests:
    good, moments = [], []
    for at_s in times_s:
        conditions, why = endpoint.worst(at_s)
        good.append(conditions.good)
        moments.append(_moment(endpoint, why, at_s))
    return EndpointRequests(good=good, succeeded=[chance.random() < item for item in good], moments=moments)


def _moment(endpoint: Endpoint, why: Episode | None, at_s: float) -> str:
    if why is not None:
        whose = " of the provider" if why.shared else ""
        return f"{why.kind.value}{whose}, {'its first 90 s' if at_s < why.begin_s + _YOUNG_S else 'later'}"
    return "10 min after trouble" if any(endpoint.timeline.between(at_s - _FADING_S, at_s)) else "well"
