"""What one probe saw on the wire, and the sample that follows from it. Pure.

`Exchange` is what the driver brings home; `sample` measures and judges it. A probe is a success when the status was
2xx, content came before the deadlines, no error came in the stream, and the stream proved its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import assert_never

from probes._errors import clean
from probes._headers import retry_after_s, server_s
from probes._meter import Arrival, Figures, Reading, arrived_frames, decoding, figures, first_is_merged
from probes._model import ErrorClass, Fault, MalformedError, Probe, Run, Sample, Timing, TokensFrom
from probes._prompts import answer_ok

STALL_S = 5.0
"""Silence at the total deadline that makes a slow stream a stalled one (half the deadline, when that is shorter)."""
TAINT_LAG_S = 0.02
"""How late the first content may be read, merged with more, before its time is not to be trusted."""

_CREDENTIAL_LENGTH = 8
"""The shortest part of a secret header that is taken for a secret of its own."""
_MILLION = 1_000_000


class Ending(Enum):
    """Why the driver stopped reading."""

    END_OF_FILE = "end of file"
    CUT = "cut"
    """The connection broke, or ended in the middle of what HTTP had promised."""
    TTFT_DEADLINE = "ttft deadline"
    TOTAL_DEADLINE = "total deadline"
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the connection came about and fared. None: not measured, or not reached."""

    cold: bool | None = None
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    rtt_s: float | None = None
    retransmits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How arrivals were stamped."""

    timing: Timing
    clock_step: bool
    rx_lag_s: float | None
    """Worst delay between the kernel's stamp and our reading; None without kernel stamps."""
    body_lags_s: tuple[float, ...] = ()
    """The same for each arrival of the body, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Everything one probe saw. Times are of one monotonic clock."""

    began_at: datetime
    """Wall clock at the beginning of the probe."""
    began_ns: int
    connection: Connection = Connection()
    clocks: Clocks | None = None
    t0_ns: int | None = None
    head_ns: int | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    """As it came: a provider may echo the key in it, so it is in no repr."""
    arrivals: tuple[Arrival, ...] = ()
    ending: Ending = Ending.END_OF_FILE
    ended_ns: int
    fault: Fault | None = None
    """What went wrong before an answer's head was there."""


def sample(run: Run, codec: Probe, exchange: Exchange) -> Sample:
    """The record of a probe."""
    reading = Reading()
    for _ in reading_into(reading, codec, exchange):
        pass
    return judged(run, codec, exchange, reading)


def reading_into(reading: Reading, codec: Probe, exchange: Exchange) -> Iterator[None]:
    """Decode what came into `reading`, one frame a step; a refusal's body is not a stream and is left alone."""
    body = exchange.body if _is_success(exchange.status) else b""
    return decoding(codec, body, exchange.arrivals, reading)


def judged(run: Run, codec: Probe, exchange: Exchange, reading: Reading) -> Sample:
    """The record of a probe whose answer was decoded."""
    ended = reading.done_ns is not None
    right = answer_ok(run.prompt, reading.answer, cut=reading.stop_reason == "length") if ended else None
    fault = _verdict(run, codec, exchange, reading, right=right)
    return _record(run, exchange, reading, fault, right=right)


def transcript(run: Run, codec: Probe, exchange: Exchange) -> Iterator[tuple[float | None, str]]:
    """The answer frame by frame, for a person: seconds from the request to its arrival, and its text; no secrets."""
    if not _is_success(exchange.status):
        yield None, _redacted(run, exchange.body.decode("utf-8", "replace"))
        return
    try:
        for frame, read in arrived_frames(codec.framing, exchange.body, exchange.arrivals):
            at_s = _seconds(exchange.t0_ns, exchange.arrivals[read].at_ns)
            yield at_s, _redacted(run, frame.data.decode("utf-8", "replace"))
    except MalformedError as error:
        yield None, str(error)


