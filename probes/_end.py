"""Detects the end of an answer from the bytes so far, since some servers keep the connection open. Pure.

The driver checks after a pause, and regularly in a stream without pauses. New bytes are split into frames. These are
decoded backwards from the newest one, until one has content: in a running stream that is one frame per check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from probes._framing import frames
from probes._json import is_cut
from probes._meter import events_of
from probes._model import (
    Done,
    Event,
    Fault,
    Frame,
    Framing,
    MalformedError,
    Probe,
    Reasoning,
    Task,
    Text,
    ToolCall,
    Vector,
)
from probes._status import is_success

QUIET_S = 0.5
"""The required pause after the proof of the end, since usage may follow. Also the time between checks."""
_QUIET_WITHOUT_PROOF_S = 2.0
"""The pause that ends an answer if only its status matters and its body is not complete JSON."""
CHATTER_S = 1.0
"""How long a server may continue to send after the proof of the end."""


class _EndStep(Enum):
    """The meaning of a frame for the end of the answer."""

    END = "end"
    CONTENT = "content"
    NOTHING = "nothing"


@dataclass(slots=True, kw_only=True)
class EndWatch:
    """Checks one answer while it grows."""

    codec: Probe
    task: Task
    status: int = 0
    ended: bool = False
    """Whether nothing relevant can follow: the end is proved, or the answer is malformed."""
    _begin: int = 0
    """Body bytes whose frames need not be checked again."""
    _size: int = 0
    """Body bytes at the last check."""
    _framed: bool = False
    """Whether there was any frame."""

    def look(self, body: bytearray, quiet_s: float) -> Iterator[None]:
        """Check new bytes, one frame per step. `quiet_s`: the length of the current pause. The result is in `ended`."""
        if self.ended or (self._size == len(body) and self._is_stream):
            return
        self._size = len(body)
        if self._is_stream:
            yield from self._look_at_frames(bytes(memoryview(body)[self._begin :]))
        elif quiet_s >= _QUIET_WITHOUT_PROOF_S and not self._has_to_be_whole:
            self.ended = True
        if not self._framed:
            self.ended = self.ended or _is_whole(body)

    @property
    def _is_stream(self) -> bool:
        return self.task is not Task.REACH and is_success(self.status)

    @property
    def _has_to_be_whole(self) -> bool:
        """Whether the body is needed as a whole: the list of models."""
        return is_success(self.status) and self.codec.lists_models

    def _look_at_frames(self, news: bytes) -> Iterator[None]:
        found: list[Frame] = []
        try:
            for frame in frames(self.codec.framing, news):
                found.append(frame)
                yield
        except MalformedError:
            self.ended = True
            return
        self._framed = self._framed or any(not frame.stray for frame in found)
        for frame in reversed(found):
            step = self._step(frame)
            self.ended = step is _EndStep.END
            if step is not _EndStep.NOTHING:
                break
            yield
        if self.codec.framing is not Framing.WHOLE:
            self._begin += max((frame.end for frame in found if frame.complete), default=0)

    def _step(self, frame: Frame) -> _EndStep:
        try:
            events = events_of(self.codec, frame) or ()
        except Exception:  # noqa: BLE001  # a codec may be a third party's; its exception ends the answer
            return _EndStep.END if frame.complete else _EndStep.NOTHING
        whole = frame.complete or _is_whole(frame.data)
        if any(_is_end(event, whole=whole) for event in events):
            return _EndStep.END
        says = any(isinstance(event, Text | Reasoning | ToolCall | Vector) for event in events)
        return _EndStep.CONTENT if says else _EndStep.NOTHING


def _is_end(event: Event, *, whole: bool) -> bool:
    """Whether nothing relevant can follow an event. An incomplete error may still change."""
    return (isinstance(event, Fault) and whole) or (isinstance(event, Done) and event.proof)


def _is_whole(body: bytes | bytearray) -> bool:
    """Whether the body is one complete JSON object or array."""
    text = bytes(body).strip()
    return text[:1] in {b"{", b"["} and text[-1:] in {b"}", b"]"} and not is_cut(text)
