"""Rules that others use to tell whether a provider is well, and ours; each is fed the same probes and asked the same.

A rule gives a figure; what chance of success a figure stands for is learned on other seeds, for rules that do not say
it themselves. So none is held to have meant a probability where it meant a state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from monitor.score.filter import Pair, Seen, Success, after, chance
from probes._model import ErrorClass


class Rule:
    """Of one endpoint."""

    def meet(self, all_of_provider: Sequence[Rule]) -> None:
        """Get to know the rules of the provider's endpoints, itself among them. Most do not care."""

    def see(self, seen: Seen, at_s: float) -> None:
        """Take in a counted sample."""
        raise NotImplementedError

    def figure(self, at_s: float) -> float:
        """What it makes of the endpoint at a moment; more is better."""
        raise NotImplementedError


class InARow(Rule):
    """So many failures in a row are an outage; the figure is how many there were, at the most so many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0

    def see(self, seen: Seen, at_s: float) -> None:
        self._failures = self._failures + 1 if isinstance(seen, ErrorClass) else 0

    def figure(self, at_s: float) -> float:
        return 0.0 if self._failures >= self._limit else 1.0


class LastRatio(Rule):
    """The share of successes within SLO among the last so many."""

    def __init__(self, count: int) -> None:
        self._last: deque[bool] = deque(maxlen=count)

    def see(self, seen: Seen, at_s: float) -> None:
        self._last.append(seen is Success.WITHIN_SLO)

    def figure(self, at_s: float) -> float:
        return sum(self._last) / len(self._last) if self._last else 1.0


class MovingAverage(Rule):
    """An exponentially weighted moving average of successes within SLO."""

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._value = 1.0

    def see(self, seen: Seen, at_s: float) -> None:
        self._value += self._weight * ((seen is Success.WITHIN_SLO) - self._value)

    def figure(self, at_s: float) -> float:
        return self._value


class Cooldown(Rule):
    """LiteLLM's: more than half of a minute's requests failed, or three of them, then it is left alone for a while."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._recent: deque[tuple[float, bool]] = deque()
        self._until_s = 0.0

    def see(self, seen: Seen, at_s: float) -> None:
        self._recent.append((at_s, isinstance(seen, ErrorClass)))
        while self._recent[0][0] <= at_s - 60.0:
            self._recent.popleft()
        failures = sum(failed for _, failed in self._recent)
        if failures > len(self._recent) / 2 or failures >= 3:
            self._until_s = at_s + self._seconds

    def figure(self, at_s: float) -> float:
        return 0.0 if at_s < self._until_s else 1.0


class Thresholds(Rule):
    """OpenRouter's: uptime of the last half hour from 95 %, from 80 %, or below. An SLO does not count."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, bool]] = deque()

    def see(self, seen: Seen, at_s: float) -> None:
        self._recent.append((at_s, not isinstance(seen, ErrorClass)))
        while self._recent[0][0] <= at_s - 1800.0:
            self._recent.popleft()

    def figure(self, at_s: float) -> float:
        if not self._recent:
            return 1.0
        uptime = sum(ok for _, ok in self._recent) / len(self._recent)
        return 1.0 if uptime >= 0.95 else 0.5 if uptime >= 0.8 else 0.0


class Filter(Rule):
    """Ours. Endpoints of a provider share what is known of it."""

    def __init__(self) -> None:
        self._pair = Pair()
        self._kin: Sequence[Filter] = (self,)

    def meet(self, all_of_provider: Sequence[Rule]) -> None:
        self._kin = [rule for rule in all_of_provider if isinstance(rule, Filter)]

    def see(self, seen: Seen, at_s: float) -> None:
        self._pair = after(self._pair, seen, at_s)
        for other in self._kin:
            other._pair = replace(other._pair, shared=self._pair.shared)

    def figure(self, at_s: float) -> float:
        return chance(self._pair, at_s)[0]


RULES: dict[str, Callable[[], Rule]] = {
    "1 failure": lambda: InARow(1),
    "2 failures in a row": lambda: InARow(2),
    "3 failures in a row": lambda: InARow(3),
    "ratio of the last 5": lambda: LastRatio(5),
    "ratio of the last 30": lambda: LastRatio(30),
    "moving average, 0.3": lambda: MovingAverage(0.3),
    "moving average, 0.1": lambda: MovingAverage(0.1),
    "LiteLLM's cooldown": Cooldown,
    "OpenRouter's thresholds": Thresholds,
    "ours": Filter,
}
