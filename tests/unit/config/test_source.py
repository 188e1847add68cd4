"""YAML is read strictly: ambiguous input is refused, with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config import ConfigError
from monitor.config._source import parse

WORDS = [
    ("no", "no"),
    ("on", "on"),
    ("1:30", "1:30"),
    ("2026-01-01", "2026-01-01"),
    ("=", "="),
    ("'<<'", "<<"),
    ("! word", "word"),
    ("!!str 1", "1"),
    ("true", True),
    ("False", False),
    ("012", 12),
    ("0o17", 15),
    ("0x1F", 31),
    ("-5", -5),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("-.INF", float("-inf")),
    ("~", None),
    ("null", None),
    ("[a, [1]]", ["a", [1]]),
]


@pytest.mark.parametrize(("text", "value"), WORDS)
def test_a_word_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert parse(f"key: {text}", "f").data == {"key": value}


def test_nan_is_read() -> None:
    data = parse("key: .nan", "f").data
    assert isinstance(data, dict)
    assert str(data["key"]) == "nan"


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    text = """\
one: &one {a: 1, b: 1}
two: &two {<<: *one, b: 2}
three: {<<: [*two, {a: 3, c: 3}], d: *one}
"""
    assert parse(text, "f").data == {
        "one": {"a": 1, "b": 1},
        "two": {"a": 1, "b": 2},
        "three": {"a": 1, "b": 2, "c": 3, "d": {"a": 1, "b": 1}},
    }


def test_a_mistake_in_a_merged_value_is_reported_at_its_source(lines: Callable[..., list[str]]) -> None:
    text = """\
providers:
  a: &a
    api: openai_chat
    base_url: nowhere
  b: {<<: *a, base_url: http://b}
  c: {<<: *a}
models: {a/b: {endpoints: [{provider: b, model: m}]}}
"""
    assert lines(text) == [
        "pw.yaml:4:15: providers.a.base_url: must begin with http:// or https://",
        "pw.yaml:4:15: providers.c.base_url: must begin with http:// or https://",
    ]


BROKEN = [
    ("a: *s3cret", "1:4: an alias (*name) without its anchor (&name); put text that starts with '*' in quotes"),
    (
        "a: &s3cret 1\nb: &s3cret 1",
        "2:4: an anchor (&name) that is defined twice; put text that starts with '&' in quotes",
    ),
    ("a: !s3cret!x 1", "1:4: an unknown tag; put text that starts with '!' in quotes"),
    ("a:\n\tb: 1", "2:1: a tab where YAML wants spaces"),
    ("a: %s3cret", "1:4: a character that no plain text may start with; put the text in quotes"),
    ("a: @s3cret", "1:4: a character that no plain text may start with; put the text in quotes"),
    ("a: s3cret: b", "1:10: a ':' where no key is allowed; check the indentation, or put text in quotes"),
    ("a: 1\ns3cret\nb: 1", "3:1: no ':' follows the key; write `key: value`"),
    ("a: 's3cret", "1:4: a quote that is not closed; add the closing quote"),
    ("a: [s3cret\nb: 1", "2:2: a syntax error in a list or mapping in brackets; check commas, brackets and quotes"),
    ("a: {b: s3cret]", "1:14: a syntax error in a list or mapping in brackets; check commas, brackets and quotes"),
    ("- s3cret\nb: 1", "2:1: does not fit the lines above; check indentation, commas and quotes"),
    ("a: 's3cret' b", "1:13: does not fit the lines above; check indentation, commas and quotes"),
    ("a: 1\n---\nb: 1", "2:1: a second document; keep one, and remove the '---'"),
    ("%TAG !s3cret! x\n%TAG !s3cret! y\n---\n", "2:1: not valid YAML: duplicate tag handle …"),
    ('a: "\\q"', "1:6: not valid YAML: found unknown escape character 'q'"),
    ('a: "\\UFFFFFFFF"', "1:7: not valid YAML: an escape or a version number is out of range"),
    ("a: b\n\x07", "2:1: a character that YAML does not allow (U+0007); remove it"),
    ("[" * 40, "1:33: nested too deeply; at most 32 levels are allowed"),
    ("[" * 20_000, "1:33: nested too deeply; at most 32 levels are allowed"),
    ("a: &a [*a]", "1:4: a[0]: an anchor that contains itself"),
    ("a: &a {<<: *a}", "1:4: a: an anchor that contains itself"),
    ("a: &a {b: {<<: *a}}", "1:4: a.b: an anchor that contains itself"),
]


@pytest.mark.parametrize(("text", "line"), BROKEN)
def test_a_syntax_error_is_reported_in_one_line_that_does_not_quote_the_file(
    text: str, line: str, lines: Callable[..., list[str]]
) -> None:
    assert lines(text) == [f"pw.yaml:{line}"]


def test_merges_of_merges_do_not_nest_without_bound(lines: Callable[..., list[str]]) -> None:
    text = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 200))
    assert lines(text) == ["pw.yaml:1:13: a30.x: nested too deeply; at most 32 levels are allowed"]


BOMBS = [
    "a0: &a0 [1, 2]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 25)),
    "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 25)),
]


@pytest.mark.parametrize("text", BOMBS)
def test_aliases_do_not_blow_up_the_document(text: str, lines: Callable[..., list[str]]) -> None:
    [line] = lines(text)
    assert line.startswith("pw.yaml:")
    assert line.endswith("aliases copy too much; at most 100000 copied values are allowed")


def test_mistakes_before_a_fatal_one_are_reported_too() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a: 1\na: 2\nb: &b [*b]\n", "f")
    assert str(caught.value).split("\n") == [
        "f:2:1: a: is written twice, first in line 1; keep one",
        "f:3:4: b[0]: an anchor that contains itself",
    ]
