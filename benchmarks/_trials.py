"""A world lived through under a rule: probes at their times, what they meet, what the rule makes of it, and how it errs.

One provider's endpoints are lived through together, in the order of time, since one's samples may say something about
another. Every rule meets the same: what a probe at a moment meets depends on the world's seed and that moment alone.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from _rules import Rule
from _world import DAY_S, Endpoint, Meets, World

from monitor.score.filter import Seen, Success

_PROBE_S: Final = 1.5
"""How long a probe takes to tell."""
_WARM_UP_S: Final = DAY_S
"""The first day is for learning what is usual."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """What rules said of endpoints at random moments, and what a request then met."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    """By rule."""
    good: list[float] = field(default_factory=list)
    """How likely the request was to succeed within its SLO."""
    succeeded: list[bool] = field(default_factory=list)


def live(world: World, rules: Mapping[str, Callable[[], Rule]], *, every_s: float, seed: str) -> Asked:
    """Probe every endpoint at its phase, and ask every rule about it once in between."""
    asked = Asked(figures={name: [] for name in rules})
    providers: dict[int, list[Endpoint]] = {}
    for endpoint in world.endpoints:
        providers.setdefault(endpoint.provider, []).append(endpoint)
    for number, endpoints in providers.items():
        made = {name: _acquainted([rule_of() for _ in endpoints]) for name, rule_of in rules.items()}
        _live_provider(endpoints, made, asked, world.days * DAY_S, every_s, random.Random(f"{seed}/{number}"))
    return asked


def _acquainted(rules: Sequence[Rule]) -> Sequence[Rule]:
    for rule in rules:
        rule.meet(rules)
    return rules


def _live_provider(
    endpoints: Sequence[Endpoint],
    rules: Mapping[str, Sequence[Rule]],
    asked: Asked,
    until_s: float,
    every_s: float,
    chance: random.Random,
) -> None:
    # What will be asked of an endpoint, by when: a probe of another may come first, and say something about it.
    due = [(chance.random() * every_s, number, False) for number in range(len(endpoints))]
    heapq.heapify(due)
    while due[0][0] < until_s:
        at_s, number, is_request = heapq.heappop(due)
        if is_request:
            _ask(endpoints[number], {name: made[number] for name, made in rules.items()}, at_s, asked, chance)
            continue
        heapq.heappush(due, (at_s + every_s, number, False))
        if at_s > _WARM_UP_S:
            heapq.heappush(due, (at_s + chance.uniform(_PROBE_S, every_s), number, True))
        seen = drawn(endpoints[number].meets(at_s), chance)
        if seen is not None:
            for made in rules.values():
                made[number].see(seen, at_s)


def _ask(endpoint: Endpoint, rules: Mapping[str, Rule], at_s: float, asked: Asked, chance: random.Random) -> None:
    good = endpoint.meets(at_s).good
    for name, rule in rules.items():
        asked.figures[name].append(rule.figure(at_s))
    asked.good.append(good)
    asked.succeeded.append(chance.random() < good)


def drawn(meets: Meets, chance: random.Random) -> Seen | None:
    """What a probe shows; None: it was refused for a rate limit, which says nothing."""
    if meets.limited and chance.random() < meets.limited:
        return None
    if chance.random() < meets.fails:
        classes, weights = zip(*meets.classes, strict=True)
        return chance.choices(classes, weights)[0]
    return Success.SLOW if chance.random() < meets.slow else Success.WITHIN_SLO
