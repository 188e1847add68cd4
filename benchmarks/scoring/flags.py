"""When an endpoint was down, degraded or down, or had a figure below one half, as a rule saw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Flag(Enum):
    """A finding about an endpoint."""

    DOWN = "called down"
    RAISED = "called degraded or down"
    LOW = "score below 0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A change of a flag."""

    at_s: float
    up: bool


class Flags:
    """The flags of all endpoints, for each rule by its name."""

    def __init__(self, names: Sequence[str], endpoints: int) -> None:
        self._turns: dict[tuple[str, int, Flag], list[Turn]] = {
            (name, number, flag): [] for name in names for number in range(endpoints) for flag in Flag
        }
        self._up: set[tuple[str, int, Flag]] = set()

    def note(self, name: str, number: int, at_s: float, flag: Flag, *, up: bool) -> None:
        """Records the state of a flag, if it changed."""
        key = (name, number, flag)
        if up is (key in self._up):
            return
        self._up ^= {key}
        self._turns[key].append(Turn(at_s=at_s, up=up))

    def any_up(self, name: str, number: int) -> bool:
        """Whether any flag of an endpoint is up."""
        return any((name, number, flag) in self._up for flag in Flag)

    def raised(self, name: str, number: int, flag: Flag) -> Iterator[float]:
        """The times at which a flag went up."""
        return (turn.at_s for turn in self._turns[name, number, flag] if turn.up)

    def first_up(self, name: str, number: int, flag: Flag, from_s: float, to_s: float) -> float | None:
        """The first time in a span at which a flag was up: the begin of the span if it was up before."""
        was_up = False
        for turn in self._turns[name, number, flag]:
            if turn.at_s > from_s:
                return from_s if was_up else turn.at_s if turn.up and turn.at_s <= to_s else None
            was_up = turn.up
        return from_s if was_up else None
