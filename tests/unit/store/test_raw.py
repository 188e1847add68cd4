"""Samples as the database holds them, without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from monitor.store._raw import COLUMNS, Names, decode_sample, decode_value
from monitor.store._tables import sample as table
from probes._model import ErrorClass, Sample, Task
from tests.support.stored_values import encode_sample
from tests.unit.store import samples as any_samples
from tests.unit.store.samples import make_sample


@given(any_samples.samples)
def test_any_sample_is_cooked_from_what_is_stored_of_it(sample: Sample) -> None:
    row = encode_sample(sample)
    assert row.keys() == set(COLUMNS)
    assert {type(value) for value in row.values()} <= {int, float, str, type(None)}
    names = Names(vantage={1: sample.vantage}, probe={1: sample.probe})
    assert decode_sample(row, sample.endpoint, names) == sample


def test_what_no_database_holds_is_not_stored() -> None:
    row = encode_sample(
        make_sample(1, prompt_tokens=10**30, retry_after_s=float("inf"), output_tps=float("nan"), detail="\0")
    )
    assert [row[name] for name in ("prompt_tokens", "retry_after_s", "output_tps")] == [None, None, None]
    assert row["detail"] == "\ufffd"


@pytest.mark.parametrize("fields", [{"id": "no id"}, {"id": "F" * 16}])
def test_what_is_no_sample_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        encode_sample(replace(make_sample(1), **fields))  # type: ignore[arg-type]


def test_a_raw_value_means_what_it_means_in_the_database() -> None:
    assert decode_value("task", 1) is Task.CHAT
    assert decode_value("error", 1) is ErrorClass.DNS
    assert decode_value("error", None) is None
    assert decode_value("ttft_s", 1_500_000) == 1.5
    assert decode_value("cold", 1) is True
    assert decode_value("cold", None) is None
    assert decode_value("status_code", 200) == 200


def test_the_columns_are_those_of_the_table_but_for_the_endpoint() -> None:
    assert {*COLUMNS, "endpoint"} == set(table.c.keys())
