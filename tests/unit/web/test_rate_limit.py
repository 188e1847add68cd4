"""Token buckets: a rate, a burst, a table with an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.rate_limit import RateLimit, client_of


def test_a_client_may_ask_at_its_rate_for_ever() -> None:
    buckets = RateLimit(10)
    assert all(buckets.take("a", place / 10) == 0 for place in range(1000))


def test_a_burst_is_two_seconds_worth_and_then_the_wait_is_returned() -> None:
    buckets = RateLimit(10)
    assert [buckets.take("a", 5.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("a", 5.0) == pytest.approx(0.1)
    assert buckets.take("a", 5.05) == pytest.approx(0.05)
    assert buckets.take("a", 5.11) == 0


def test_one_clients_flood_is_not_anothers() -> None:
    buckets = RateLimit(1)
    for _ in range(100):
        buckets.take("flood", 0.0)
    assert buckets.take("other", 0.0) == 0
    assert buckets.take("flood", 0.0) > 0


def test_refused_requests_do_not_lengthen_the_wait() -> None:
    buckets = RateLimit(1)
    for _ in range(1000):
        buckets.take("a", 0.0)
    assert buckets.take("a", 1.001) == 0


def test_a_rate_below_one_still_lets_one_in() -> None:
    buckets = RateLimit(0.1)
    assert buckets.take("a", 0.0) == 0
    assert buckets.take("a", 0.0) == pytest.approx(10)


def test_a_clock_that_stands_gives_nothing() -> None:
    buckets = RateLimit(1)
    assert [buckets.take("a", 10.0) for _ in range(2)] == [0, 0]
    assert buckets.take("a", 10.0) == pytest.approx(1)


def test_the_table_has_an_end_and_those_who_asked_lately_stay() -> None:
    buckets = RateLimit(1, most=100)
    for number in range(10_000):
        buckets.take("flood", 0.0)
        buckets.take(f"other {number}", 0.0)
        assert len(buckets) <= 100
    assert buckets.take("flood", 0.0) > 0


def test_those_who_did_not_ask_for_longest_are_forgotten() -> None:
    buckets = RateLimit(1, most=10)
    for name in ("a", "a", "a", *"bcdefghijkl"):
        buckets.take(name, 0.0)
    assert buckets.take("a", 0.0) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3)), max_size=200), st.integers(1, 5))
def test_no_client_ever_gets_more_than_its_rate_and_a_burst(asked: list[tuple[str, float]], rate: int) -> None:
    buckets, now_s, allowed = RateLimit(rate), 0.0, dict.fromkeys("abc", 0)
    for client, later_s in asked:
        now_s += later_s
        allowed[client] += buckets.take(client, now_s) == 0
    assert all(count <= rate * now_s + 2 * rate + 1e-6 for count in allowed.values())


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::/64"),
    ],
)
def test_a_host_of_ipv6_is_one_client_whatever_address_it_takes(address: str, client: str) -> None:
    assert client_of(address) == client


def test_another_rate_holds_at_once_and_who_was_refused_stays_refused_until_there_is_room() -> None:
    buckets = RateLimit(1)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    buckets.apply(10)
    assert buckets.take("a", 0.0) == pytest.approx(0.1)
    assert buckets.take("a", 0.11) == 0
    assert [buckets.take("b", 0.0) for _ in range(20)] == [0.0] * 20
    buckets.apply(0.5)
    assert buckets.take("b", 0.0) == pytest.approx(2)
