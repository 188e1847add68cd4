"""A body matches its type, or the error names the wrong field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.schema.json_schema import Words
from monitor.schema.strict import WrongBodyError, read
from tests.unit.score.values import unhurried


class Inner(TypedDict, total=False):
    """A mapping of which all may be left out."""

    a: float
    b: bool | None


class Outer(TypedDict):
    """A mapping of everything."""

    name: Annotated[str, "for people", Words(max_length=3)]
    count: NotRequired[Annotated[int, Words(minimum=1, maximum=9)]]
    words: NotRequired[Annotated[Sequence[Literal["x", "y"]], Words(max_items=2)]]
    either: NotRequired[float | Inner | None]
    many: NotRequired[int | Annotated[str, Words(pattern="^[0-9]+$")] | Sequence[bool] | Literal["x"] | bool]
    maybe: NotRequired[Sequence[int] | None]


def test_what_is_right_comes_back_as_it_is() -> None:
    plain = {"name": "abc", "count": 9, "words": ["x", "y"], "either": {"a": 1, "b": None}}
    assert read(Outer, plain) == plain
    assert read(Outer, {"name": "", "either": 1.5}) == {"name": "", "either": 1.5}
    assert repr(read(Outer, {"name": "", "count": 2.0})["count"]) == "2"
    for many in (1, "12", [True], False):
        assert read(Outer, {"name": "", "many": many}) == {"name": "", "many": many}
    assert read(Outer, {"name": "", "maybe": [1]}) == {"name": "", "maybe": [1]}
    assert read(Outer, {"name": "", "either": None}) == {"name": "", "either": None}


KNOWN = "known fields: name, count, words, either, many, maybe"


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "the body has to be an object, not a list"),
        (None, "the body has to be an object, not null"),
        ("x", "the body has to be an object, not 'x'"),
        ({}, "name is missing"),
        ({"name": "a", "nam": 1}, "nam is not a known field; " + KNOWN),
        ({"name": "a", "": 1}, "'' is not a known field; " + KNOWN),
        ({"name": "a", "\n": 1}, "'\\n' is not a known field; " + KNOWN),
        (
            {"name": "a", "x" * 99: 1},
            f"'{'x' * 80}' is not a known field; " + KNOWN,
        ),
        ({"name": 1}, "name has to be text, not 1"),
        ({"name": None}, "name has to be text, not null"),
        ({"name": {}}, "name has to be text, not an object"),
        ({"name": "abcd"}, "name is too long; at most 3 characters are allowed"),
        ({"name": "a", "count": 1.5}, "count has to be a whole number, not 1.5"),
        ({"name": "a", "count": 1e300}, "count has to be at most 9, not a number with too many digits"),
        ({"name": "a", "count": float("inf")}, "count has to be a whole number, not inf"),
        ({"name": "a", "count": True}, "count has to be a whole number, not true"),
        ({"name": "a", "count": 0}, "count has to be at least 1, not 0"),
        ({"name": "a", "count": 10}, "count has to be at most 9, not 10"),
        ({"name": "a", "count": 10**90}, "count has to be at most 9, not a number with too many digits"),
        ({"name": "a", "words": "x"}, "words has to be a list, not 'x'"),
        ({"name": "a", "words": ["x", "z"]}, "words[1] has to be one of x, y, not 'z'"),
        ({"name": "a", "words": [["x"]]}, "words[0] has to be one of x, y, not a list"),
        ({"name": "a", "words": ["z" * 99]}, f"words[0] has to be one of x, y, not '{'z' * 80}…'"),
        ({"name": "a", "words": ["x", "x", "x"]}, "words has too many entries; at most 2 are allowed"),
        ({"name": "a", "either": "x"}, "either has to be a number or an object, not 'x'"),
        ({"name": "a", "either": False}, "either has to be a number or an object, not false"),
        ({"name": "a", "either": float("inf")}, "either has to be a number, not inf"),
        ({"name": "a", "many": None}, "many has to be a list or a number or text or true or false, not null"),
        ({"name": "a", "many": "z"}, "many has to look like ^[0-9]+$, not 'z'"),
        ({"name": "a", "many": 1.5}, "many has to be a whole number, not 1.5"),
        ({"name": "a", "many": [1]}, "many[0] has to be true or false, not 1"),
        ({"name": "a", "maybe": 1}, "maybe has to be a list, not 1"),
        ({"name": "a", "either": {"a": "x"}}, "either.a has to be a number, not 'x'"),
        ({"name": "a", "either": {"b": 1}}, "either.b has to be true or false, not 1"),
        ({"name": "a", "either": {"c": 1}}, "either.c is not a known field; known fields: a, b"),
    ],
)
def test_a_wrong_value_is_reported_with_the_name_of_its_field(plain: object, message: str) -> None:
    with pytest.raises(WrongBodyError) as caught:
        read(Outer, plain)
    assert str(caught.value) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "either", "a", "z"]), inner),
    max_leaves=8,
)


@unhurried
@given(JSON)
def test_any_json_is_read_or_refused_in_one_line(plain: Any) -> None:
    try:
        told = "" if read(Outer, plain) == plain else "changed"
    except WrongBodyError as error:
        told = str(error)
        json.dumps(told).encode()
    assert told != "changed"
    assert told.isprintable()
