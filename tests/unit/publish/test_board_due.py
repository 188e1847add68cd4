"""Which samples make the board ask for a probe beside the ticks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from probes._model import ErrorClass
from tests.unit.publish.values import first_tick, make_board, make_spec, sample_at

NAME = "groq:llama"
TICK = first_tick()
MINUTE = timedelta(minutes=1)


def test_a_counted_sample_says_when_the_next_probe_is_worth_its_money() -> None:
    board = make_board(make_spec(NAME))
    assert board.absorb([sample_at(TICK)]).due.keys() == {NAME}


@pytest.mark.parametrize("error", [ErrorClass.RATE_LIMITED, ErrorClass.AUTH, ErrorClass.VANTAGE_OFFLINE])
def test_a_sample_that_does_not_count_asks_for_no_probe(error: ErrorClass) -> None:
    board = make_board(make_spec(NAME))
    board.absorb([sample_at(TICK)])
    assert not board.absorb([sample_at(TICK + MINUTE, error)]).due
