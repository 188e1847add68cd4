"""The blame of a failure, with overrides of the configuration."""

from __future__ import annotations

import pytest

from monitor.score.blame import blame_of, blamed
from probes._model import Blame, ErrorClass
from tests.unit.score.values import START, make_sample

OVERRIDES = {ErrorClass.AUTH: Blame.PROVIDER, ErrorClass.OVERLOADED: Blame.ACCOUNT}


@pytest.mark.parametrize("error", ErrorClass)
def test_only_what_was_overridden_has_another_blame_than_the_tables(error: ErrorClass) -> None:
    assert blame_of(error, OVERRIDES) is OVERRIDES.get(error, error.blame)
    assert blame_of(error, {}) is error.blame
    assert blamed(make_sample(START, error), OVERRIDES) == make_sample(
        START, error, blame=OVERRIDES.get(error, error.blame)
    )


def test_a_success_is_nobodys_fault() -> None:
    assert blamed(make_sample(), OVERRIDES) == make_sample()


def test_a_blame_that_is_not_overridden_any_more_is_the_tables_again() -> None:
    sample = blamed(make_sample(START, ErrorClass.AUTH), OVERRIDES)
    assert sample.blame is Blame.PROVIDER
    assert blamed(sample, {}) == make_sample(START, ErrorClass.AUTH)
