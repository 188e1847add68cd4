"""Whether an answer has come to its end, told from what has come so far: some servers leave the connection open. Pure.

The driver asks when nothing came for a while, and now and then of a stream that never pauses. What is new is cut into
frames, and these are decoded from the newest backwards, as far as one with content: in a stream that goes on, that is
one frame a look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from probes._exchange import is_success
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

QUIET_S = 0.5
"""Silence after the proof of the end that is waited for: usage may follow. Also the time between two looks."""
QUIET_WITHOUT_PROOF_S = 2.0
"""Silence that ends an answer which only its status is read of, and which no JSON text closes."""
CHATTER_S = 1.0
"""How long a server may go on after the proof without saying anything."""


class _EndStep(Enum):
    """What a frame says about the end."""

    END = "end"
    CONTENT = "content"
    NOTHING = "nothing"


@dataclass(slots=True, kw_only=True)
class EndWatch:
    """Looks at one answer as it grows."""

    codec: Probe
    task: Task
    status: int = 0
    ended: bool = False
    """Whether nothing that may still come counts: the end is proved, or what came cannot be read on."""
    _begin: int = 0
    """Body bytes of which no frame needs to be looked at again."""
    _size: int = 0
    """Body bytes at the last look."""
    _framed: bool = False
    """Whether there was any frame."""

    def look(self, body: bytearray, quiet_s: float) -> Iterator[None]:
        """Look at what is new, a frame a step; `quiet_s` is how long nothing has come. `ended` holds the outcome."""
        if self.ended or (self._size == len(body) and self._is_stream):
            return
        self._size = len(body)
        if self._is_stream:
            yield from self._look_at_frames(bytes(memoryview(body)[self._begin :]))
        elif quiet_s >= QUIET_WITHOUT_PROOF_S and not self._has_to_be_whole:
            self.ended = True
        if not self._framed:
            self.ended = self.ended or _is_whole(body)

    @property
    def _is_stream(self) -> bool:
        return self.task is not Task.REACH and is_success(self.status)

    @property
    def _has_to_be_whole(self) -> bool:
        """Whether the body is more than words: the list of models."""
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
        except Exception:  # noqa: BLE001  # a codec may be a third party's; what it raises ends the reading
            return _EndStep.END if frame.complete else _EndStep.NOTHING
        whole = frame.complete or _is_whole(frame.data)
        if any(_is_end(event, whole=whole) for event in events):
            return _EndStep.END
        says = any(isinstance(event, Text | Reasoning | ToolCall | Vector) for event in events)
        return _EndStep.CONTENT if says else _EndStep.NOTHING


def _is_end(event: Event, *, whole: bool) -> bool:
    """Whether nothing that comes after an event counts. Half of an error may yet become another's words."""
    return (isinstance(event, Fault) and whole) or (isinstance(event, Done) and event.proof)


def _is_whole(body: bytes | bytearray) -> bool:
    """Whether the body is one JSON object or array that is complete."""
    text = bytes(body).strip()
    return text[:1] in {b"{", b"["} and text[-1:] in {b"}", b"]"} and not is_cut(text)
