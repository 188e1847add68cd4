"""`/v1/endpoints/{id}/series` of a real server on a real store: its points match the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitor.config.model import ScoringSpec
from monitor.history.series import Metric
from monitor.store import Store
from probes._model import Blame, ErrorClass, Sample, Task
from tests.integration.history.serving import (
    NAME,
    NOW,
    ODD,
    SLASHED,
    Begin,
    Served,
    a_sample,
    fill,
    make_history,
    path_of,
    samples,
    tool_call,
)
from tests.integration.store.asking import settle
from tests.unit.store.samples import START

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def series(served: Served, query: str = "", name: str = NAME) -> Any:
    response, body = await served.get(path_of(name, f"series?{query}"))
    assert response.status == 200, body
    return body


def measured(body: Any) -> list[Any]:
    """The points that say anything."""
    return [point for point in body["data"] if point["count"]]


def within(samples: Sequence[Sample], at: str, step_s: int, task: Task | None = Task.CHAT) -> list[Sample]:
    begin = datetime.fromisoformat(at)
    end = begin + timedelta(seconds=step_s)
    return [sample for sample in samples if begin <= sample.started_at < end and task in {None, sample.task}]


def nearest(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(math.ceil(share * len(values) - 1e-9), 1) - 1]


@pytest.mark.parametrize("tidied", [False, True])
@pytest.mark.parametrize("window", ["5m", "30m", "6h", "1d", "7d", "30d", "90d"])
async def test_percentiles_are_those_of_the_samples_of_each_step(
    store: Store, begin: Begin, window: str, tidied: bool
) -> None:
    kept = [*samples(3 * 144 + 1), *(tool_call(number) for number in range(0, 400, 9))]
    await fill(store, kept)
    if tidied:
        await settle(store, NOW)
    served = await begin(make_history(store, now=START + 3 * DAY + 2 * MINUTE))
    body = await series(served, f"metric=ttft_s&window={window}")
    assert body["task"] == "chat"
    counted = 0
    for point in body["data"]:
        values = [sample.ttft_s for sample in within(kept, point["at"], body["step_s"]) if sample.ttft_s is not None]
        counted += len(values)
        assert point["count"] == len(values)
        if not values:
            assert (point["p50"], point["p90"], point["p99"]) == (None, None, None)
        else:
            expected = [nearest(values, share) for share in (0.5, 0.9, 0.99)]
            assert [point["p50"], point["p90"], point["p99"]] == pytest.approx(expected, rel=0.0101)
    assert counted > 0


@pytest.mark.parametrize("tidied", [False, True])
@pytest.mark.parametrize("window", ["6h&step=30m", "1d&step=45m", "7d", "90d"])
async def test_uptime_is_of_all_tasks_and_null_where_nothing_counted(
    store: Store, begin: Begin, window: str, tidied: bool
) -> None:
    kept = samples(144)
    kept += [a_sample(144 + n, error=ErrorClass.AUTH, blame=Blame.ACCOUNT, ttft_s=None) for n in range(3)]
    kept += [tool_call(number) for number in range(100, 145, 3)]
    await fill(store, kept)
    if tidied:
        await settle(store, NOW)
    served = await begin(make_history(store, now=START + DAY + HOUR))
    body = await series(served, f"metric=uptime&window={window}")
    assert (body["task"], body["next"]) == (None, None)
    for point in body["data"]:
        found = within(kept, point["at"], body["step_s"], None)
        good = sum(sample.error is None for sample in found)
        bad = sum(each.error is ErrorClass.OVERLOADED for each in found)
        assert point["count"] == good + bad
        assert point["ratio"] == (pytest.approx(good / (good + bad), abs=1e-6) if good + bad else None)
    assert sum(point["count"] for point in body["data"]) > 0
    assert {point["ratio"] for point in body["data"]} - {None, 0.0, 1.0}


async def test_uptime_of_one_task_leaves_the_others_out(store: Store, begin: Begin) -> None:
    await fill(store, [*samples(5), *(tool_call(number) for number in range(4))])
    served = await begin(make_history(store, now=START + HOUR))
    for query in ("window=6h", "window=7d"):
        for task, count in (("chat", 5), ("tool_call", 4), ("reach", 0)):
            points = measured(await series(served, f"metric=uptime&task={task}&{query}"))
            assert sum(point["count"] for point in points) == count
        assert sum(point["count"] for point in measured(await series(served, f"metric=uptime&{query}"))) == 9


async def test_what_the_configuration_blames_holds_for_the_past(store: Store, begin: Begin) -> None:
    await fill(store, [a_sample(0), a_sample(1, error=ErrorClass.AUTH, blame=Blame.ACCOUNT)])
    moved = ScoringSpec(blame={ErrorClass.AUTH: Blame.PROVIDER})
    served = await begin(make_history(store, now=START + HOUR, scoring=moved))
    for window in ("6h", "90d"):
        points = measured(await series(served, f"metric=uptime&window={window}"))
        assert sum(point["count"] for point in points) == 2
        assert min(point["ratio"] for point in points) < 1


async def test_every_metric_is_there_for_a_day_and_nothing_is_zero_where_nothing_was(
    store: Store, begin: Begin
) -> None:
    await fill(store, [a_sample(0)])
    served = await begin(make_history(store, now=START + HOUR))
    for metric in Metric:
        body = await series(served, f"metric={metric}&window=1d")
        assert len(body["data"]) == 97
        empty = [point for point in body["data"] if not point["count"]]
        for point in empty:
            assert {point.get(name) for name in ("ratio", "p50", "p90", "p99")} == {None}
        if metric not in {Metric.RTT, Metric.SERVER, Metric.RETRANSMITS, Metric.MERGED_READS}:
            assert len(empty) == 96, metric


async def test_the_newest_step_holds_what_came_a_moment_ago(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store, now=START + 7 * MINUTE))
    for query in ("window=30m", "window=30m&step=30m", "window=7d", "window=90d"):
        assert measured(await series(served, query)) == []
    await fill(store, [a_sample(0)])
    for query in ("window=30m", "window=30m&step=30m", "window=7d", "window=90d"):
        assert [point["p50"] for point in measured(await series(served, query))] == [pytest.approx(0.2, rel=0.01)]


@pytest.mark.parametrize("name", [SLASHED, ODD])
async def test_ids_may_hold_anything(store: Store, begin: Begin, name: str) -> None:
    await fill(store, samples(3, name=name))
    served = await begin(make_history(store, now=START + HOUR))
    body = await series(served, name=name)
    assert (body["endpoint"], body["metric"], body["window_s"], body["step_s"]) == (name, "ttft_s", 86_400, 900)
    assert sum(point["count"] for point in body["data"]) == 3


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("", 97),
        ("window=5m&step=1s", 301),
        ("window=1d&step=1m", 1441),
        ("window=1d&step=1h", 25),
        ("window=60d&step=1h", 1441),
        ("window=90d&step=1d", 91),
        ("window=7d&step=7d", 2),
    ],
)
async def test_a_window_is_cut_into_as_many_steps_as_it_has_and_one_more(
    empty: Store, begin: Begin, query: str, points: int
) -> None:
    served = await begin(make_history(empty))
    body = await series(served, query)
    assert len(body["data"]) == points
    times = [datetime.fromisoformat(point["at"]) for point in body["data"]]
    step = timedelta(seconds=body["step_s"])
    assert all(later - earlier == step for earlier, later in pairwise(times))
    assert times[-1] <= NOW < times[-1] + step


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("metric=speed", "metric must be one of uptime, lag_s"),
        ("metric=error", "metric must be one of"),
        ("window=4m", "window must be between 5m and 90d"),
        ("window=91d", "window must be between 5m and 90d"),
        ("window=1000000000000000000000d", "window must be a duration"),
        ("window=day", "window must be a duration such as 30s, 5m, 6h or 30d, not 'day'"),
        ("window=60", "window must be a duration"),
        ("window=-5m", "window must be a duration"),
        ("step=0s", "step must be a duration"),
        ("step=250ms", "step must be a whole number of seconds"),
        ("window=1d&step=30s", "step is too short"),
        ("window=7d&step=1m", "step is too short"),
        ("window=7d&step=15m", "step must be at least 1h if the window is longer than 1d"),
        ("window=30m&step=1h", "step must not be longer than the window"),
        ("window=30d&step=90m", "a whole number of hours"),
        ("metric=cost_usd&window=7d", "cost_usd is available from single samples only"),
        ("task=poem", "task must be one of"),
        ("since=2026-11-22T07:00:00Z", "unknown parameter 'since'"),
    ],
)
async def test_an_invalid_query_is_refused_with_the_reason(
    empty: Store, begin: Begin, query: str, message: str
) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(path_of(NAME, f"series?{query}"))
    assert (response.status, body["error"]["code"]) == (400, "bad_request")
    assert message in body["error"]["message"]


async def test_an_unknown_id_is_not_found(empty: Store, begin: Begin) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get("/v1/endpoints/nobody:none/series")
    assert (response.status, body["error"]["code"]) == (404, "not_found")
