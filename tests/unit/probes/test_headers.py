"""What headers say about waiting and about the provider's own time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._headers import retry_after_s, server_s

MONTH_S = 30 * 86400.0
SENT = "Sun, 22 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": " 20 "}, 20.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "19870"}, 19.87),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "99999999999999999999"}, MONTH_S),
        ({"retry-after": "Sun, 22 Nov 2026 07:02:30 GMT", "date": SENT}, 150.0),
        ({"retry-after": "Sunday, 22-Nov-26 07:02:30 GMT", "date": SENT}, 150.0),
        ({"retry-after": "Sun Nov 22 07:02:30 2026", "date": SENT}, 150.0),
        ({"retry-after": "Sun, 22 Nov 2026 07:02:30 -0000", "date": SENT}, 150.0),
        ({"retry-after": "Sun, 22 Nov 2026 08:02:30 +0100", "date": SENT}, 150.0),
        ({"retry-after": "Sun, 22 Nov 2026 06:00:00 GMT", "date": SENT}, 0.0),
        ({"retry-after": "Tue, 22 Nov 2050 06:00:00 GMT", "date": SENT}, MONTH_S),
        ({"retry-after": "Sun, 22 Nov 2026 07:02:30 GMT"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 07:02:30 GMT", "date": "yesterday"}, None),
        ({"retry-after": "Sun, 99 Nov 2026 07:02:30 GMT", "date": SENT}, None),
        ({"retry-after": "Sun, 22 Nov 99999 07:02:30 GMT", "date": SENT}, None),
        ({"retry-after": "Sun, 22 Nov 2026 07:02:30 +9999999", "date": SENT}, None),
    ],
)
def test_the_time_to_wait_is_what_the_provider_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_this_machines_time_zone_never_enters() -> None:
    assert retry_after_s({"retry-after": "Sun Nov 22 07:02:30 2026", "date": SENT}) == 150.0


dates = st.lists(
    st.sampled_from("Sun, Mon Nov 22 2026 99999 07:02:30 07.02 GMT -0000 +9999 -9999 EST 0 () \\ : ,".split())  # noqa: SIM905
    | st.integers(-(10**20), 10**20).map(str),
    max_size=8,
).map(" ".join)
strangers = st.text(max_size=30) | dates


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date", "openai-processing-ms"]), strangers))
@example({"retry-after": "Sun, 22 Nov 0 07:02:30 +0100", "date": SENT})
@example({"retry-after": "1_0"})
def test_a_strangers_header_gives_a_bounded_number_or_nothing(headers: dict[str, str]) -> None:
    for seconds in (retry_after_s(headers), server_s(headers)):
        assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= MONTH_S)


@pytest.mark.parametrize(
    ("value", "seconds"), [("412", 0.412), ("0", 0.0), ("", None), ("fast", None), ("-1", None), ("1e300", MONTH_S)]
)
def test_the_providers_own_time_is_in_seconds(value: str, seconds: float | None) -> None:
    assert server_s({"openai-processing-ms": value}) == seconds


def test_a_provider_that_tells_no_time_of_its_own_has_none() -> None:
    assert server_s({}) is None
