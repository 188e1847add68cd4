"""The threads of LiteLLM's plug-in, with a server in place of the daemon for faults that a daemon does not produce."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from monitor.client import Status
from monitor.integrations._follower import Follower, FollowerView
from monitor.integrations._reporter import Reporter
from tests.routers.litellm import Recorder, recording
from tests.support.daemon import free_port, wait_until
from tests.unit.client.test_scores import document, plain, scores


def recorder(status: str = "up") -> Recorder:
    made = Recorder({})
    tell(made, status)
    return made


def tell(told: Recorder, status: str) -> None:
    row = plain("p:m", status, stale_after=None, router_ids={"litellm": "x"})
    told.snapshot = document(row, generated_at=datetime.now(UTC).isoformat()).decode()


def status(follower: Follower) -> Status | None:
    view = follower.view()
    return None if view is None else view.scores.names["x"].status


def test_a_follower_comes_again_after_every_end_and_keeps_what_it_knows() -> None:
    told = recorder()
    with recording(told) as url:
        follower = Follower(url, "t", "litellm")
        assert follower.view() is None
        follower.start()
        follower.start()
        wait_until(lambda: status(follower) is Status.UP, "a snapshot")
        tell(told, "down")
        wait_until(lambda: status(follower) is Status.DOWN, "the next one")
        told.snapshot = "{}"
        assert status(follower) is Status.DOWN
    follower.close()
    follower.start()
    wait_until(lambda: not follower.is_running(), "its end")
    assert status(follower) is Status.DOWN


def test_a_view_goes_by_the_daemons_clock_and_grows_old() -> None:
    view = FollowerView(scores=scores(), began_at=datetime(2026, 1, 1, tzinfo=UTC), began_s=100.0, heard_s=110.0)
    assert view.now(130.0) == datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert view.is_fresh(230.0)
    assert not view.is_fresh(230.1)


def test_outcomes_are_sent_in_batches_once_the_daemon_takes_them() -> None:
    told = recorder()
    told.status = 503
    with recording(told) as url:
        reporter = Reporter(url, "t")
        for number in range(1_100):
            reporter.put({"id": str(number)})
        wait_until(lambda: told.tokens, "a try")
        told.status = 200
        wait_until(lambda: len(told.outcomes) == 1_100, "all of them")
        reporter.close()
    assert [outcome["id"] for outcome in told.outcomes] == [str(number) for number in range(1_100)]
    assert max(map(len, told.batches)) == 500


def test_what_the_daemon_would_never_take_is_dropped() -> None:
    told = recorder()
    told.status = 400
    with recording(told) as url:
        reporter = Reporter(url, "t")
        reporter.put({"id": "refused"})
        wait_until(lambda: told.tokens, "a refusal")
        told.status = 200
        reporter.put({"id": "taken"})
        wait_until(lambda: told.outcomes, "the next")
        reporter.close()
    assert told.outcomes == [{"id": "taken"}]


def test_while_the_daemon_does_not_answer_only_the_newest_outcomes_wait() -> None:
    reporter = Reporter(f"http://127.0.0.1:{free_port()}", "t")
    for number in range(20_000):
        reporter.put({"id": str(number)})
    assert len(reporter._waiting) <= 10_000
    reporter.close()


def test_a_token_that_no_header_can_hold_loses_no_outcome(caplog: pytest.LogCaptureFixture) -> None:
    reporter = Reporter(f"http://127.0.0.1:{free_port()}", "s3c\nr3t")
    reporter.put({"id": "first"})
    wait_until(lambda: caplog.records, "a failure in the log")
    assert [vars(record)["action"] for record in caplog.records] == ["outcomes_missing"]
    assert "r3t" not in caplog.records[0].getMessage()
    assert reporter.is_running()
    reporter.close()


def test_the_log_says_when_outcomes_are_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    told = recorder()
    told.status = 503
    with recording(told) as url, caplog.at_level(logging.INFO, "monitor.integrations._reporter"):
        reporter = Reporter(url, "t")
        reporter.put({"id": "first"})
        wait_until(lambda: caplog.records, "a failure in the log")
        told.status = 200
        wait_until(lambda: told.outcomes, "the outcome")
        wait_until(lambda: len(caplog.records) > 1, "the end of the failure in the log")
        reporter.close()
    assert [vars(record)["action"] for record in caplog.records] == ["outcomes_missing", "outcomes_recovered"]
