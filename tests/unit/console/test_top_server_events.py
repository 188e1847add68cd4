"""Server-sent events, as the daemon's stream has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.console.top.server_events import EventDecoder, ServerEvent

STREAM = (
    'retry: 2000\n: hello\n\nevent: snapshot\nid: a-1\ndata: {"x":[\ndata: "日"\ndata: ]}\n\n'
    "event:change\r\ndata:1\r\n\r\n"
)
EVENTS = [
    ServerEvent(kind="snapshot", id="a-1", data='{"x":[\n"日"\n]}'),
    ServerEvent(kind="change", id="", data="1"),
]


@given(cut=st.integers(0, len(STREAM.encode())))
def test_events_come_whole_whatever_the_portions(cut: int) -> None:
    received, decoder = STREAM.encode(), EventDecoder()
    assert decoder.events(received[:cut]) + decoder.events(received[cut:]) == EVENTS


def test_a_comment_is_no_event_and_a_half_event_waits() -> None:
    decoder = EventDecoder()
    assert decoder.events(b": keep-alive\n\n") == []
    assert decoder.events(b"data: 1\n") == []
    assert decoder.events(b"\n") == [ServerEvent(kind="", data="1")]
