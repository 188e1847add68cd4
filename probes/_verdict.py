"""The verdict on one probe: its error class. Pure.

A probe succeeds if the status is 2xx, content arrived before the deadlines, the stream has no error, and the stream
proved its end.
"""

from __future__ import annotations

from typing import assert_never

from probes._exchange import Ending, Exchange
from probes._meter import Reading, first_is_merged
from probes._model import Blame, ErrorClass, Fault, Framing, Probe, Run, Task
from probes._redaction import redacted
from probes._status import INTERIM, SERVER_ERRORS, is_success
from probes._stray import MAX_STRAY_BYTES, stray_fault

_STALL_S = 5.0
"""A stream is stalled if it pauses this long before the total deadline (or half the deadline, if that is shorter)."""
_TAINT_LAG_S = 0.02
"""The read delay from which the time of a first content that was merged with later content is not reliable."""

_KINDS = {
    Framing.SSE: "a stream of events",
    Framing.JSON_LINES: "a stream of JSON lines",
    Framing.AWS_EVENT_STREAM: "an event stream of AWS",
    Framing.WHOLE: "JSON",
}


def verdict(run: Run, codec: Probe, exchange: Exchange, reading: Reading, *, right: bool | None) -> Fault | None:
    """The fault of a probe; None: it succeeded. `right`: the result of the answer check."""
    if exchange.fault is not None:
        return exchange.fault
    if run.task is Task.REACH:
        return _unreached(run, codec, exchange)
    if not is_success(exchange.status):
        return _refusal(codec, exchange)
    if reading.fault is not None:
        return reading.fault
    if reading.malformed is not None:
        return Fault(error=ErrorClass.MALFORMED, detail=reading.malformed)
    if reading.done_ns is None:
        return _unfinished(run, codec, exchange, reading)
    return _finished(run, exchange, reading, right=right)


def _finished(run: Run, exchange: Exchange, reading: Reading, *, right: bool | None) -> Fault | None:
    """The fault of a stream that proved its end."""
    if not reading.content:
        return _without_content(reading)
    if right is False:
        return Fault(error=ErrorClass.WRONG_ANSWER, detail=_wrong(run, reading))
    return _taint(exchange, reading)


def _unreached(run: Run, codec: Probe, exchange: Exchange) -> Fault | None:
    """The fault of a `reach` probe; None: it succeeded."""
    status = exchange.status or 0
    if not is_success(status) and (codec.lists_models or status in SERVER_ERRORS or status in INTERIM):
        return _refusal(codec, exchange)
    fault = _models_error(codec, exchange)
    if fault is not None:
        return fault
    match exchange.ending:
        case Ending.END_OF_FILE | Ending.TOO_LARGE | Ending.PROVED:
            return None
        case Ending.CUT:
            return Fault(error=ErrorClass.TRUNCATED, detail="the connection broke in the middle of the answer")
        case Ending.TTFT_DEADLINE | Ending.TOTAL_DEADLINE:
            return Fault(
                error=ErrorClass.TIMEOUT_TOTAL, detail=f"headers, but no end within {run.deadlines.total_s:g} s"
            )
    assert_never(exchange.ending)


def _models_error(codec: Probe, exchange: Exchange) -> Fault | None:
    """An error in place of a list of models. For an API without such a list, only errors with blame `provider`."""
    if not is_success(exchange.status) or len(exchange.body) > MAX_STRAY_BYTES:
        return None
    fault = stray_fault(codec, exchange.body, exchange.headers)
    return fault if fault is not None and (codec.lists_models or fault.error.blame is Blame.PROVIDER) else None


def _without_content(reading: Reading) -> Fault:
    """The fault of a finished stream without content: hidden reasoning used all tokens, or nothing was sent."""
    hidden = (reading.usage.reasoning or 0) if reading.usage else 0
    if reading.cut and hidden:
        detail = f"hidden reasoning used all {hidden} tokens; raise max_tokens or lower the reasoning effort"
        return Fault(error=ErrorClass.BAD_REQUEST, detail=detail)
    return Fault(error=ErrorClass.EMPTY, detail=f"the stream ended ({reading.stop_reason}) without content")


