"""Outages by their stated definition, found in the samples themselves, and what a policy's alarms made of them. Pure.

An outage is three or more failures in a row by the provider's fault that last two minutes or more: from when the first
began to when the newest ended. It is over with the first of two successes in a row, or with the newest failure when
nothing more is heard. It is proved a while after it began, so an alarm that was raised meanwhile waits for its verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, assert_never

FAILURES: Final = 3
LASTS_S: Final = 120.0
_SUCCESSES: Final = 2


class Phase(Enum):
    """What is known of an endpoint so far."""

    WELL = "well"
    SUSPECTED = "suspected"
    """It failed, and may be in an outage."""
    OUT = "out"


class OutageEvent(Enum):
    """What a sample, or that none came, made of a phase."""

    PROVED = "proved"
    """The suspicion was an outage."""
    CLEARED = "cleared"
    """It was none."""
    OVER = "over"
    """The outage was."""
    LOST = "lost"
    """Nobody will know whether the suspicion was an outage."""


class OutageDetector:
    """Finds the outages of one endpoint; told of its samples in the order in which they became known."""

    __slots__ = ("_end_s", "_failures", "_successes", "began_s", "count", "phase", "seconds")

    def __init__(self) -> None:
        self.phase = Phase.WELL
        self.began_s = 0.0
        """When the suspicion or the outage did."""
        self.count = 0
        """Outages that are over."""
        self.seconds = 0.0
        """How long these were, together."""
        self._failures = self._successes = 0
        self._end_s = 0.0

    def see(self, *, failed: bool, began_s: float, known_s: float) -> OutageEvent | None:
        """Take in a sample."""
        if failed:
            return self._failed(began_s, known_s)
        return None if self.phase is Phase.WELL else self._succeeded(known_s)

    def lapse(self) -> OutageEvent | None:
        """Nothing has been heard for long, or nothing will be heard any more."""
        if self.phase is Phase.WELL:
            return None
        return self._over() if self.phase is Phase.OUT else self._well(OutageEvent.LOST)

    def _failed(self, began_s: float, known_s: float) -> OutageEvent | None:
        if self.phase is Phase.WELL:
            self.phase, self.began_s, self._failures = Phase.SUSPECTED, began_s, 0
        self._failures += 1
        self._successes = 0
        self._end_s = known_s
        if self.phase is Phase.SUSPECTED and self._failures >= FAILURES and known_s - self.began_s >= LASTS_S:
            self.phase = Phase.OUT
            return OutageEvent.PROVED
        return None

    def _succeeded(self, known_s: float) -> OutageEvent | None:
        if self.phase is Phase.SUSPECTED:
            return self._well(OutageEvent.CLEARED)
        self._successes += 1
        if self._successes == _SUCCESSES:
            return self._over()
        self._end_s = known_s
        return None

    def _over(self) -> OutageEvent:
        self.count += 1
        self.seconds += self._end_s - self.began_s
        return self._well(OutageEvent.OVER)

    def _well(self, turn: OutageEvent) -> OutageEvent:
        self.phase, self._failures, self._successes = Phase.WELL, 0, 0
        return turn


@dataclass(slots=True, kw_only=True)
class AlarmRecord:
    """How a policy did at all endpoints together."""

    delays_s: list[float] = field(default_factory=list)
    """From the beginning of each outage that it saw to its alarm."""
    missed: int = 0
    false_alarms: int = 0
    down_s: float = 0.0
    changes: int = 0
    """How often the status of an endpoint changed."""


class Alarms:
    """A policy's alarms at one endpoint: spans in which it holds the endpoint not to be usable."""

    __slots__ = ("_caught", "_first_s", "_justified", "_record", "_since_s", "_waiting", "_watch")

    def __init__(self, watch: OutageDetector, record: AlarmRecord) -> None:
        self._watch = watch
        self._record = record
        self._since_s: float | None = None
        self._justified = False
        """Whether there is an outage at the time of the alarm that is raised."""
        self._waiting = 0
        """Alarms that ended while it was not known whether there is one."""
        self._first_s = math.inf
        """When the first of these was raised."""
        self._caught = False
        """Whether the outage that there is was seen."""

    def follow(self, at_s: float, *, usable: bool) -> None:
        """The policy's word at a moment."""
        if usable is (self._since_s is None):
            return
        self._record.changes += 1
        if usable:
            self.end(at_s)
            return
        self._since_s = at_s
        self._justified = self._watch.phase is Phase.OUT
        if self._justified:
            self._catch(at_s)

    def end(self, at_s: float) -> None:
        """Lower the alarm, if there is one."""
        if self._since_s is None:
            return
        self._record.down_s += at_s - self._since_s
        if not self._justified and self._watch.phase is Phase.SUSPECTED:
            self._waiting += 1
            self._first_s = min(self._first_s, self._since_s)
        elif not self._justified:
            self._record.false_alarms += 1
        self._since_s = None

    def note(self, turn: OutageEvent) -> None:
        """What became of the suspicion, or of the outage."""
        match turn:
            case OutageEvent.PROVED:
                self._prove()
            case OutageEvent.CLEARED:
                self._record.false_alarms += self._waiting
            case OutageEvent.OVER:
                self._record.missed += not self._caught
                self._caught = False
            case OutageEvent.LOST:
                pass  # whether these alarms were right nobody knows
            case _:
                assert_never(turn)
        self._waiting, self._first_s = 0, math.inf

    def _prove(self) -> None:
        raised_s = math.inf if self._since_s is None else self._since_s
        self._justified = self._since_s is not None
        if self._waiting or self._justified:
            self._catch(min(raised_s, self._first_s))

    def _catch(self, at_s: float) -> None:
        if not self._caught:
            self._caught = True
            self._record.delays_s.append(max(at_s - self._watch.began_s, 0.0))