def _verdict(run: Run, codec: Probe, exchange: Exchange, reading: Reading, *, right: bool | None) -> Fault | None:
    """What was wrong; None when nothing was."""
    if exchange.fault is not None:
        return exchange.fault
    if exchange.status is not None and not _is_success(exchange.status):
        return _refusal(codec, exchange)
    if reading.fault is not None:
        return reading.fault
    if reading.malformed is not None:
        return Fault(error=ErrorClass.MALFORMED, detail=reading.malformed)
    if reading.done_ns is None:
        return _unfinished(run, exchange, reading)
    if not reading.content:
        return Fault(error=ErrorClass.EMPTY, detail=f"the stream ended ({reading.stop_reason}) without content")
    if right is False:
        return Fault(error=ErrorClass.WRONG_ANSWER, detail=f"answered {_redacted(run, reading.answer)[:60]!r}")
    return _taint(exchange, reading)


def _refusal(codec: Probe, exchange: Exchange) -> Fault:
    status = exchange.status or 0
    try:
        return codec.refusal(status, exchange.headers, exchange.body)
    except Exception as error:  # noqa: BLE001  # a codec may be a third party's
        return Fault(
            error=ErrorClass.MALFORMED, detail=f"HTTP {status} with an unreadable body: {type(error).__name__}"
        )


def _unfinished(run: Run, exchange: Exchange, reading: Reading) -> Fault:
    """The class of a stream that never proved its end."""
    match exchange.ending:
        case Ending.TTFT_DEADLINE:
            seconds = run.deadlines.ttft_s
            return Fault(error=ErrorClass.TIMEOUT_TTFT, detail=f"headers, but no content within {seconds:g} s")
        case Ending.TOTAL_DEADLINE:
            return _overdue(run, exchange, reading)
        case Ending.TOO_LARGE:
            return Fault(error=ErrorClass.MALFORMED, detail=f"more than {len(exchange.body)} bytes of stream")
        case Ending.END_OF_FILE | Ending.CUT:
            return _cut_short(exchange, reading)
    assert_never(exchange.ending)


def _overdue(run: Run, exchange: Exchange, reading: Reading) -> Fault:
    total_s = run.deadlines.total_s
    if not reading.content:
        return Fault(error=ErrorClass.TIMEOUT_TTFT, detail=f"headers, but no content within {total_s:g} s")
    silent_s = (exchange.ended_ns - reading.content[-1].at_ns) / 1e9
    if silent_s >= min(STALL_S, total_s / 2):
        return Fault(error=ErrorClass.STALLED, detail=f"silent for the last {silent_s:.1f} s of {total_s:g} s")
    return Fault(error=ErrorClass.TIMEOUT_TOTAL, detail=f"still streaming after {total_s:g} s")


def _cut_short(exchange: Exchange, reading: Reading) -> Fault:
    kind = exchange.headers.get("content-type", "none").split(";")[0].strip()
    if exchange.body and not reading.frames and kind.lower() != "text/event-stream":
        return Fault(error=ErrorClass.MALFORMED, detail=f"not a stream of events: content type {kind}")
    after = f"after {len(reading.content)} content events" if reading.content else "before any content"
    how = "the connection broke" if exchange.ending is Ending.CUT else "the stream ended"
    return Fault(error=ErrorClass.TRUNCATED, detail=f"{how} {after} and without proof of its end")


def _taint(exchange: Exchange, reading: Reading) -> Fault | None:
    """A first token that we read late, in one read with others, has a later one's time: not fit to be shown."""
    lags = exchange.clocks.body_lags_s if exchange.clocks else ()
    if not lags or not first_is_merged(reading) or lags[reading.content[0].read] < TAINT_LAG_S:
        return None
    lag_ms = lags[reading.content[0].read] * 1e3
    return Fault(error=ErrorClass.TAINTED, detail=f"this machine read the first token {lag_ms:.0f} ms late")


