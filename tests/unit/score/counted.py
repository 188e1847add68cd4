"""Counted samples for tests of policies and of their replay."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.backtest.policies import CountedSample
from monitor.score.health import Observation
from monitor.score.outcomes import SampleOutcome
from probes._model import ErrorClass
from tests.unit.score.values import EVERY_S, START, after

ENDPOINT = "groq:llama"
START_S = START.timestamp()
LASTS_S = 1.0
"""How long each probe takes."""


def make_counted(
    at_s: float, letter: str = "o", endpoint: str = ENDPOINT, *, lasts_s: float = LASTS_S, reach: bool = False
) -> CountedSample:
    """The sample that begins `at_s` after the start: `o` succeeds, `s` does so too late, `f` fails."""
    failed = letter == "f"
    seen = Observation(
        at=after(at_s),
        outcome=SampleOutcome.FAILED if failed else SampleOutcome.OK,
        within_slo=letter == "o",
        reach=reach,
        error=ErrorClass.SERVER_ERROR if failed else None,
    )
    return CountedSample(
        id=f"{round(at_s * 1000):016x}",
        endpoint=endpoint,
        known_s=START_S + at_s + lasts_s,
        seen=seen,
    )


def minutes(letters: Iterable[str], first: float = 0, endpoint: str = ENDPOINT) -> list[CountedSample]:
    """One sample a minute."""
    return [make_counted((first + place) * EVERY_S, letter, endpoint) for place, letter in enumerate(letters)]
