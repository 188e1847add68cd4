"""Untrusted JSON: accepted values, and the messages about others."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import _json
from probes._model import MalformedError

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)


@given(values)
def test_what_json_can_say_is_decoded(value: object) -> None:
    assert _json.decode(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_decoded_or_malformed_in_few_words(data: bytes) -> None:
    try:
        complaint = ""
        _json.decode(data)
    except MalformedError as error:
        complaint = str(error)
    assert len(complaint) <= 100


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a":[NaN]}', "1e999", "-1e999", '{"a":1e400}'])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        _json.decode(text.encode())


@pytest.mark.parametrize("text", ["1e308", "-1.5", "0.1", "1E-400"])
def test_finite_numbers_are_decoded(text: str) -> None:
    value = _json.decode(text.encode())
    assert isinstance(value, float)
    assert math.isfinite(value)


def test_numerals_stay_as_they_are_written() -> None:
    assert _json.decode_numerals(b'{"a": [0.10, 1e999, -2, "0.5"]}') == {"a": [b"0.10", b"1e999", -2, "0.5"]}


@pytest.mark.parametrize("deep", ["[" * 1_000_000 + "]" * 1_000_000, '{"a":' * 300_000 + "1" + "}" * 300_000])
def test_deep_nesting_is_malformed_and_not_a_crash(deep: str) -> None:
    with pytest.raises(MalformedError, match="JSON nested too deeply"):
        _json.decode(deep.encode())


def test_a_number_of_too_many_digits_is_malformed() -> None:
    with pytest.raises(MalformedError, match="not JSON"):
        _json.decode(b"9" * 10_000)


@pytest.mark.parametrize("data", [b"", b"{", b"[DONE]", b"\xff", b'"\x00"', b"{} {}", b"{'a': 1}"])
def test_what_is_not_json_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="not JSON"):
        _json.decode(data)


def test_a_mark_of_utf_8_at_the_beginning_is_passed_over() -> None:
    assert _json.decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_complaint_does_not_repeat_what_it_complains_of() -> None:
    with pytest.raises(MalformedError) as caught:
        _json.decode(b'{"key": "sk-secret" "more"}')
    assert "sk-secret" not in str(caught.value)


KINDS = [
    (None, "null"),
    (True, "a boolean"),
    (1, "a number"),
    (1.5, "a number"),
    ("a", "a string"),
    ([1], "an array"),
    ({"a": 1}, "an object"),
]


@pytest.mark.parametrize(("value", "kind"), KINDS[:-1])
def test_only_an_object_is_an_object(value: object, kind: str) -> None:
    with pytest.raises(MalformedError, match=f"expected an object, not {kind}"):
        _json.as_object(value)


def test_an_object_is_itself() -> None:
    assert _json.as_object({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("source", [{}, {"a": None}])
def test_what_is_absent_or_null_is_empty(source: dict[str, object]) -> None:
    assert _json.get_object(source, "a") == {}
    assert _json.get_list(source, "a") == []
    assert _json.get_text(source, "a") == ""
    assert _json.get_count(source, "a") is None


def test_what_is_there_is_given() -> None:
    assert _json.get_object({"a": {"b": 1}}, "a") == {"b": 1}
    assert _json.get_list({"a": [1, None]}, "a") == [1, None]
    assert _json.get_text({"a": "b"}, "a") == "b"
    assert _json.get_count({"a": 0}, "a") == 0


@pytest.mark.parametrize(("value", "kind"), KINDS[1:])
def test_a_value_of_another_shape_is_named_in_the_complaint(value: object, kind: str) -> None:
    source = {"a": [value] if value == [] else {"b": value} if value == {} else value}
    if not isinstance(value, dict):
        with pytest.raises(MalformedError, match=f"expected an object, not {kind}"):
            _json.get_object(source, "a")
    if not isinstance(value, list):
        with pytest.raises(MalformedError, match=f"'a' must be an array, not {kind}"):
            _json.get_list(source, "a")
    if not isinstance(value, str):
        with pytest.raises(MalformedError, match=f"'a' must be a string, not {kind}"):
            _json.get_text(source, "a")


@given(st.integers())
def test_a_count_is_neither_negative_nor_beyond_what_json_keeps_exact(number: int) -> None:
    assert _json.get_count({"a": number}, "a") == (number if 0 <= number <= _json.MAX_COUNT else None)


def test_the_greatest_count_is_the_greatest_exact_integer() -> None:
    assert _json.get_count({"a": 2**53}, "a") == 2**53
    assert _json.get_count({"a": 2**53 + 1}, "a") is None


@pytest.mark.parametrize(("number", "count"), [(0.0, 0), (-0.0, 0), (5.0, 5), (2.0**53, 2**53)])
def test_a_whole_number_with_a_fraction_of_nothing_is_a_count(number: float, count: int) -> None:
    counted = _json.get_count({"a": number}, "a")
    assert (counted, type(counted)) == (count, int)


@pytest.mark.parametrize("other", [0.5, -1.0, 2.0**54, 1e300, math.inf, math.nan, True, "5", [5], {"a": 5}])
def test_what_is_no_count_is_not_known(other: object) -> None:
    assert _json.get_count({"a": other}, "a") is None


@pytest.mark.parametrize("empty", [None, False, "", [], {}])
def test_what_is_empty_in_any_way_is_as_absent(empty: object) -> None:
    source = {"a": empty}
    assert (_json.get_object(source, "a"), _json.get_list(source, "a"), _json.get_content(source, "a")) == ({}, [], "")


@pytest.mark.parametrize(("value", "text"), [("1", "1"), (1, "1"), (0, "0"), (1.5, "1.5"), (-2, "-2")])
def test_what_a_model_wrote_may_come_as_a_number(value: object, text: str) -> None:
    assert _json.get_content({"a": value}, "a") == text


@pytest.mark.parametrize("value", [True, ["1"], {"text": "1"}])
def test_what_a_model_wrote_is_nothing_else(value: object) -> None:
    with pytest.raises(MalformedError, match="'a' must be a string"):
        _json.get_content({"a": value}, "a")


@pytest.mark.parametrize("value", [None, True, 1, ["1"]])
def test_where_nothing_depends_on_a_part_another_shape_is_as_absent(value: object) -> None:
    assert (_json.get_side_object({"a": value}, "a"), _json.get_side_text({"a": value}, "a")) == ({}, "")
    assert (_json.get_side_object({"a": {"b": 1}}, "a"), _json.get_side_text({"a": "b"}, "a")) == ({"b": 1}, "b")


def test_objects_of_an_array_are_given_without_those_that_are_null() -> None:
    assert _json.get_objects({"a": [{"b": 1}, None, {}]}, "a") == [{"b": 1}, {}]
    with pytest.raises(MalformedError, match="expected an object"):
        _json.get_objects({"a": [1]}, "a")


@pytest.mark.parametrize(
    "unended",
    [
        pytest.param(b"[" * 100 + b'"' + b'\\"' * 120_000, id="one string of escaped quotes"),
        pytest.param(b"[" * 100 + b'"a' * 120_000, id="strings one after the other"),
        pytest.param(b"[" * 100 + b'"' + b"\\" * 250_000, id="backslashes"),
        pytest.param(b'"[' * 100_000 + b'"', id="strings of brackets"),
    ],
)
def test_what_is_never_ended_takes_no_more_than_its_length(unended: bytes) -> None:
    """A pattern that tried every quote of an unended string as the beginning of one took minutes."""
    assert _json.is_cut(unended)
    assert _json.containers(unended) >= 100
    with pytest.raises(MalformedError):
        _json.decode(unended)


def test_depth_counts_brackets_outside_of_strings_alone() -> None:
    assert _json.decode(json.dumps(["[" * 1000, '"' + "{" * 1000]).encode()) == ["[" * 1000, '"' + "{" * 1000]
    deepest = "[" * _json.MAX_DEPTH + "]" * _json.MAX_DEPTH
    assert json.dumps(_json.decode(deepest.encode())) == deepest
    with pytest.raises(MalformedError, match="too deeply"):
        _json.decode(f"[{deepest}]".encode())
    assert _json.decode(b"[" + b"[]," * 1000 + b"1]") == [[]] * 1000 + [1]


@given(values)
def test_objects_and_arrays_are_counted_and_never_too_few(value: object) -> None:
    def held(part: object) -> int:
        match part:
            case list():
                return 1 + sum(map(held, part))
            case dict():
                return 1 + sum(map(held, part.values()))
            case _:
                return 0

    assert _json.containers(json.dumps(value).encode()) >= held(value)
    many = [value] * (_json.MAX_DEPTH + 1)
    if held(value):
        assert _json.containers(json.dumps(many).encode()) == held(many)


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\udfff\\ud83d"'])
def test_half_characters_are_decoded_as_they_are(text: str) -> None:
    assert _json.decode(text.encode()) == json.loads(text)