def _record(run: Run, exchange: Exchange, reading: Reading, fault: Fault | None, *, right: bool | None) -> Sample:
    started_at = _wall(exchange, exchange.t0_ns)
    seen = figures(reading, exchange.t0_ns) if exchange.t0_ns is not None else _NOTHING
    usage = reading.usage
    link, clocks = exchange.connection, exchange.clocks
    return replace(
        _blank(run, started_at, fault),
        status_code=exchange.status,
        answer_ok=right,
        lag_s=(started_at - run.scheduled_at).total_seconds(),
        cold=link.cold,
        dns_s=link.dns_s,
        connect_s=link.connect_s,
        tls_s=link.tls_s,
        headers_s=_seconds(exchange.t0_ns, exchange.head_ns),
        ttft_s=seen.ttft_s,
        ttat_s=seen.ttat_s,
        e2e_s=seen.e2e_s,
        itl_p50_s=seen.itl_p50_s,
        itl_p99_s=seen.itl_p99_s,
        itl_max_s=seen.itl_max_s,
        prompt_tokens=usage.prompt if usage else None,
        output_tokens=usage.output if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        cached_tokens=usage.cached if usage else None,
        tokens_from=TokensFrom.USAGE if usage and usage.output is not None else None,
        output_tps=seen.output_tps,
        tpot_s=seen.tpot_s,
        e2e_tps=seen.e2e_tps,
        cost_usd=_cost_usd(run, reading),
        rtt_s=link.rtt_s,
        retransmits=link.retransmits,
        server_s=server_s(exchange.headers),
        retry_after_s=fault.retry_after_s if fault else retry_after_s(exchange.headers),
        rx_lag_s=clocks.rx_lag_s if clocks else None,
        merged_reads=seen.merged_reads if exchange.arrivals else None,
        timing=clocks.timing if clocks else None,
        clock_step=clocks.clock_step if clocks else None,
    )


_NOTHING = Figures(
    ttft_s=None,
    ttat_s=None,
    e2e_s=None,
    itl_p50_s=None,
    itl_p99_s=None,
    itl_max_s=None,
    output_tps=None,
    tpot_s=None,
    e2e_tps=None,
    merged_reads=0,
)


def unmeasured(run: Run, error: ErrorClass, detail: str, at: datetime) -> Sample:
    """The record of a probe that was not made or not finished, for a reason on our side of the network."""
    return _blank(run, at, Fault(error=error, detail=detail))


def _blank(run: Run, started_at: datetime, fault: Fault | None) -> Sample:
    """What a sample says before anything was measured: of what it is, and what went wrong."""
    return Sample(
        id=run.id,
        endpoint=run.endpoint.id,
        vantage=run.vantage,
        probe=run.probe,
        task=run.task,
        scheduled_at=run.scheduled_at,
        started_at=started_at,
        error=fault.error if fault else None,
        blame=fault.error.blame if fault else None,
        detail=_detail(run, fault.detail) if fault else None,
    )


def _detail(run: Run, words: str | None) -> str | None:
    """A fault's words for the record. Secrets go before the words are cut, lest the cut leave half a key."""
    return clean(_redacted(run, words or "")) or None


def _redacted(run: Run, words: str) -> str:
    """`words` without any secret of the endpoint, nor the credential inside one (`Bearer …`)."""
    held = [value.reveal() for _, value in run.endpoint.headers]
    if run.endpoint.api_key is not None:
        held.append(run.endpoint.api_key.reveal())
    credentials = [part for value in held for part in value.split() if len(part) >= _CREDENTIAL_LENGTH]
    for secret in sorted(filter(None, {*held, *credentials}), key=len, reverse=True):
        words = words.replace(secret, "***")
    return words


def _cost_usd(run: Run, reading: Reading) -> float | None:
    pricing, usage = run.endpoint.pricing, reading.usage
    if pricing is None or usage is None or usage.prompt is None or usage.output is None:
        return None
    return (usage.prompt * pricing.prompt + usage.output * pricing.completion) / _MILLION


def _wall(exchange: Exchange, at_ns: int | None) -> datetime:
    """The wall clock at a monotonic time, told from the probe's beginning."""
    since_ns = 0 if at_ns is None else at_ns - exchange.began_ns
    return datetime.fromtimestamp(exchange.began_at.timestamp() + since_ns / 1e9, UTC)


def _seconds(from_ns: int | None, to_ns: int | None) -> float | None:
    return None if from_ns is None or to_ns is None else (to_ns - from_ns) / 1e9


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004  # HTTP's own line
