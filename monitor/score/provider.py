"""What the endpoints of one provider share: the belief about the provider, and who has to settle when it moves. Pure.

Board, backtest and benchmark score through it, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import sub
from typing import Final, Generic, TypeVar

from monitor.domain.status import Status
from monitor.score.health import Health, Observation, advance, bounded_belief, settle
from monitor.score.hmm import NEW, LevelBelief

T = TypeVar("T")

_MOVED: Final = 0.02
"""The change of a probability from which a status may depend on it."""


class ProviderState(Generic[T]):
    """What is known of a provider, in one place for all of its endpoints."""

    __slots__ = ("_endpoints", "_reported", "belief", "shown")

    def __init__(self) -> None:
        self.belief: LevelBelief = NEW
        self.shown: LevelBelief = NEW
        """As readers may see it."""
        self._reported = self.belief.probabilities
        self._endpoints: list[T] = []

    def join(self, endpoint: T) -> None:
        """Note that an endpoint is the provider's."""
        self._endpoints.append(endpoint)

    def dismiss(self) -> None:
        """Forget which endpoints are the provider's; the belief stays. Those of another configuration join anew."""
        self._endpoints.clear()

    def absorb(self, health: Health, seen: Observation) -> Health:
        """Take evidence about an endpoint in; the endpoint's new health."""
        health, self.belief = advance(health, self.belief, seen)
        return health

    def affected(self, endpoint: T, *, fell: bool) -> Sequence[T]:
        """The siblings that have to settle after evidence about an endpoint. `fell`: the evidence took it down."""
        if fell or self.is_news():
            return [other for other in self._endpoints if other is not endpoint]
        return ()

    def is_news(self) -> bool:
        """Whether the belief has moved enough since the last True to change a status."""
        moved: bool = max(map(abs, map(sub, self.belief.probabilities, self._reported))) > _MOVED
        if moved:
            self._reported = self.belief.probabilities
        return moved

    def settle(self, health: Health, at: datetime) -> Health:
        """The health of an endpoint, as far as evidence about its siblings changes it."""
        return settle(health, self.belief, at)

    def show(self) -> None:
        """Let readers see the belief as it is now."""
        self.shown = self.belief

    def restore(self, belief: LevelBelief) -> None:
        """Go on from a stored belief: of several, the newest."""
        self.belief = max(self.belief, belief, key=lambda known: known.at_s or 0.0)

    def bound(self, now: datetime) -> None:
        """Date nothing later than now: a clock that was ahead has come back."""
        self.belief, self.shown = bounded_belief(self.belief, now), bounded_belief(self.shown, now)


def has_fallen(before: Status, after: Status) -> bool:
    """Whether an endpoint went down."""
    return after is Status.DOWN and before is not Status.DOWN
