"""A body has the declared type, or the error names the field."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Interval, MaxLen
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from monitor.schema.body import WrongBodyError, validated
from monitor.schema.types import WHOLE, StringConstraints
from tests.unit.score.values import unhurried


class Inner(TypedDict, total=False):
    """A mapping of which all may be left out."""

    a: float
    b: bool | None


class Outer(TypedDict):
    """A mapping of everything."""

    name: Annotated[str, MaxLen(3)]
    count: NotRequired[Annotated[int, Interval(ge=1, le=9), WHOLE]]
    words: NotRequired[Annotated[list[Literal["x", "y"]], MaxLen(2)]]
    either: NotRequired[float | Inner | None]
    many: NotRequired[int | Annotated[str, StringConstraints(pattern="^[0-9]+$")] | list[bool] | Literal["x"] | bool]
    maybe: NotRequired[list[int] | None]
    inners: NotRequired[list[Inner]]


def test_what_is_right_comes_back_as_it_is() -> None:
    plain = {"name": "abc", "count": 9, "words": ["x", "y"], "either": {"a": 1, "b": None}}
    assert validated(Outer, plain) == plain
    assert validated(Outer, {"name": "", "either": 1.5}) == {"name": "", "either": 1.5}
    assert repr(validated(Outer, {"name": "", "count": 2.0})["count"]) == "2"
    for many in (1, "12", [True], False):
        assert validated(Outer, {"name": "", "many": many}) == {"name": "", "many": many}
    assert validated(Outer, {"name": "", "maybe": [1]}) == {"name": "", "maybe": [1]}
    assert validated(Outer, {"name": "", "either": None}) == {"name": "", "either": None}


KNOWN = "known fields: name, count, words, either, many, maybe, inners"


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "the body must be an object, not a list"),
        (None, "the body must be an object, not null"),
        ("x", "the body must be an object, not 'x'"),
        ({}, "name: is missing"),
        ({"nam": 1}, "nam: is not a known field; " + KNOWN),
        ({"name": "a", "": 1}, '"": is not a known field; ' + KNOWN),
        ({"name": "a", "\n": 1}, '"\\n": is not a known field; ' + KNOWN),
        ({"name": "a", "x" * 99: 1}, f'"{"x" * 80}…": is not a known field; ' + KNOWN),
        ({f"x{number}": 1 for number in range(1001)}, "the body has 1002 mistakes; " + KNOWN),
        ({"name": "a", "\ud800": 1}, "the body must not contain half a character (\\uD800 to \\uDFFF); write it whole"),
        ({"name": 1}, "name: must be text, not 1"),
        ({"name": None}, "name: must be text, not null"),
        ({"name": {}}, "name: must be text, not an object"),
        ({"name": "\ud800"}, "name: must not contain half a character (\\uD800 to \\uDFFF); write it whole"),
        ({"name": "abcd"}, "name: is too long; at most 3 characters are allowed"),
        ({"name": "a", "count": 1.5}, "count: must be a whole number, not 1.5"),
        ({"name": "a", "count": 1e300}, "count: must be at most 9, not a number with too many digits"),
        ({"name": "a", "count": float("inf")}, "count: must be a whole number, not inf"),
        ({"name": "a", "count": True}, "count: must be a whole number, not true"),
        ({"name": "a", "count": "1"}, "count: must be a whole number, not '1'"),
        ({"name": "a", "count": 0}, "count: must be at least 1, not 0"),
        ({"name": "a", "count": 10}, "count: must be at most 9, not 10"),
        ({"name": "a", "count": 10**90}, "count: must be at most 9, not a number with too many digits"),
        ({"name": "a", "words": "x"}, "words: must be a list, not 'x'"),
        ({"name": "a", "words": ["x", "z"]}, "words[1]: must be one of 'x' or 'y', not 'z'"),
        ({"name": "a", "words": [["x"]]}, "words[0]: must be one of 'x' or 'y', not a list"),
        ({"name": "a", "words": ["z" * 99]}, f"words[0]: must be one of 'x' or 'y', not \"{'z' * 80}…\""),
        ({"name": "a", "words": ["x", "x", "x"]}, "words: has too many entries; at most 2 are allowed"),
        ({"name": "a", "either": "x"}, "either: must be a number or an object, not 'x'"),
        ({"name": "a", "either": False}, "either: must be a number or an object, not false"),
        ({"name": "a", "either": float("inf")}, "either: must be a finite number, not inf"),
        ({"name": "a", "either": float("nan")}, "either: must be a finite number, not nan"),
        ({"name": "a", "either": 10**400}, "either: must be a number or an object, not a number with too many digits"),
        (
            {"name": "a", "many": {}},
            "many: must be a whole number or text or a list or one of 'x' or true or false, not an object",
        ),
        ({"name": "a", "many": "z"}, "many: must look like ^[0-9]+$, not 'z'"),
        ({"name": "a", "many": [1]}, "many[0]: must be true or false, not 1"),
        ({"name": "a", "maybe": 1}, "maybe: must be a list, not 1"),
        ({"name": "a", "either": {"a": "x"}}, "either.a: must be a number, not 'x'"),
        ({"name": "a", "either": {"b": 1}}, "either.b: must be true or false, not 1"),
        ({"name": "a", "either": {"c": 1}}, "either.c: is not a known field; known fields: a, b"),
        ({"name": "a", "inners": [{}, {"c": 1}]}, "inners[1].c: is not a known field; known fields: a, b"),
        (
            {"name": "a", "either": {"Inner": {"Inner": 1}}},
            "either.Inner.Inner: is not a known field; known fields: a, b",
        ),
    ],
)
def test_an_error_names_the_field(plain: object, message: str) -> None:
    with pytest.raises(WrongBodyError) as caught:
        validated(Outer, plain)
    assert str(caught.value) == message


def test_what_is_no_body_of_a_request_has_a_name_of_its_own() -> None:
    with pytest.raises(WrongBodyError, match=r"^an entry must be an object, not 1$"):
        validated(Outer, 1, whole="an entry")
    with pytest.raises(WrongBodyError, match=r"^name: is missing$"):
        validated(Outer, {}, whole="an entry")


NAMES = st.sampled_from(["name", "either", "many", "maybe", "inners", "a", "z", "Inner", "float", "list[bool]"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


@unhurried
@given(JSON | st.dictionaries(NAMES, JSON).map(lambda body: {"name": "a", **body}))
def test_any_json_is_read_or_refused_in_one_line(plain: Any) -> None:
    try:
        told = "" if validated(Outer, plain) == plain else "changed"
    except WrongBodyError as error:
        told = str(error)
        json.dumps(told).encode()
    assert told != "changed"
    assert told.isprintable()
