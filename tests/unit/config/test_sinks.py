# ruff: noqa: E501  # a table is read by its lines
"""Sinks in the file: all options are used, and every mistake is reported with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from monitor.cli.common import extensions
from monitor.config import Config, json_schema
from monitor.sinks.influx import Influx
from monitor.sinks.ndjson import Ndjson
from tests.unit.config.test_problems import top

Load = Callable[..., Config]

INFLUX = "influx: {url: 'http://h:8086/', bucket: b}"


def test_without_sinks_there_are_none(load_text: Load) -> None:
    assert load_text(top("sinks: {}")).sinks == load_text(top("")).sinks == {}


def test_a_name_is_the_kind(load_text: Load, tmp_path: Path) -> None:
    text = top(f"sinks: {{{INFLUX}, ndjson: {{path: a.ndjson}}}}")
    assert load_text(text).sinks == {
        "influx": Influx.model_validate({"kind": "influx", "url": "http://h:8086", "bucket": "b"}),
        "ndjson": Ndjson.model_validate({"kind": "ndjson", "path": str(tmp_path / "a.ndjson")}),
    }


def test_a_kind_that_is_written_leaves_the_name_free(load_text: Load, tmp_path: Path) -> None:
    text = top(
        "sinks: {influx: {kind: ndjson, path: a, max_bytes: 2MiB, keep: 1}, "
        "vm: {kind: influx, url: 'https://h', org: o, bucket: b, token: '${env:T}', timeout: 2s}}"
    )
    assert load_text(text, {"T": "t0ken"}).sinks == {
        "influx": Ndjson.model_validate({"kind": "ndjson", "path": f"{tmp_path}/a", "max_bytes": "2MiB", "keep": 1}),
        "vm": Influx.model_validate(
            {"kind": "influx", "url": "https://h", "org": "o", "bucket": "b", "token": "t0ken", "timeout": "2s"}
        ),
    }


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1000000", 10**6),
        ("'1000000'", 10**6),
        ("1000kB", 10**6),
        ("100MB", 10**8),
        ("1GB", 10**9),
        ("1000KiB", 1_024_000),
        ("1GiB", 2**30),
    ],
)
def test_a_size_is_in_bytes(load_text: Load, written: str, size: int) -> None:
    sink = load_text(top(f"sinks: {{ndjson: {{path: a, max_bytes: {written}}}}}")).sinks["ndjson"]
    assert isinstance(sink, Ndjson)
    assert sink.max_bytes == size


# fmt: off
MISTAKES = [
    ("", ["10:7: sinks: is empty; write a value, or leave the key out"]),
    (" [a]", ["10:8: sinks: must be a mapping: lines of `key: value`"]),
    (" {x: 1}", ["10:12: sinks.x: must be a mapping: lines of `key: value`"]),
    (" {influx: }", ["10:16: sinks.influx: is empty; write a value, or leave the key out"]),
    (" {influxx: {path: a}}", ["10:9: sinks.influxx.kind: is missing; add it"]),
    (" {x: {kind: influxx}}", ["10:19: sinks.x.kind: 'influxx' is no kind of sink; write influx or ndjson (did you mean 'influx'?)"]),
    (" {x: {kind: ${env:GROQ_API_KEY}}}", ["10:19: sinks.x.kind: *** is no kind of sink; write influx or ndjson"]),
    (" {x: {kind: }}", ["10:18: sinks.x.kind: is empty; write a value, or leave the key out"]),
    (" {x: {kind: [a]}}", ["10:19: sinks.x.kind: must be text"]),
    (" {'a b': {kind: ndjson, path: a}}", ["10:9: sinks.a b: 'a b' must not contain spaces"]),
    (" {influx: {}}", ["10:9: sinks.influx.bucket: is missing; add it", "10:9: sinks.influx.url: is missing; add it"]),
    (" {influx: {url: h, bucket: 1}}", ["10:23: sinks.influx.url: must begin with http:// or https://", "10:34: sinks.influx.bucket: must be text; put it in quotes"]),
    (" {influx: {url: 'http://u:s3cret@h', bucket: b}}", ["10:23: sinks.influx.url: must not contain a user or password; write the key as `token:`"]),
    (" {influx: {url: 'http://h', bucket: b, token: a b, timeout: 3}}", ["10:53: sinks.influx.token: must be ASCII characters without spaces or line breaks; check for a stray one", "10:67: sinks.influx.timeout: 3 needs a unit; write it with ms, s, m, h, d or y, such as 15s"]),
    (" {influx: {url: 'http://h', bucket: b, path: a, urll: b}}", ["10:46: sinks.influx.path: unknown key; known keys: kind, url, org, bucket, token, timeout", "10:55: sinks.influx.urll: unknown key (did you mean 'url'?)"]),
    (" {x: {kind: ndjson, path: a, url: b}}", ["10:36: sinks.x.url: unknown key; known keys: kind, path, max_bytes, keep"]),
    (" {ndjson: {path: a/, keep: 0}}", ["10:24: sinks.ndjson.path: names a folder; write the path of a file", "10:34: sinks.ndjson.keep: must be at least 1"]),
    (" {ndjson: {path: [a]}}", ["10:24: sinks.ndjson.path: must be text"]),
    (" {ndjson: {path: a, max_bytes: 999kB}}", ["10:38: sinks.ndjson.max_bytes: must be at least 1MB, and at most 1000GB"]),
    (" {ndjson: {path: a, max_bytes: 1001GB}}", ["10:38: sinks.ndjson.max_bytes: must be at least 1MB, and at most 1000GB"]),
    (" {ndjson: {path: a, max_bytes: 5mb}}", ["10:38: sinks.ndjson.max_bytes: '5mb' is not a size; write for example 500kB, 100MB or 1GB"]),
    (" {ndjson: {path: a, max_bytes: true}}", ["10:38: sinks.ndjson.max_bytes: is not a size; write for example 500kB, 100MB or 1GB"]),
    (" {ndjson: {path: a}, x: {kind: ndjson, path: a}}", ["10:52: sinks.x.path: is already written in line 10, column 24 (sinks.ndjson.path); write another path"]),
    (" {ndjson: {path: a}}\npublish: {files: [{format: scores, path: a}]}", ["10:24: sinks.ndjson.path: is already written in line 11, column 42 (publish.files[0].path); write another path"]),
]
# fmt: on


@pytest.mark.parametrize(("written", "expected"), MISTAKES)
def test_a_mistake_is_reported_with_place_and_remedy(
    written: str, expected: list[str], lines: Callable[..., list[str]]
) -> None:
    told = lines(top(f"sinks:{written}"), {"GROQ_API_KEY": "s3cret"})
    assert told == [f"pw.yaml:{line}" for line in expected]


def test_the_schema_describes_each_kind() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(extensions()))

    def accepts(sinks: object) -> bool:
        return validator.is_valid({"providers": {}, "models": {}, "sinks": sinks})

    assert accepts({"influx": {"url": "http://h", "bucket": "b"}, "ndjson": {"path": "a", "max_bytes": "100MB"}})
    assert accepts({"x": {"kind": "ndjson", "path": "a", "max_bytes": 5_000_000}})
    assert not accepts({"influx": {"url": "http://h", "bucket": "b", "colour": "red"}})
    assert not accepts({"x": {"kind": "kafka", "path": "a"}})
    assert not accepts({"ndjson": {"path": "a", "max_bytes": ""}})
