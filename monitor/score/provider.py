"""The state that the endpoints of one provider share: the belief about the provider. Pure.

Board, backtest and benchmark use this module, so that their scores cannot differ.
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
    """The belief about a provider, and the provider's endpoints."""

    __slots__ = ("_endpoints", "_reported", "belief", "shown")

    def __init__(self) -> None:
        self.belief: LevelBelief = NEW
        self.shown: LevelBelief = NEW
        """The published belief."""
        self._reported = self.belief.probabilities
        self._endpoints: list[T] = []

    def join(self, endpoint: T) -> None:
        """Add an endpoint of the provider."""
        self._endpoints.append(endpoint)

    def dismiss(self) -> None:
        """Remove all endpoints before those of another configuration join. The belief stays."""
        self._endpoints.clear()

    def absorb(self, health: Health, seen: Observation) -> Health:
        """Update the belief with evidence about an endpoint. Returns the endpoint's new health."""
        health, self.belief = advance(health, self.belief, seen)
        return health

    def affected(self, endpoint: T, *, fell: bool) -> Sequence[T]:
        """The provider's other endpoints, if they need `settle` after evidence about an endpoint; else none.

        `fell`: the evidence took the endpoint down.
        """
        if fell or self.is_news():
            return [other for other in self._endpoints if other is not endpoint]
        return ()

    def is_news(self) -> bool:
        """Whether the belief has changed enough since the last True to change a status."""
        moved: bool = max(map(abs, map(sub, self.belief.probabilities, self._reported))) > _MOVED
        if moved:
            self._reported = self.belief.probabilities
        return moved

    def settle(self, health: Health, at: datetime) -> Health:
        """The health of an endpoint after evidence about the provider's other endpoints."""
        return settle(health, self.belief, at)

    def show(self) -> None:
        """Publish the current belief."""
        self.shown = self.belief

    def restore(self, belief: LevelBelief) -> None:
        """Restore a stored belief. Of several, the newest one is used."""
        self.belief = max(self.belief, belief, key=lambda known: known.at_s or 0.0)

    def bound(self, now: datetime) -> None:
        """Limit all times to `now` after the clock was set back."""
        self.belief, self.shown = bounded_belief(self.belief, now), bounded_belief(self.shown, now)


def has_fallen(before: Status, after: Status) -> bool:
    """Whether an endpoint went down."""
    return after is Status.DOWN and before is not Status.DOWN
