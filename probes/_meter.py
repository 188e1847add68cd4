"""Calculates figures from events and their arrival times. Pure: every time is an argument.

Arrivals refer to offsets of the body: a frame that ends at offset k arrived with the first read that reached k.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import assert_never

from probes._calls import Calls, joined
from probes._framing import frames
from probes._model import (
    Done,
    Event,
    Fault,
    Frame,
    Framing,
    MalformedError,
    Probe,
    Reasoning,
    ServerTime,
    Text,
    ToolCall,
    Usage,
    Vector,
)
from probes._quantiles import quantile
from probes._stray import ERROR_EVENT, MAX_STRAY_BYTES, event_fault, stray_fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One read with body bytes."""

    at_ns: int
    end: int
    """Body bytes up to and including this read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One frame with generated content, in one or several parts."""

    at_ns: int
    read: int
    """The index of its arrival."""
    size: int
    """Number of characters."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """The decoded stream up to its first fault."""

    content: list[Content] = field(default_factory=list)
    answer: str = ""
    thought: str = ""
    calls: Calls = field(default_factory=Calls)
    vector: Vector | None = None
    first_answer_ns: int | None = None
    usage: Usage | None = None
    """As reported by the provider."""
    server_s: float | None = None
    done_ns: int | None = None
    stop_reason: str | None = None
    unknown_reason: str | None = None
    """A finish reason that is not in the table."""
    cut: bool = False
    """Whether the token limit cut the answer."""
    doubt: str | None = None
    """A note about impossible token counts of the provider."""
    last_ns: int | None = None
    """Arrival of the last decoded frame; after the end, of the last frame with events."""
    fault: Fault | None = None
    malformed: str | None = None
    frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The times, speeds and counts of a sample that come from the stream."""

    ttft_s: float | None
    ttat_s: float | None
    e2e_s: float | None
    itl_p50_s: float | None
    itl_p99_s: float | None
    itl_max_s: float | None
    output_tps: float | None
    tpot_s: float | None
    e2e_tps: float | None
    merged_reads: int


def read_stream(codec: Probe, body: bytes, arrivals: tuple[Arrival, ...]) -> Reading:
    """Decode a whole or cut body. Exceptions of the codec set `malformed`."""
    reading = Reading()
    for _ in decoding(codec, body, arrivals, reading):
        pass
    return reading


def decoding(codec: Probe, body: bytes, arrivals: tuple[Arrival, ...], reading: Reading) -> Iterator[None]:
    """Decode into `reading`, one frame per step, so that an event loop can run other tasks between steps."""
    end = 0
    try:
        for frame, read in arrived_frames(codec.framing, body, arrivals):
            if not _take_frame(codec, reading, frame, arrivals[read].at_ns, read):
                break
            end = frame.end
            yield
    except MalformedError as error:
        reading.malformed = str(error)
    if reading.fault is None and reading.done_ns is None:
        # An undecodable part, or an answer without content, may be an error with another framing or without one.
        # Third parties' codecs need not know all dialects.
        begin = end if reading.content else 0
        reading.fault = stray_fault(codec, body[begin : begin + MAX_STRAY_BYTES])


def arrived_frames(framing: Framing, body: bytes, arrivals: tuple[Arrival, ...]) -> Iterator[tuple[Frame, int]]:
    """A body's frames, each with the index of the arrival that completed it. Raises MalformedError."""
    ends = [arrival.end for arrival in arrivals]
    for frame in frames(framing, body):
        yield frame, min(bisect_left(ends, frame.end), len(ends) - 1)


def _take_frame(codec: Probe, reading: Reading, frame: Frame, at_ns: int, read: int) -> bool:
    """Add one frame's events; False: later frames do not count."""
    try:
        events = events_of(codec, frame)
    except Exception as error:  # noqa: BLE001  # a codec may be a third party's; its exception is the verdict
        if frame.complete:
            reading.malformed = str(error) if isinstance(error, MalformedError) else type(error).__name__
        return False
    if events is None:
        return True
    reading.frames += 1
    reading.last_ns = at_ns if events or reading.done_ns is None else reading.last_ns
    size = sum(_take_event(reading, event, at_ns) for event in events)
    if size:
        reading.content.append(Content(at_ns=at_ns, read=read, size=size))
    return reading.fault is None


def events_of(codec: Probe, frame: Frame) -> tuple[Event, ...] | None:
    """The events of a frame; None: the frame is a keep-alive or stray bytes, not a message."""
    if frame.stray and frame.event != ERROR_EVENT:
        fault = stray_fault(codec, frame.data)
        return None if fault is None else (fault,)
    if frame.event == ERROR_EVENT and codec.framing is Framing.SSE:
        return _error_event(codec, frame)
    if codec.framing is Framing.SSE and not frame.data.strip():
        return None
    return tuple(codec.read(frame))


