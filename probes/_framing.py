"""Splits bytes into frames: server-sent events by the WHATWG HTML standard, JSON lines, and AWS' event stream.

Every function accepts a whole or cut body. A frame that the end of the body cuts is the last one, with
`complete=False`. All raise MalformedError after `MAX_EVENT_BYTES` without the end of a frame. Untrusted bytes are
scanned once, by regular expressions and methods that run in C, since the event loop is blocked between two frames.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import assert_never
from zlib import crc32

from probes._json import containers, is_cut
from probes._model import Frame, Framing, MalformedError

MAX_EVENT_BYTES = 1 << 18
"""The longest event that is read. Events of providers, and keep-alives between them, are far shorter."""
MAX_FRAMES = 1 << 15
"""The maximum number of frames of one answer."""
MAX_CONTAINERS = 1000
"""The maximum number of JSON objects and arrays in one frame, which determine its decoding time."""
MAX_CONTAINERS_IN_ALL = 1 << 18
"""The maximum number of JSON objects and arrays in one answer: eight per frame on average."""

_DATA_LINE = re.compile(rb"(?<![^\r\n])data(?:: ?([^\r\n]*+))?(?=[\r\n]|\Z)")
_FIRST_LINE = re.compile(rb"(?<![^\r\n])(?:data(?=[:\r\n]|\Z)|(?P<stray>error:[ \t]*+(?=\S)|[ \t]*+(?=[{\[])))")
"""The start of the next event, or of text between events that may be an error."""
_NEXT_FIELD = re.compile(rb"[\r\n](?=(?:data|event|id|retry):)")
_STRAY_START = re.compile(rb"\n(?:[{\[]|error:)|\r(?:\{|error:)")
_EVENT_LINE = re.compile(rb"(?<![^\r\n])event(?:: ?([^\r\n]*+))?(?=[\r\n]|\Z)")
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_BEFORE_BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")
"""Two consecutive line ends, in any form."""
_WORD = re.compile(rb"\S")
_BOM = b"\xef\xbb\xbf"
_PRELUDE = struct.Struct(">III")
"""The prelude of an AWS message: its length, the length of its headers, and a CRC32 of both."""
_CRC = struct.Struct(">I")
_TEXT_HEADER = 7
_HEADER_VALUE_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: None, 7: None, 8: 8, 9: 16}
"""Sizes by AWS header type; None: the value begins with its length."""


def frames(framing: Framing, body: bytes) -> Iterator[Frame]:
    """The frames of a body, in order. Raises MalformedError, also for too many frames or JSON containers."""
    in_all = 0
    for number, frame in enumerate(_cut(framing, body)):
        held = containers(frame.data)
        in_all += held
        if number >= MAX_FRAMES:
            raise MalformedError(f"more than {MAX_FRAMES} events")
        if held > MAX_CONTAINERS:
            raise MalformedError(f"more than {MAX_CONTAINERS} objects in one event")
        if in_all > MAX_CONTAINERS_IN_ALL:
            raise MalformedError(f"more than {MAX_CONTAINERS_IN_ALL} objects in one answer")
        yield frame


def _cut(framing: Framing, body: bytes) -> Iterator[Frame]:
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
    """The only frame of a body that is one JSON text; no frame for an empty body."""
    _bound(len(body))
    if body.strip():
        yield Frame(data=body, end=len(body), complete=not is_cut(body))


def json_lines(body: bytes) -> Iterator[Frame]:
    """The lines of a body that are not blank."""
    begin = 0
    while found := _WORD.search(body, begin, begin + MAX_EVENT_BYTES):
        line_end = body.find(b"\n", found.start(), begin + MAX_EVENT_BYTES)
        end = len(body) if line_end < 0 else line_end + 1
        _bound(end - begin)
        yield Frame(data=body[found.start() : end].rstrip(), end=end, complete=line_end >= 0)
        begin = end
    _bound_silence(len(body) - begin)


def aws_messages(body: bytes) -> Iterator[Frame]:
    """The messages of AWS' binary event stream (`vnd.amazon.eventstream`), with both checksums verified.

    A cut message is dropped, since its checksum cannot be verified.
    """
    begin = 0
    while begin + _PRELUDE.size <= len(body):
        length, headers_length, prelude_crc = _PRELUDE.unpack_from(body, begin)
        if crc32(body[begin : begin + 8]) != prelude_crc:
            raise MalformedError("not an AWS event stream: wrong checksum of a message's prelude")
        _bound(length)
        payload_begin = begin + _PRELUDE.size + headers_length
        payload_end = begin + length - _CRC.size
        if payload_begin > payload_end:
            raise MalformedError("AWS event stream: a message is shorter than its headers")
        if begin + length > len(body):
            return
        if crc32(body[begin:payload_end]) != _CRC.unpack_from(body, payload_end)[0]:
            raise MalformedError("AWS event stream: wrong checksum of a message")
        headers = _aws_headers(body[begin + _PRELUDE.size : payload_begin])
        begin += length
        yield Frame(
            data=body[payload_begin:payload_end],
            event=headers.get(":event-type") or headers.get(":exception-type"),
            headers=headers,
            end=begin,
        )


def _aws_headers(data: bytes) -> dict[str, str]:
    """The text headers; headers of other types are ignored."""
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
        raise MalformedError("AWS event stream: invalid headers of a message") from None
    if at != len(data):
        raise MalformedError("AWS event stream: invalid headers of a message")
    return found


def _bound(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise MalformedError(f"an event of more than {MAX_EVENT_BYTES} bytes")


def _bound_silence(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise MalformedError(f"more than {MAX_EVENT_BYTES} bytes without an event")


def sse_frames(body: bytes) -> Iterator[Frame]:
    """The events with data. Comments, `id` and `retry` are ignored.

    JSON outside of fields, and a field `error`, which the standard does not define, become stray frames.
    """
    skipped = len(_BOM) if body.startswith(_BOM) else 0
    if skipped:
        body = body[skipped:]
    begin = 0
    while found := _FIRST_LINE.search(body, begin, begin + MAX_EVENT_BYTES):
        at, is_stray = found.end("stray"), found["stray"] is not None
        if not is_stray:
            at = found.start()
        blank = _BLANK_LINE.search(body, at, begin + MAX_EVENT_BYTES)
        end = len(body) if blank is None else blank.end()
        _bound(end - begin)
        stop = end if blank is None else blank.start()
        following = _following(body, at, stop, is_stray=is_stray)
        if following is not None:
            stop, end = following, following + 1
        yield Frame(
            event=_event_name(body, begin, found.start(), stop),
            data=body[at:stop] if is_stray else b"\n".join(_DATA_LINE.findall(body, at, stop)),
            end=skipped + end,
            complete=blank is not None or following is not None,
            stray=is_stray,
        )
        begin = end
    _bound_silence(len(body) - begin)


def _following(body: bytes, at: int, stop: int, *, is_stray: bool) -> int | None:
    """The line end at which a stray part follows an event without a blank line, or an event follows a stray part."""
    found = (_NEXT_FIELD if is_stray else _STRAY_START).search(body, at, stop)
    return None if found is None else found.start()


def _event_name(body: bytes, begin: int, data_begin: int, stop: int) -> str | None:
    """The event name of the last `event` line after the last blank line."""
    if data_begin > begin:
        begin = max(begin, *(body.rfind(pair, begin, data_begin) for pair in _BEFORE_BLANK_LINES))
    names = _EVENT_LINE.findall(body, begin, stop)
    return names[-1].decode("utf-8", "replace") or None if names else None
