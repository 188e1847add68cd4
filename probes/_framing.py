"""Bytes to frames: server-sent events as the WHATWG HTML standard parses them, JSON lines, and AWS' event stream.

Every function takes a whole (or cut) body. What the end of the body cuts short comes last, with `complete=False`, if
there is anything to be seen in it. All raise MalformedError on a frame of more than `MAX_EVENT_BYTES`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import assert_never
from zlib import crc32

from probes._json import is_cut
from probes._model import Frame, Framing, MalformedError

MAX_EVENT_BYTES = 1 << 20
"""The longest event that is read; no provider's comes near it."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
"""Only the ends are searched for: a pattern of whole lines takes quadratic time on a body without any."""
_BOM = b"\xef\xbb\xbf"
_PRELUDE = struct.Struct(">III")
"""Of an AWS message: its length, that of its headers, and a CRC32 of both."""
_CRC = struct.Struct(">I")
_TEXT_HEADER = 7
_HEADER_VALUE_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: None, 7: None, 8: 8, 9: 16}
"""By AWS header type; None: bytes and text carry their length themselves."""


def frames(framing: Framing, body: bytes) -> Iterator[Frame]:
    """A body's frames, in order."""
    match framing:
        case Framing.SSE:
            return sse_frames(body)
        case Framing.JSON_LINES:
            return json_lines(body)
        case Framing.AWS_EVENT_STREAM:
            return aws_messages(body)
        case Framing.WHOLE:
            return whole(body)
    assert_never(framing)


def whole(body: bytes) -> Iterator[Frame]:
    """The one frame of a body that is one JSON text; none of an empty body."""
    _bound(len(body))
    if body.strip():
        yield Frame(data=body, end=len(body), complete=not is_cut(body))


def json_lines(body: bytes) -> Iterator[Frame]:
    """The lines of a body that are not blank."""
    begin = 0
    while begin < len(body):
        found = body.find(b"\n", begin)
        end = len(body) if found < 0 else found + 1
        _bound(end - begin)
        line = body[begin:end].strip()
        if line:
            yield Frame(data=line, end=end, complete=found >= 0)
        begin = end


def aws_messages(body: bytes) -> Iterator[Frame]:
    """The messages of AWS' binary event stream (`vnd.amazon.eventstream`), checked by both their checksums.

    Of one that is cut short nothing is given, as nothing of it can be trusted.
    """
    begin = 0
    while begin + _PRELUDE.size <= len(body):
        length, headers_length, prelude_crc = _PRELUDE.unpack_from(body, begin)
        if crc32(body[begin : begin + 8]) != prelude_crc:
            raise MalformedError("not an event stream of AWS: the checksum of a message's head is wrong")
        _bound(length)
        payload_begin = begin + _PRELUDE.size + headers_length
        payload_end = begin + length - _CRC.size
        if payload_begin > payload_end:
            raise MalformedError("a message of AWS' event stream is shorter than its headers")
        if begin + length > len(body):
            return
        if crc32(body[begin:payload_end]) != _CRC.unpack_from(body, payload_end)[0]:
            raise MalformedError("the checksum of a message of AWS' event stream is wrong")
        headers = _aws_headers(body[begin + _PRELUDE.size : payload_begin])
        begin += length
        yield Frame(
            data=body[payload_begin:payload_end],
            event=headers.get(":event-type") or headers.get(":exception-type"),
            headers=headers,
            end=begin,
        )


def _aws_headers(data: bytes) -> dict[str, str]:
    """The text headers; those of other types are passed over."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name = data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
            kind = data[at]
            at += 1
            size = _HEADER_VALUE_BYTES[kind]
            if size is None:
                (size,) = struct.unpack_from(">H", data, at)
                at += 2
            if kind == _TEXT_HEADER:
                found[name.decode()] = data[at : at + size].decode()
            at += size
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise MalformedError("the headers of a message of AWS' event stream cannot be read") from None
    if at != len(data):
        raise MalformedError("the headers of a message of AWS' event stream cannot be read")
    return found


def _bound(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise MalformedError(f"an event of more than {MAX_EVENT_BYTES} bytes")


def sse_frames(body: bytes) -> Iterator[Frame]:
    """The events that carry data. Comments, `id` and `retry` are passed over."""
    data: list[bytes] = []
    event: str | None = None
    position = len(_BOM) if body.startswith(_BOM) else 0
    begin = position
    for line_end in _LINE_END.finditer(body, position):
        line, position = body[position : line_end.start()], line_end.end()
        _bound(position - begin)
        if line:
            event = _take(line, data, event)
            continue
        if data:
            yield Frame(event=event, data=b"\n".join(data), end=position)
        data, event, begin = [], None, position
    _bound(len(body) - begin)
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
