"""Values for tests of the score: moments, samples, observations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings

from monitor.score.health import Health, Observation, advance
from monitor.score.hmm import NEW
from monitor.score.outcomes import SampleOutcome
from monitor.score.serialize import Remembered
from probes._model import ErrorClass, Sample, Task
from tests.support.examples import examples

unhurried = settings(deadline=None, max_examples=examples(60))
"""For tests over drawn values: the machine may be busy."""
START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
EVERY_S = 60.0
STALE_S = 210.0
NEVER = Remembered(health=Health(since=START), shared=NEW)
"""The beliefs about an endpoint and about its provider before the first sample."""


def after(seconds: float) -> datetime:
    """The moment so long after `START`."""
    return START + timedelta(seconds=seconds)


def make_sample(started_at: datetime = START, error: ErrorClass | None = None, **fields: Any) -> Sample:
    """A sample of one endpoint; `fields` in place of what it would hold."""
    plain = Sample(
        id=f"{int(started_at.timestamp() * 1e6):016x}",
        endpoint="groq:llama",
        vantage="local",
        probe="chat",
        task=Task.CHAT,
        scheduled_at=started_at,
        started_at=started_at,
        error=error,
        blame=error.blame if error else None,
        lag_s=0.001,
    )
    return replace(plain, **fields)


def make_observation(number: float, outcome: SampleOutcome = SampleOutcome.OK, **fields: Any) -> Observation:
    """What the sample of minute `number` says; a failure is a server error unless `fields` name another."""
    usual = {
        SampleOutcome.FAILED: ErrorClass.SERVER_ERROR,
        SampleOutcome.RATE_LIMITED: ErrorClass.RATE_LIMITED,
        SampleOutcome.ACCOUNT: ErrorClass.AUTH,
        SampleOutcome.MONITOR: ErrorClass.INTERNAL,
        SampleOutcome.NETWORK: ErrorClass.VANTAGE_OFFLINE,
    }
    plain = Observation(at=after(number * EVERY_S), outcome=outcome, within_slo=True, error=usual.get(outcome))
    return replace(plain, **fields)


def observations(outcomes: Iterable[SampleOutcome | str], first: float = 1) -> list[Observation]:
    """One observation a minute; a letter stands for what it showed.

    `o` ok, `s` ok but slow, `u` ok but anomalous, `f` failed, `r` reached, `x` not reached.
    """
    return [
        make_observation(first + place, **(_LETTERS[each] if isinstance(each, str) else {"outcome": each}))
        for place, each in enumerate(outcomes)
    ]


def advanced(seen: Iterable[Observation], known: Remembered = NEVER) -> Remembered:
    """What is known after these observations."""
    health, shared = known.health, known.shared
    for each in seen:
        health, shared = advance(health, shared, each)
    return Remembered(health=health, shared=shared)


_LETTERS: dict[str, dict[str, Any]] = {
    "o": {"outcome": SampleOutcome.OK},
    "s": {"outcome": SampleOutcome.OK, "within_slo": False},
    "u": {"outcome": SampleOutcome.OK, "anomalous": True},
    "f": {"outcome": SampleOutcome.FAILED},
    "r": {"outcome": SampleOutcome.OK, "reach": True},
    "x": {"outcome": SampleOutcome.FAILED, "reach": True},
}
