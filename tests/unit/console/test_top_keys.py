"""Keys from the bytes of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.console.top.keys import KeyDecoder, SpecialKey


@pytest.mark.parametrize(
    ("received", "keys"),
    [
        (b"qS/", ["q", "S", "/"]),
        ("é日".encode(), ["é", "日"]),
        (b"\r\n", [SpecialKey.ENTER, SpecialKey.ENTER]),
        (b"\x7f\b\x15\x0c\x03", ["backspace", "backspace", "ctrl-u", "ctrl-l", "ctrl-c"]),
        (b"\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"]),
        (b"\x1b[5~\x1b[6~", ["page up", "page down"]),
        (b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1bOH", ["home", "end", "home", "end", "home", "end", "home"]),
        (b"\x1b[1;5A\x1b[5;2~", ["up", "page up"]),
        (b"\x1b[C\x1b[3~\x1b[15~\x1bx\x1bOP\x01\t", []),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\xff", ["\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_bytes_become_keys(received: bytes, keys: list[str]) -> None:
    decoder = KeyDecoder()
    assert decoder.keys(received) == keys
    assert not decoder.waits


@given(cut=st.integers(0, 14))
def test_portions_make_no_difference(cut: int) -> None:
    received = "a\x1b[5~é日\x1bOB/".encode()
    decoder = KeyDecoder()
    assert decoder.keys(received[:cut]) + decoder.keys(received[cut:]) == ["a", "page up", "é", "日", "down", "/"]


def test_escape_alone_is_a_key_once_nothing_followed() -> None:
    decoder = KeyDecoder()
    assert decoder.keys(b"\x1b") == []
    assert decoder.waits
    assert decoder.flush() == [SpecialKey.ESCAPE]
    assert decoder.flush() == []


def test_a_sequence_without_an_end_is_no_sequence() -> None:
    assert KeyDecoder().keys(b"\x1b[" + b"1" * 40)[:2] == [SpecialKey.ESCAPE, "["]
