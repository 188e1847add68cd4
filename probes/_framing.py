"""Bytes to frames: server-sent events, as the WHATWG HTML standard parses them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from probes._model import Frame, MalformedError

MAX_EVENT_BYTES = 1 << 20
"""The longest event that is read; no provider's comes near it."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
"""Only the ends are searched for: a pattern of whole lines takes quadratic time on a body without any."""
_BOM = b"\xef\xbb\xbf"


def sse_frames(body: bytes) -> Iterator[Frame]:
    """The events of a whole (or cut) body that carry data, in order.

    Comments, `id` and `retry` are passed over. An event that the end of the body cuts short comes last, with
    `complete=False`. Raises MalformedError on an event of more than `MAX_EVENT_BYTES`.
    """
    data: list[bytes] = []
    event: str | None = None
    position = len(_BOM) if body.startswith(_BOM) else 0
    begin = position
    for line_end in _LINE_END.finditer(body, position):
        line, position = body[position : line_end.start()], line_end.end()
        if position - begin > MAX_EVENT_BYTES:
            raise MalformedError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        if line:
            event = _take(line, data, event)
            continue
        if data:
            yield Frame(event=event, data=b"\n".join(data), end=position)
        data, event, begin = [], None, position
    if len(body) - begin > MAX_EVENT_BYTES:
        raise MalformedError(f"an event of more than {MAX_EVENT_BYTES} bytes")
    event = _take(body[position:], data, event)
    if data:
        yield Frame(event=event, data=b"\n".join(data), end=len(body), complete=False)


def _take(line: bytes, data: list[bytes], event: str | None) -> str | None:
    """Add a line's data to `data`; the event's name as it stands after the line."""
    name, _, value = line.partition(b":")
    value = value.removeprefix(b" ")
    if name == b"data":
        data.append(value)
    elif name == b"event":
        return value.decode("utf-8", "replace") or None
    return event
