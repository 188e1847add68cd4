"""Uptime strips: every state by colour, pattern, height and word; rate limits above; no data is never green."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.charts.uptime_strip import (
    BucketState,
    UptimeBucket,
    UptimeStrip,
    strip_entries,
    uptime_strip,
    uptime_table,
)
from tests.unit.charts.drawn import DAY, HOUR, START, area_of, assert_sound, number, texts, title_of, with_class


def bucket(index: int = 0, ok: int = 60, failed: int = 0, **changes: Any) -> UptimeBucket:
    return UptimeBucket(at=START + index * HOUR, ok=ok, failed=failed, **changes)


def strip(*buckets: UptimeBucket, **changes: Any) -> UptimeStrip:
    return UptimeStrip(**{"title": "Groq, last 24 hours", "step": HOUR, "buckets": buckets, **changes})


def drawn(*buckets: UptimeBucket, **changes: Any) -> Element:
    return assert_sound(uptime_strip(strip(*buckets, **changes), chart_id="c"))


@pytest.mark.parametrize(
    ("counts", "state", "role"),
    [
        ({}, BucketState.GOOD, "b-up"),
        ({"ok": 1436, "failed": 4}, BucketState.GOOD, "b-up"),
        ({"ok": 59, "failed": 1}, BucketState.SOME_FAILED, "b-degraded"),
        ({"ok": 40, "failed": 20}, BucketState.FAILING, "b-down"),
        ({"ok": 0, "failed": 0}, BucketState.NOT_MEASURED, "b-void"),
        ({"ok": 0, "failed": 0, "rate_limited": 9}, BucketState.NOT_MEASURED, "b-void"),
        ({"ok": 0, "failed": 0, "maintenance": True}, BucketState.MAINTENANCE, "b-maintenance"),
        ({"ok": 0, "failed": 0, "network": True}, BucketState.NETWORK, "b-network"),
    ],
)
def test_a_bucket_has_the_state_that_its_counts_give(counts: dict[str, Any], state: BucketState, role: str) -> None:
    assert bucket(**counts).state is state
    (bar,) = with_class(drawn(bucket(**counts)), "bar")
    assert bar.get("class") == f"bar {role}"


def test_the_more_failed_the_lower_is_the_bar() -> None:
    bars = with_class(drawn(*(bucket(k, 60 - failed, failed) for k, failed in enumerate((0, 1, 15, 24, 60)))), "bar")
    heights = [number(each, "height") for each in bars]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 5
    assert heights[-1] > 5


def test_rate_limits_are_drawn_above_the_bar() -> None:
    root = drawn(bucket(0, rate_limited=3), bucket(1))
    (cap,) = with_class(root, "cap")
    above, below = area_of(cap), area_of(with_class(root, "bar")[0])
    assert above is not None
    assert below is not None
    assert above.bottom < below.top
    assert (above.left, above.right) == (below.left, below.right)


def test_a_bucket_that_was_partly_in_maintenance_has_a_foot() -> None:
    root = drawn(bucket(0, maintenance=True), bucket(1, network=True), bucket(2))
    assert [each.get("class") for each in with_class(root, "foot")] == ["foot b-maintenance", "foot b-network"]
    assert "good, maintenance" in title_of(next(each for each in root.iter("g") if each.get("data-x")))


def test_every_bar_says_state_uptime_counts_and_window() -> None:
    bars = [each for each in drawn(bucket(0, 59, 1, rate_limited=3), bucket(1, 0, 0)).iter("g") if each.get("data-x")]
    assert [title_of(each) for each in bars] == [
        "2026-11-21 22:00 to 23:00 UTC · some failed · 98.33%, 1 of 60 failed · 3 rate limited",
        "2026-11-21 23:00 to 2026-11-22 00:00 UTC · not measured · n 0",
    ]
    assert [each.get("data-value") for each in bars] == [repr(59 / 60), None]
    assert [each.get("data-n") for each in bars] == ["60", "0"]
    assert [each.get("data-state") for each in bars] == ["some failed", "not measured"]


@pytest.mark.parametrize(("count", "step"), [(24, HOUR), (72, HOUR), (90, DAY)])
def test_the_bars_fill_the_strip_without_touching(count: int, step: Any) -> None:
    buckets = [UptimeBucket(at=START + index * step, ok=1, failed=0) for index in range(count)]
    root = drawn(*buckets, step=step, width=612, axis=True)
    areas = [area for each in with_class(root, "bar") if (area := area_of(each)) is not None]
    assert len(areas) == count
    assert all(before.right < after.left for before, after in pairwise(areas))
    assert areas[0].left < 3
    assert areas[-1].right > 609
    shown = [text.words for text in texts(root)]
    assert shown[-1] == "UTC"
    assert len(shown) > 3


def test_the_description_counts_the_states() -> None:
    root = drawn(bucket(0), bucket(1, 0, 0), bucket(2, 30, 30, rate_limited=1))
    words = root.findtext("desc") or ""
    assert words.endswith("oldest first: 1 good, 1 failing, 1 not measured; rate limited in 1.")


def test_the_legend_names_the_states_that_are_to_be_seen() -> None:
    strips = [strip(bucket(0), bucket(1, 0, 0, network=True)), strip(bucket(0, maintenance=True, rate_limited=1))]
    assert [entry.words for entry in strip_entries(strips)] == [
        "good",
        "maintenance",
        "own network down",
        "your key was rate limited",
    ]
    assert strip_entries([strip(bucket(0))])[0].role == "b-up"


def test_a_strip_without_a_bucket_says_so() -> None:
    assert [text.words for text in texts(drawn(empty="first probe in 18 s"))] == ["first probe in 18 s"]


def test_the_table_has_a_row_for_each_bucket() -> None:
    table = uptime_table(strip(bucket(0, 59, 1), bucket(1, 0, 0, maintenance=True)))
    assert table.rows == (
        ("2026-11-21 22:00 to 23:00 UTC", "some failed", "98.33%", 59, 1, 0),
        ("2026-11-21 23:00 to 2026-11-22 00:00 UTC", "maintenance", "–", 0, 0, 0),
    )
    assert len(table.head) == len(table.rows[0])


COUNTS = st.integers(0, 10**6)
BUCKETS = st.tuples(COUNTS, COUNTS, COUNTS, st.booleans(), st.booleans())


@given(
    figures=st.lists(BUCKETS, max_size=100), width=st.integers(60, 1000), height=st.integers(14, 60), axis=st.booleans()
)
def test_any_counts_give_a_sound_strip(figures: list[Any], width: int, height: int, axis: bool) -> None:
    buckets = [
        bucket(index, ok, failed, rate_limited=limited, maintenance=maintenance, network=network)
        for index, (ok, failed, limited, maintenance, network) in enumerate(figures)
    ]
    root = drawn(*buckets, width=width, height=height, axis=axis)
    green = sum(each.get("class") == "bar b-up" for each in with_class(root, "bar"))
    assert green == sum(each.ratio is not None and each.ratio >= 0.99 for each in buckets)