def _error_event(codec: Probe, frame: Frame) -> tuple[Event, ...] | None:
    """The events of an SSE event named `error`, whether or not the codec can read it."""
    with suppress(Exception):  # a codec may be a third party's
        events = tuple(codec.read(frame))
        if any(isinstance(event, Fault) for event in events):
            return events
    fault = event_fault(frame)
    return None if fault is None else (fault,)


def _take_event(reading: Reading, event: Event, at_ns: int) -> int:
    """Add one event; returns its number of characters of content."""
    match event:
        case Usage():
            reading.usage = _with_counts(reading.usage, event)
        case ServerTime(seconds):
            reading.server_s = seconds
        case Done(reason, cut, proof, known):
            reading.done_ns = at_ns if proof else reading.done_ns
            reading.stop_reason = reason or reading.stop_reason
            reading.unknown_reason = reading.unknown_reason if known else reason
            reading.cut = reading.cut or cut
        case Fault():
            reading.fault = reading.fault or event
        case Text() | Reasoning() | ToolCall() | Vector():
            return _take_content(reading, event, at_ns)
    return 0


def _with_counts(known: Usage | None, newer: Usage) -> Usage:
    """Newer counts replace earlier ones. Counts that are missing in `newer` are kept."""
    given = {name: count for name, count in asdict(newer).items() if count is not None}
    return replace(known or Usage(), **given)


def _take_content(reading: Reading, event: Text | Reasoning | ToolCall | Vector, at_ns: int) -> int:
    match event:
        case Text(text):
            reading.answer = joined(reading.answer, text)
            if text and reading.first_answer_ns is None:
                reading.first_answer_ns = at_ns
            return len(text)
        case Reasoning(text):
            reading.thought = joined(reading.thought, text)
            return len(text)
        case ToolCall():
            reading.calls.take(event)
            return len(event.arguments)
        case Vector():
            reading.vector = event
            return event.size
    assert_never(event)


def figures(reading: Reading, usage: Usage | None, t0_ns: int, *, streamed: int | None = None) -> Figures:
    """The figures of a reading whose request was handed to the kernel at `t0_ns`. `usage`: reported or counted tokens.

    `streamed`: the locally counted tokens of the streamed parts, when there are tool calls.
    """
    content = reading.content
    first = content[0].at_ns if content else None
    gaps = sorted((late.at_ns - early.at_ns) / 1e9 for early, late in pairwise(content))
    e2e_s = _since(t0_ns, reading.last_ns if reading.done_ns is not None else None)
    output_tps = _output_tps(reading, usage, streamed)
    tokens = usage.output if usage else None
    return Figures(
        ttft_s=_since(t0_ns, first),
        ttat_s=_since(t0_ns, reading.first_answer_ns),
        e2e_s=e2e_s,
        itl_p50_s=quantile(gaps, 0.5) if gaps else None,
        itl_p99_s=quantile(gaps, 0.99) if gaps else None,
        itl_max_s=gaps[-1] if gaps else None,
        output_tps=output_tps,
        tpot_s=1 / output_tps if output_tps else None,
        e2e_tps=tokens / e2e_s if tokens and e2e_s else None,
        merged_reads=_merged_reads(content),
    )


def first_is_merged(reading: Reading) -> bool:
    """Whether the first content shares its read with more content. Its timestamp may then be that of a later event."""
    return len(reading.content) > 1 and reading.content[0].read == reading.content[1].read


def _since(t0_ns: int, at_ns: int | None) -> float | None:
    return None if at_ns is None else (at_ns - t0_ns) / 1e9


def _output_tps(reading: Reading, usage: Usage | None, streamed: int | None) -> float | None:
    """(output tokens - tokens of the first content event) / (last content - first content).

    The tokens of the first event are estimated by its share of the characters. Billed reasoning that was not streamed
    came before the first event and is excluded. With tool calls at most `streamed` tokens count, without the wrapping.
    """
    content = reading.content
    if usage is None or not usage.output or not content or not _is_paced(reading):
        return None
    span_s = (content[-1].at_ns - content[0].at_ns) / 1e9
    shown = usage.output - (0 if reading.thought else usage.reasoning or 0)
    tokens = min(shown, shown if streamed is None else streamed)
    tokens_after = tokens * (1 - content[0].size / sum(event.size for event in content))
    return tokens_after / span_s if span_s > 0 and tokens_after > 0 else None


def _is_paced(reading: Reading) -> bool:
    """Whether events came as tokens were generated. Tool calls often come whole, or in delayed pieces.

    Between two calls there are wrapping tokens without events.
    """
    if not reading.calls:
        return True
    (call, *others), content = reading.calls.values(), reading.content
    return not others and call.pieces > 1 and 2 * len({event.read for event in content}) >= len(content)


def _merged_reads(content: list[Content]) -> int:
    return len({late.read for early, late in pairwise(content) if early.read == late.read})
