"""Outages in the samples by a fixed definition, and a policy's alarms compared with them. Pure.

An outage is three or more consecutive failures of the provider over two minutes or more, from the start of the first to
the end of the newest. It ends with the first of two consecutive successes, or with the newest failure when no sample
follows. It is proved some time after it began, so the verdict on an alarm that was raised meanwhile is delayed.
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
    """The state of an endpoint so far."""

    WELL = "well"
    SUSPECTED = "suspected"
    """The endpoint failed and may be in an outage."""
    OUT = "out"


class OutageEvent(Enum):
    """A change of phase."""

    PROVED = "proved"
    """The suspicion is an outage."""
    CLEARED = "cleared"
    """The suspicion was no outage."""
    OVER = "over"
    """The outage ended."""
    LOST = "lost"
    """It is not possible to decide whether the suspicion was an outage."""


class OutageDetector:
    """Finds the outages of one endpoint. Samples come in the order in which they became known."""

    __slots__ = ("_end_s", "_failures", "_successes", "began_s", "count", "phase", "seconds")

    def __init__(self) -> None:
        self.phase = Phase.WELL
        self.began_s = 0.0
        """Start of the suspicion or outage."""
        self.count = 0
        """Number of ended outages."""
        self.seconds = 0.0
        """Total duration of these outages."""
        self._failures = self._successes = 0
        self._end_s = 0.0

    def see(self, *, failed: bool, began_s: float, known_s: float) -> OutageEvent | None:
        """Handle a sample."""
        if failed:
            return self._failed(began_s, known_s)
        return None if self.phase is Phase.WELL else self._succeeded(known_s)

    def lapse(self) -> OutageEvent | None:
        """Handle a long gap without samples, or the end of the samples."""
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
    """The results of a policy for all endpoints together."""

    delays_s: list[float] = field(default_factory=list)
    """From the start of each detected outage to the alarm."""
    missed: int = 0
    false_alarms: int = 0
    down_s: float = 0.0
    changes: int = 0
    """How often the policy changed between usable and unusable."""


class Alarms:
    """A policy's alarms for one endpoint: spans in which it considers the endpoint unusable."""

    __slots__ = ("_caught", "_first_s", "_justified", "_record", "_since_s", "_waiting", "_watch")

    def __init__(self, watch: OutageDetector, record: AlarmRecord) -> None:
        self._watch = watch
        self._record = record
        self._since_s: float | None = None
        self._justified = False
        """Whether the raised alarm coincides with an outage."""
        self._waiting = 0
        """Alarms that ended while the suspicion was open."""
        self._first_s = math.inf
        """When the first of these alarms was raised."""
        self._caught = False
        """Whether the present outage was detected."""

    def follow(self, at_s: float, *, usable: bool) -> None:
        """Handle the policy's opinion at a moment."""
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
        """End the alarm, if there is one."""
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
        """Handle a change of phase."""
        match turn:
            case OutageEvent.PROVED:
                self._prove()
            case OutageEvent.CLEARED:
                self._record.false_alarms += self._waiting
            case OutageEvent.OVER:
                self._record.missed += not self._caught
                self._caught = False
            case OutageEvent.LOST:
                pass  # it is not possible to decide whether these alarms were right
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
