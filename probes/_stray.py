"""Finds errors outside an API's framing: JSON in place of a stream, or a bare line in a stream. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from probes import _errors, _json
from probes._framing import sse_frames
from probes._model import ErrorClass, Fault, Frame, Headers, MalformedError, Probe

MAX_STRAY_BYTES = 1 << 16
"""Bytes that are searched for an error; errors of providers are shorter."""
ERROR_EVENT = "error"
_NO_HEADERS: Headers = {}


def stray_fault(codec: Probe, data: bytes, headers: Headers = _NO_HEADERS) -> Fault | None:
    """The error in bytes outside an API's framing; None if there is no error.

    The bytes may be one JSON text, or begin with a server-sent event or with a line of JSON.
    """
    text = data[:MAX_STRAY_BYTES].strip()
    if not text:
        return None
    source = _object(text)
    if source is None:
        frame = next(sse_frames(text), None)  # raises only for longer texts
        if frame is not None and frame.event == ERROR_EVENT:
            return event_fault(frame)
        source = _object(text.partition(b"\n")[0] if frame is None else frame.data)
    fault = _errors.fault_in(source) if source is not None else None
    return fault if fault is None or source is None else _refined(codec, fault, source, headers)


def event_fault(frame: Frame) -> Fault | None:
    """The fault of an event named `error`, with any content; None: the event is incomplete JSON."""
    source = _object(frame.data)
    if source is not None:
        return _errors.fault_in(source) or _errors.stream_fault(source)
    text = frame.data.decode("utf-8", "replace").strip()
    if not frame.complete and text.startswith(("{", "[")):
        return None
    return _errors.stream_fault(text)


def _object(data: bytes) -> Mapping[str, object] | None:
    """A JSON object, or the only object of an array; None for other values."""
    try:
        value = _json.decode(data)
    except MalformedError:
        return None
    only = _json.only_item(value)
    return only if isinstance(only, dict) else None


def _refined(codec: Probe, fault: Fault, source: Mapping[str, object], headers: Headers) -> Fault:
    """The fault refined by the codec of the API."""
    try:
        refusal = codec.refusal(200, headers, _json.encode(source))
    except Exception:  # noqa: BLE001  # a codec may be a third party's
        return fault
    vague = refusal.error in {ErrorClass.STREAM_ERROR, ErrorClass.SERVER_ERROR}
    return Fault(
        error=fault.error if vague else refusal.error, detail=fault.detail, retry_after_s=refusal.retry_after_s
    )
