"""Blocks: unpacking gives the packed rows, blocks are small, and invalid blocks are refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store import StoreError
from monitor.store._blocks import Row, pack, union, unpack
from monitor.store._raw import COLUMNS, Names, decode_sample
from probes._model import Sample
from tests.support.stored_values import encode_sample
from tests.unit.store import samples as any_samples
from tests.unit.store.samples import make_sample


def rows_of(samples: list[Sample]) -> list[Row]:
    return [{**encode_sample(sample), "seq": number * 3 + 1} for number, sample in enumerate(samples)]


@given(drawn=st.lists(any_samples.samples, min_size=1, max_size=5))
def test_any_sample_comes_back_from_a_block_as_it_was(drawn: list[Sample]) -> None:
    rows = rows_of(drawn)
    found = unpack(pack(rows, COLUMNS), COLUMNS)
    assert found == rows
    for row, sample in zip(found, drawn, strict=True):
        names = Names(vantage={1: sample.vantage}, probe={1: sample.probe})
        assert decode_sample(row, sample.endpoint, names) == sample


def test_a_sample_takes_less_room_than_a_row_of_its_own() -> None:
    samples = [
        make_sample(n * 60, id=f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}", ttft_s=0.2 + n / 977) for n in range(60)
    ]
    assert len(pack(rows_of(samples), COLUMNS)) < 60 * 30


def test_a_block_can_be_read_by_any_program() -> None:
    document = json.loads(zlib.decompress(pack(rows_of([make_sample(1), make_sample(2)]), COLUMNS)))
    assert document["v"] == 1
    assert document["columns"]["seq"] == [1, 3]
    assert document["columns"]["scheduled_at"][1] == 1_000_000
    assert document["n"] == 2
    assert document["columns"]["started_at"] == 0, "the same in every row"


def test_only_the_columns_that_are_asked_for_come_back() -> None:
    data = pack(rows_of([make_sample(5)]), COLUMNS)
    assert unpack(data, ("id",)) == [{"id": 5}]


def test_a_column_that_a_block_was_made_without_is_not_measured() -> None:
    without = tuple(name for name in COLUMNS if name != "ttft_s")
    data = pack(rows_of([make_sample(5, ttft_s=1.0), make_sample(6)]), without)
    assert [row["ttft_s"] for row in unpack(data, COLUMNS)] == [None, None]


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(zlib.decompress(pack(rows_of([make_sample(1), make_sample(2)]), COLUMNS)))
    change(document)
    return zlib.compress(json.dumps(document).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        zlib.compress(b"no json"),
        zlib.compress(b"\xff\xfe"),
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        changed(lambda document: document.update(v="1")),
        changed(lambda document: document.update(columns=[])),
        changed(lambda document: document["columns"].pop("seq")),
        changed(lambda document: document["columns"]["seq"].pop()),
        changed(lambda document: document.update(n=3)),
        changed(lambda document: document.update(n="2")),
        changed(lambda document: document.pop("n")),
        changed(lambda document: document["columns"].update(seq=[1.5, 2])),
        changed(lambda document: document["columns"]["id"].pop()),
        pack(rows_of([make_sample(1)]), COLUMNS)[:-9],
    ],
)
def test_what_is_no_block_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"invalid block .*: restore the store from a backup"):
        unpack(data, COLUMNS)


def test_a_block_of_a_newer_program_is_refused_with_the_remedy() -> None:
    with pytest.raises(StoreError, match="written by a newer providerwatch: install that version"):
        unpack(changed(lambda document: document.update(v=2)), COLUMNS)


def test_a_union_holds_each_sample_once_as_it_was_appended_first() -> None:
    first = [{"seq": 1, "id": 7}, {"seq": 5, "id": 8}]
    second = [{"seq": 9, "id": 7}, {"seq": 3, "id": 6}]
    assert union([second, first]) == [{"seq": 1, "id": 7}, {"seq": 3, "id": 6}, {"seq": 5, "id": 8}]
    assert union([]) == []
