"""Pages of samples: no sample is repeated or lost, and each search has a limit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.epoch import EPOCH
from monitor.history.pagination import before, from_cursor, to_cursor
from monitor.history.samples import Page, SampleQuery, portions
from monitor.store import PageKey
from probes._model import Task
from probes._serialize import sample_to_plain
from tests.unit.store.samples import START, make_sample

NOW = START + timedelta(days=30)
RAW, DAY = timedelta(days=20), timedelta(days=1)
PLACE = PageKey(at=NOW - 2 * DAY, id="ab" * 8)


def wanted(**fields: Any) -> SampleQuery:
    plain: dict[str, Any] = {"since": None, "until": None, "task": None, "limit": 10, "cursor": None}
    return SampleQuery(endpoint="groq:llama", **{**plain, **fields})


def page(**fields: Any) -> Page:
    return wanted(**fields).page(NOW, RAW)


def test_a_first_page_begins_with_the_newest_and_looks_back_to_the_beginning() -> None:
    assert page() == Page(since=EPOCH, reach=EPOCH, before=None)
    assert page(since=START) == Page(since=START, reach=START, before=None)


def test_a_later_page_begins_where_the_one_before_ended() -> None:
    assert page(cursor=PLACE).before == PLACE
    assert page(until=NOW - DAY).before == before(NOW - DAY)
    assert page(until=NOW - DAY, cursor=PLACE).before == PLACE
    assert page(until=NOW - 3 * DAY, cursor=PLACE).before == before(NOW - 3 * DAY)


def test_a_task_that_is_seldom_run_is_looked_for_week_by_week() -> None:
    """As far back as samples are kept, and one day more, since they go a while after their time."""
    first = page(task=Task.TOOL_CALL)
    assert first == Page(since=NOW - RAW - DAY, reach=NOW - 6 * DAY, before=None)
    steps, cursor = [], first.next([], 10)
    while cursor is not None:
        step = page(task=Task.TOOL_CALL, cursor=from_cursor(cursor))
        steps.append(step.reach)
        cursor = step.next([], 10)
    assert steps == [NOW - 13 * DAY, NOW - 20 * DAY, NOW - 21 * DAY]


def test_what_is_asked_for_bounds_how_far_back_a_task_is_looked_for() -> None:
    assert page(task=Task.CHAT, since=NOW - 2 * DAY) == Page(since=NOW - 2 * DAY, reach=NOW - 2 * DAY, before=None)
    assert page(task=Task.CHAT, until=NOW - 3 * DAY).reach == NOW - 10 * DAY
    assert page(task=Task.CHAT, cursor=PLACE).reach == NOW - 9 * DAY


def test_a_time_far_ahead_is_no_long_way_back() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    assert page(task=Task.CHAT, until=far).reach == NOW - 6 * DAY
    assert page(task=Task.CHAT, until=datetime.min.replace(tzinfo=UTC)).reach == NOW - RAW - DAY
    assert page(task=Task.CHAT, since=far) == Page(since=far, reach=far, before=None)


def test_there_is_a_next_page_where_one_sample_more_was_found() -> None:
    samples = [make_sample(number) for number in range(10, -1, -1)]
    last = samples[9]
    assert page().next(samples, 10) == to_cursor(PageKey(at=last.started_at, id=last.id))
    assert page().next(samples[:10], 10) is None
    assert page().next([], 10) is None


def test_portions_are_the_samples_as_json() -> None:
    samples = [make_sample(number) for number in range(7)]
    for size in (1, 3, 7, 100):
        found = b"[" + b",".join(portions(samples, size)) + b"]"
        assert json.loads(found) == [sample_to_plain(sample) for sample in samples]
    assert [*portions([], 5)] == []
