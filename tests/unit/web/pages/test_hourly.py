"""The last 24 hours of an endpoint from stored counts."""

from __future__ import annotations

from datetime import timedelta

from monitor.charts.uptime_strip import BucketState
from monitor.domain.maintenance import MaintenanceWindow
from monitor.score.outcomes import SampleOutcome
from monitor.store import SampleTally
from monitor.traffic.counted import TrafficTally
from monitor.web.pages.hourly import HOUR, first_hour, hour_buckets, hour_counts
from probes._model import ErrorClass, Task
from tests.support.showcase import NOW

OUTCOMES = {
    None: SampleOutcome.OK,
    ErrorClass.OVERLOADED: SampleOutcome.FAILED,
    ErrorClass.RATE_LIMITED: SampleOutcome.RATE_LIMITED,
    ErrorClass.VANTAGE_OFFLINE: SampleOutcome.NETWORK,
}
START = first_hour(NOW)


def tally(hour: int, error: ErrorClass | None = None, count: int = 1, task: Task = Task.CHAT) -> SampleTally:
    return SampleTally(endpoint="p:m", bucket=START + hour * HOUR, task=task, error=error, count=count)


def test_the_newest_of_the_24_hours_contains_now() -> None:
    buckets = hour_buckets({}, (), NOW)
    assert len(buckets) == 24
    assert buckets[-1].at <= NOW < buckets[-1].at + HOUR


def test_an_hour_without_samples_is_not_measured_and_never_good() -> None:
    assert {bucket.state for bucket in hour_buckets({}, (), NOW)} == {BucketState.NOT_MEASURED}


def test_tasks_and_real_traffic_are_counted_together_as_uptime_counts_them() -> None:
    traffic = TrafficTally(endpoint="p:m", start=START, error=ErrorClass.OVERLOADED, count=2)
    counts = hour_counts([tally(0, count=5), tally(0, count=3, task=Task.TOOL_CALL)], [traffic], OUTCOMES.__getitem__)
    first = hour_buckets(counts["p:m"], (), NOW)[0]
    assert (first.ok, first.failed) == (8, 2)


def test_rate_limits_and_the_own_network_are_no_failures() -> None:
    errors = [tally(1, ErrorClass.RATE_LIMITED, 4), tally(1, ErrorClass.VANTAGE_OFFLINE, 2)]
    second = hour_buckets(hour_counts(errors, [], OUTCOMES.__getitem__)["p:m"], (), NOW)[1]
    assert (second.failed, second.rate_limited, second.network) == (0, 4, True)
    assert second.state is BucketState.NETWORK


def test_every_hour_that_a_maintenance_touches_says_so() -> None:
    span = MaintenanceWindow(begin=START + 2.5 * HOUR, end=START + 4 * HOUR)
    marked = [place for place, bucket in enumerate(hour_buckets({}, (span,), NOW)) if bucket.maintenance]
    assert marked == [2, 3]
    assert first_hour(NOW + timedelta(hours=1)) == START + HOUR
