"""Gzip of published documents: decompression gives the input, and only changed blocks are compressed again."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoreboard import compression
from monitor.scoreboard.compression import BlockwiseGzip, digest, gzipped, joined_gzip, packed_section

HEAD, TAIL = b'{"endpoints":[', b"]}\n"


def whole(parts: list[bytes]) -> bytes:
    return HEAD + b",".join(parts) + TAIL


def parts_of(number: int) -> list[bytes]:
    return [f'{{"id":"p:{place}","score":0.5,"status":"up"}}'.encode() for place in range(number)]


def test_what_is_short_or_does_not_shrink_is_left_as_it_is() -> None:
    assert gzipped(b"x" * 1000) is None
    noise = bytes.fromhex("".join(digest(bytes([place % 256, place // 256])) for place in range(1000)))
    assert gzipped(noise) is None


@pytest.mark.parametrize("size", [1024, 100_000, 1 << 18, 1 << 20])
def test_what_was_gzipped_comes_out_again(size: int) -> None:
    body = (b"abcdefghij" * size)[:size]
    packed = gzipped(body)
    assert packed is not None
    assert len(packed) < size / 10
    assert gzip.decompress(packed) == body
    assert gzipped(body) == packed


def test_bodies_have_digests_of_their_own() -> None:
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert len(digest(b"")) == 16


@pytest.mark.parametrize("number", [0, 1, 15, 16, 17, 32, 100])
def test_a_list_packed_in_blocks_is_one_gzip_file(number: int) -> None:
    parts = parts_of(number)
    packed = BlockwiseGzip().pack(HEAD, parts, TAIL, whole(parts))
    assert gzip.decompress(packed) == whole(parts)
    found = subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True)
    assert (found.stdout, found.stderr) == (whole(parts), b"")


changes = st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=30)), max_size=8)


@given(st.lists(st.tuples(st.integers(0, 60), changes), min_size=1, max_size=5), st.integers(1, 20))
def test_whatever_changes_from_one_packing_to_the_next_the_whole_comes_out(
    rounds: list[tuple[int, list[tuple[int, bytes]]]], block: int
) -> None:
    packer = BlockwiseGzip(block)
    for number, changed in rounds:
        parts = parts_of(number)
        for place, text in changed:
            if place < number:
                parts[place] = text
        assert gzip.decompress(packer.pack(HEAD, parts, TAIL, whole(parts))) == whole(parts)


def test_only_the_blocks_that_changed_are_packed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[bytes] = []
    stretch = compression._stretch

    def counting(body: bytes, *, last: bool = False) -> bytes:
        packed.append(body)
        return stretch(body, last=last)

    monkeypatch.setattr(compression, "_stretch", counting)
    packer, parts = BlockwiseGzip(10), parts_of(100)
    packer.pack(HEAD, parts, TAIL, whole(parts))
    assert len(packed) == 12
    packed.clear()
    changed = [*parts[:55], b"news", *parts[56:]]
    packer.pack(HEAD, changed, TAIL, whole(changed))
    assert packed == [b"," + b",".join(changed[50:60]), HEAD, TAIL]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=6))
def test_joined_sections_are_the_gzip_of_their_bodies(parts: list[tuple[bool, bytes]]) -> None:
    body, packed = joined_gzip(packed_section(part) if is_ready else part for is_ready, part in parts)
    assert body == b"".join(part for _, part in parts)
    assert gzip.decompress(packed) == body
