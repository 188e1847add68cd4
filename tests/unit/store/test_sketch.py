"""Sketches: they are small, a round trip keeps them, and invalid bytes are refused."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store import sketch
from monitor.store.sketch import Sketch

SHARES = (0.0, 0.25, 0.5, 0.9, 0.99, 1.0)
values = st.floats(-1e308, 1e308) | st.sampled_from([0.0, 5e-324, -5e-324, 0.25])


def sketched(found: Sequence[float]) -> Sketch:
    made = sketch.empty()
    for value in found:
        made.add(value)
    return made


def back(made: Sketch) -> Sketch:
    return sketch.from_bytes(made.to_bytes())


@given(st.lists(values, max_size=40))
def test_a_sketch_comes_back_as_it_was(found: list[float]) -> None:
    made = sketched(found)
    again = back(made)
    assert (again.count, again.quantiles(SHARES)) == (made.count, made.quantiles(SHARES))
    assert again.to_bytes() == made.to_bytes()


@given(st.lists(values, max_size=20), st.lists(values, max_size=20))
def test_what_came_back_merges_and_takes_more(one: list[float], two: list[float]) -> None:
    again = back(sketched(one))
    again.merge(back(sketched(two)))
    for value in one:
        again.add(value)
    assert again.quantiles(SHARES) == sketched([*one, *two, *one]).quantiles(SHARES)


@given(st.lists(values, max_size=40))
def test_bins_hold_every_value_once_within_one_percent_and_in_order(found: list[float]) -> None:
    bins = back(sketched(found)).bins()
    assert bins == sketched(found).bins()
    assert list(bins) == sorted(bins)
    spread = [value for value, count in bins.items() for _ in range(count)]
    for taken, value in zip(spread, sorted(found), strict=True):
        # What lies so near to 0 that the sketch takes it for 0 differs by less than any time or speed.
        assert abs(taken - value) <= 0.0101 * abs(value) + 1e-300


@given(st.lists(st.floats(0.001, 1000), max_size=20), st.lists(st.floats(0.001, 1000), max_size=20))
def test_bins_of_two_sketches_add_up_to_those_of_both(one: list[float], two: list[float]) -> None:
    total = Counter(sketched(one).bins()) + Counter(back(sketched(two)).bins())
    assert total == sketched([*one, *two]).bins()


def repeated(value: float, count: int) -> Sketch:
    """Doubled for each binary digit of the count: billions of values cannot be added one by one."""
    found = sketch.empty()
    for digit in f"{count:b}":
        found.merge(back(found))
        if digit == "1":
            found.add(value)
    return found


@pytest.mark.parametrize("count", [1, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32])
def test_any_number_of_equal_values_is_counted(count: int) -> None:
    made = sketched([0.0])
    for value in (0.25, -0.25):
        made.merge(repeated(value, count))
    again = back(made)
    assert again.count == 2 * count + 1
    assert again.quantiles([0.0, 0.5, 1.0]) == [pytest.approx(-0.25, rel=0.01), 0.0, pytest.approx(0.25, rel=0.01)]


@pytest.mark.parametrize(("count", "room"), [(60, 70), (1440, 160)])
def test_an_hour_and_a_day_of_a_figure_take_little_room(count: int, room: int) -> None:
    chance = random.Random(8)
    assert len(sketched([chance.lognormvariate(-1, 0.5) for _ in range(count)]).to_bytes()) < room


def test_half_a_sketch_is_refused() -> None:
    data = sketched([-1.0, 0.0, 0.25, 0.3, *[7.0] * 300]).to_bytes()
    for place in range(len(data)):
        with pytest.raises(ValueError, match="not a sketch"):
            sketch.from_bytes(data[:place])


def deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


HEAD = b"\x01B" + bytes(12)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a sketch"),
        (b"x", "not a sketch"),
        (deflated(b""), "not a sketch"),
        (deflated(HEAD), "not a sketch"),
        (deflated(b"\x01Z" + HEAD[2:] + b"\0"), "not a sketch"),
        (deflated(b"\x01\xff" + HEAD[2:] + b"\0"), "not a sketch"),
        (deflated(b"\x01H" + HEAD[2:] + b"\0\0\0"), "not a sketch"),
        (deflated(b"\x02" + HEAD[1:] + b"\0"), "of a newer format"),
    ],
)
def test_what_is_no_sketch_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sketch.from_bytes(data)


def test_the_shortest_sketch_is_read() -> None:
    assert sketch.from_bytes(deflated(HEAD + b"\x03")).quantiles([0.5]) == [0.0]
