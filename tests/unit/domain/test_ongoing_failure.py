"""A lasting failure is reported when it begins and when it ends."""

from __future__ import annotations

from monitor.domain.ongoing_failure import OngoingFailure


def test_a_failure_begins_once_and_ends_once_and_may_begin_again() -> None:
    failure = OngoingFailure()
    assert [failure.begins("refused"), failure.begins("timed out")] == [True, False]
    assert [failure.ends(), failure.ends()] == [True, False]
    assert failure.begins("refused")


def test_the_reason_is_that_of_the_newest_failure_until_it_is_over() -> None:
    failure = OngoingFailure()
    reasons = [(failure.begins(reason), failure.reason)[1] for reason in ("refused", "timed out")]
    assert [*reasons, (failure.ends(), failure.reason)[1]] == ["refused", "timed out", None]


def test_what_works_has_no_failure_that_could_end() -> None:
    failure = OngoingFailure()
    assert failure.reason is None
    assert not failure.ends()
