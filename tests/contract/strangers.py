"""JSON that a wire API does not send, made of the words of its recordings, so that the codec reads far into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from probes._framing import frames
from probes._json import decode
from probes._loader import codec_class
from probes._model import Frame, Framing, MalformedError
from tests.contract.aws import aws_message
from tests.contract.recordings import recordings

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_LONGEST_WORD = 40


@cache
def recorded_frames(api: str) -> tuple[Frame, ...]:
    """The frames of all answers of status 200 that hold JSON."""
    found: list[Frame] = []
    for recording in recordings(api):
        if recording.status == 200:
            found += _readable(api, recording.body)
    return tuple(found)


@cache
def _vocabulary(api: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All keys of the recordings, and all short strings in them."""
    keys, words = set[str](), set[str]()
    bodies = [frame.data for frame in recorded_frames(api)]
    bodies += [recording.body for recording in recordings(api) if recording.status != 200]
    for data in bodies:
        for part in _parts(_value(data)):
            if isinstance(part, dict):
                keys |= part.keys()
            elif isinstance(part, str) and len(part) <= _LONGEST_WORD:
                words.add(part)
    return tuple(sorted(keys)), tuple(sorted(words))


@cache
def values(api: str) -> st.SearchStrategy[Any]:
    """JSON values of any shape in an API's words."""
    keys, words = _vocabulary(api)
    leaves = LEAVES | st.sampled_from(words)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(keys), inner, max_size=4),
        max_leaves=12,
    )


@st.composite
def changed_frames(draw: st.DrawFn, api: str) -> Frame:
    """A recorded frame in which one part, somewhere, is of another shape."""
    frame = draw(st.sampled_from(recorded_frames(api)))
    value = _value(frame.data)
    places = list(_places(value))
    if places:
        holder, key = draw(st.sampled_from(places))
        holder[key] = draw(values(api))
    else:
        value = draw(values(api))
    return Frame(event=frame.event, headers=frame.headers, data=json.dumps(value).encode(), end=frame.end)


def _readable(api: str, body: bytes) -> Iterator[Frame]:
    try:
        for frame in frames(codec_class(api).framing, body):
            if frame.complete and _value(frame.data) is not None:
                yield frame
    except MalformedError:
        return


def _value(data: bytes) -> Any:
    """Anew each time, as it is changed."""
    try:
        return decode(data)
    except MalformedError:
        return None


def _parts(value: Any) -> Iterator[Any]:
    yield value
    for holder, key in _places(value):
        yield holder[key]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where the parts of a value are, however deep."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def framed(framing: Framing, frame: Frame) -> bytes:
    """The bytes of a stream that hold the frame."""
    match framing:
        case Framing.SSE:
            name = f"event: {frame.event}\n".encode() if frame.event else b""
            return name + b"data: " + frame.data + b"\n\n"
        case Framing.JSON_LINES:
            return frame.data + b"\n"
        case Framing.AWS_EVENT_STREAM:
            headers = {name.removeprefix(":").replace("-", "_"): value for name, value in frame.headers.items()}
            return aws_message(frame.data, **headers)
        case Framing.WHOLE:
            return frame.data