def _wrong(run: Run, reading: Reading) -> str:
    """The detail of a wrong answer."""
    if reading.vector is not None:
        numbers = "numbers" if reading.vector.finite else "numbers that are not all finite"
        return f"a vector of {reading.vector.size} {numbers}; {run.prompt.dimensions or 'any'} were expected"
    if reading.calls:
        calls = ", ".join(f"{call.name}({call.arguments})" for call in reading.calls.values())
        return f"called {redacted(run.endpoint, calls)[:60]!r}"
    answered = f"answered {redacted(run.endpoint, reading.answer)[:60]!r}"
    if run.task is Task.TOOL_CALL:
        name = run.prompt.form.name if run.prompt.form else "the tool"
        return f"did not call {name} (some servers ignore tool_choice): {answered}"
    return answered


def _refusal(codec: Probe, exchange: Exchange) -> Fault:
    status = exchange.status or 0
    try:
        return codec.refusal(status, exchange.headers, exchange.body)
    except Exception as error:  # noqa: BLE001  # a codec may be a third party's
        return Fault(
            error=ErrorClass.MALFORMED, detail=f"HTTP {status} with an unreadable body: {type(error).__name__}"
        )


def _unfinished(run: Run, codec: Probe, exchange: Exchange, reading: Reading) -> Fault:
    """The fault of a stream that did not prove its end."""
    match exchange.ending:
        case Ending.TTFT_DEADLINE:
            seconds = run.deadlines.ttft_s
            return Fault(error=ErrorClass.TIMEOUT_TTFT, detail=f"headers, but no content within {seconds:g} s")
        case Ending.TOTAL_DEADLINE:
            return _overdue(run, exchange, reading)
        case Ending.TOO_LARGE:
            return Fault(error=ErrorClass.MALFORMED, detail=f"more than {len(exchange.body)} bytes of stream")
        case Ending.END_OF_FILE | Ending.CUT | Ending.PROVED:
            return _cut_short(codec.framing, exchange, reading)
    assert_never(exchange.ending)


def _overdue(run: Run, exchange: Exchange, reading: Reading) -> Fault:
    total_s = run.deadlines.total_s
    if not reading.content:
        return Fault(error=ErrorClass.TIMEOUT_TTFT, detail=f"headers, but no content within {total_s:g} s")
    silent_s = (exchange.ended_ns - reading.content[-1].at_ns) / 1e9
    if silent_s >= min(_STALL_S, total_s / 2):
        return Fault(error=ErrorClass.STALLED, detail=f"silent for the last {silent_s:.1f} s of {total_s:g} s")
    return Fault(error=ErrorClass.TIMEOUT_TOTAL, detail=f"still streaming after {total_s:g} s")


def _cut_short(framing: Framing, exchange: Exchange, reading: Reading) -> Fault:
    kind = exchange.headers.get("content-type", "none").split(";")[0].strip()
    if exchange.body and not reading.frames and kind.lower() != framing.value:
        return Fault(error=ErrorClass.MALFORMED, detail=f"not {_KINDS[framing]}: content type {kind}")
    after = f"after {len(reading.content)} content events" if reading.content else "before any content"
    how = "the connection broke" if exchange.ending is Ending.CUT else "the stream ended"
    return Fault(error=ErrorClass.TRUNCATED, detail=f"{how} {after} and without an end marker")


def _taint(exchange: Exchange, reading: Reading) -> Fault | None:
    """The fault if the first token was read late and together with others: its time is then that of a later token."""
    lags = exchange.clocks.body_lags_s if exchange.clocks else ()
    if not lags or not first_is_merged(reading) or lags[reading.content[0].read] < _TAINT_LAG_S:
        return None
    lag_ms = lags[reading.content[0].read] * 1e3
    return Fault(error=ErrorClass.TAINTED, detail=f"this machine read the first token {lag_ms:.0f} ms late")
