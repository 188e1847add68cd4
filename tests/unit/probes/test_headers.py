"""Headers with waiting times and with the provider's processing time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._headers import retry_after_s, server_s, span_s

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


names = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "date",
        "openai-processing-ms",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ]
)


@given(st.dictionaries(names, strangers))
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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012),
        ("1s", 1.0),
        ("1.5s", 1.5),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("2d", 172_800.0),
        ("0s", 0.0),
        ("34.074824224s", 34.074824224),
        ("9999999d", MONTH_S),
        ("9" * 5000 + "s", MONTH_S),
        ("", None),
        ("5", None),
        ("s", None),
        ("-5s", None),
        ("5 s", None),
        ("1.s", None),
        ("5S", None),
        ("soon", None),
        ("1s!", None),
        ("1" * 16_000, None),
        ("1s" * 8_000 + "x", None),
    ],
)
def test_a_span_of_time_is_read_as_go_writes_it(text: str, seconds: float | None) -> None:
    assert span_s(text) == (None if seconds is None else pytest.approx(seconds))


def left(kind: str, remaining: str, reset: str) -> dict[str, str]:
    """The headers of one limit, as OpenAI and its copies write them."""
    return {f"x-ratelimit-remaining-{kind}": remaining, f"x-ratelimit-reset-{kind}": reset}


def left_at_anthropic(kind: str, remaining: str, reset: str) -> dict[str, str]:
    return {f"anthropic-ratelimit-{kind}-remaining": remaining, f"anthropic-ratelimit-{kind}-reset": reset}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (left("requests", "0", "12ms"), 0.012),
        (left("tokens", "0", "6m0s"), 360.0),
        (left("requests", "0", "1s") | left("tokens", "0", "7s"), 7.0),
        (left("requests", "0", "7s") | left("tokens", "1", "60s"), 7.0),
        (left("requests", "1", "7s"), None),
        (left("requests", "none", "7s"), None),
        (left("requests", "0", "soon"), None),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-reset-requests": "7s"}, None),
        (left("requests", "0", "7s") | {"retry-after": "2"}, 2.0),
        (left("requests", "0", "7s") | {"retry-after": "soon"}, 7.0),
        (left_at_anthropic("requests", "0", "2026-11-22T07:02:30Z") | {"date": SENT}, 150.0),
        (left_at_anthropic("input-tokens", "0", "2026-11-22T08:02:30+01:00") | {"date": SENT}, 150.0),
        (left_at_anthropic("requests", "3", "2026-11-22T07:02:30Z") | {"date": SENT}, None),
        (left_at_anthropic("requests", "0", "2026-11-22T07:02:30Z"), None),
        (left_at_anthropic("requests", "0", "2026-11-22T07:02:30") | {"date": SENT}, None),
        (left_at_anthropic("requests", "0", "in a while") | {"date": SENT}, None),
        (left_at_anthropic("requests", "0", "2026-11-22T06:00:00Z") | {"date": SENT}, 0.0),
        ({"anthropic-ratelimit-requests-remaining": "0", "date": SENT}, None),
    ],
)
def test_a_limit_that_is_used_up_says_how_long_it_will_last(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds
