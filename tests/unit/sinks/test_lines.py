"""Samples in line protocol, with the client library's own writer as judge."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import given
from influxdb_client.client.write.point import Point

from monitor.sinks import _lines
from monitor.sinks._lines import line
from monitor.sinks._protocol import SampleOrigin
from probes._model import Blame, ErrorClass, Sample, Timing, TokensFrom
from tests.unit.store import samples as any_samples
from tests.unit.store.samples import make_sample

ORIGIN = SampleOrigin(provider="groq", model="meta/llama")


def test_words_are_tags_and_numbers_are_fields() -> None:
    sample = make_sample(
        0,
        endpoint="groq:l",
        timing=Timing.KERNEL,
        tokens_from=TokensFrom.USAGE,
        output_tokens=9,
        ttft_s=0.25,
        cold=True,
    )
    assert line(sample, ORIGIN) == (
        "providerwatch_probe,endpoint=groq:l,model=meta/llama,probe=chat,provider=groq,task=chat,timing=kernel,"
        "tokens_from=usage,vantage=local ok=1i,cold=1i,output_tokens=9i,ttft_s=0.25 1795330800000000"
    )


def test_a_failure_carries_its_class_and_blame() -> None:
    sample = make_sample(0, error=ErrorClass.OVERLOADED, blame=Blame.PROVIDER, status_code=529)
    assert line(sample, None) == (
        "providerwatch_probe,blame=provider,endpoint=steady:smollm2,error=overloaded,probe=chat,task=chat,"
        "vantage=local ok=0i,status_code=529i 1795330800000000"
    )


def test_an_endpoint_that_left_the_configuration_has_no_provider_and_no_model() -> None:
    assert ",provider=" not in line(make_sample(0), None)
    assert ",model=" not in line(make_sample(0), None)


def test_id_and_detail_are_left_out() -> None:
    sample = make_sample(0xABCDEF, detail="in the provider's words")
    assert "abcdef" not in line(sample, ORIGIN)
    assert "words" not in line(sample, ORIGIN)


def test_whatever_else_is_measured_is_written() -> None:
    named = {*_lines._TAGS, *_lines._REALS, *_lines._WHOLES}
    assert named | {"id", "detail", "scheduled_at", "started_at"} == {field.name for field in fields(Sample)}


def test_a_field_keeps_its_type_whatever_its_value() -> None:
    told = line(make_sample(0, cost_usd=0, ttft_s=1, output_tokens=0), None)
    assert "cost_usd=0.0" in told
    assert "ttft_s=1.0" in told
    assert "output_tokens=0i" in told


def test_what_no_number_is_left_out() -> None:
    told = line(make_sample(0, output_tps=float("nan"), retry_after_s=float("inf")), None)
    assert " ok=1i " in told


def test_separators_in_names_are_escaped_and_a_backslash_becomes_a_slash() -> None:
    told = line(make_sample(0, endpoint="a,b=c d\\"), None)
    assert r"endpoint=a\,b\=c\ d/,probe" in told


def test_samples_that_begin_a_microsecond_apart_are_two_points() -> None:
    first = make_sample(0)
    second = replace(first, started_at=first.started_at + timedelta(microseconds=1))
    assert [int(line(each, None).split()[-1]) for each in (first, second)] == [1795330800000000, 1795330800000001]


@given(sample=any_samples.samples)
def test_the_client_library_writes_the_same(sample: Sample) -> None:
    said = line(sample, ORIGIN)
    assert "\n" not in said
    point = Point.measurement(_lines.MEASUREMENT)  # type: ignore[no-untyped-call]
    for name in _lines._TAGS:
        point.tag(name, (getattr(sample, name) or "").translate({ord("\\"): "/", **_CONTROLS}))
    point.tag("provider", ORIGIN.provider).tag("model", ORIGIN.model)
    theirs = point.field("ok", 1).to_line_protocol().split(" ok=")[0]
    assert said.startswith(f"{theirs} ok=")


_CONTROLS = dict.fromkeys([*range(0x20), 0x7F], "_")
