"""The sentence about all endpoints."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.domain.headline import headline, silence
from tests.unit.score.values import START


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        ([], "no endpoints"),
        (["up"], "all well"),
        (["up", "paused", "maintenance"], "all well"),
        (["down"], "1 of 1 endpoint down"),
        (["up", "down", "down"], "2 of 3 endpoints down"),
        (["unknown", "degraded", "down", "degraded"], "1 of 4 endpoints down, 2 degraded, 1 unknown"),
        (["degraded", "up"], "1 of 2 endpoints degraded"),
        (["unknown", "up"], "1 of 2 endpoints unknown"),
        (["paused", "maintenance", "paused"], "1 in maintenance, 2 paused"),
        (["melted"], "1 endpoint of another status"),
        (["down"] * 1200 + ["up"] * 34, "1,200 of 1,234 endpoints down"),
    ],
)
def test_the_sentence_counts_what_is_not_well_the_worst_first(statuses: list[str], sentence: str) -> None:
    assert headline(statuses) == sentence


def test_without_current_samples_the_sentence_says_for_how_long() -> None:
    assert silence(START, START + timedelta(minutes=4, seconds=30)) == "nothing measured for 4 min"
    assert silence(None, START) == "nothing measured yet"
