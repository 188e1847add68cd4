"""Makes the sample of a probe. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from probes._address import address_hint
from probes._answers import answer_ok
from probes._exchange import Exchange
from probes._headers import retry_after_s, server_s
from probes._meter import Figures, Reading, arrived_frames, decoding, figures
from probes._model import ErrorClass, Fault, MalformedError, Probe, Run, Sample, Task, TokensFrom, Usage
from probes._prompts import to_be_counted
from probes._redaction import detail, redacted
from probes._status import is_success
from probes._tokens import count_tokens
from probes._usage import is_cut, plausible_usage
from probes._verdict import verdict

_MILLION = 1_000_000
_COUNTABLE_CHARACTERS = 100_000
"""The tokens of longer answers are not counted, since that would delay other probes."""


def sample(run: Run, codec: Probe, exchange: Exchange) -> Sample:
    """The sample of a probe."""
    reading = Reading()
    for _ in decode_into(reading, run, codec, exchange):
        pass
    return sample_of_reading(run, codec, exchange, reading)


def decode_into(reading: Reading, run: Run, codec: Probe, exchange: Exchange) -> Iterator[None]:
    """Decode the answer into `reading`, one frame per step. Refusals and `reach` are not decoded."""
    body = exchange.body if is_success(exchange.status) and run.task is not Task.REACH else b""
    return decoding(codec, body, exchange.arrivals, reading)


def texts_to_count(run: Run, codec: Probe, reading: Reading) -> Sequence[str]:
    """The texts whose tokens have to be counted; empty if the provider's usage is sufficient.

    For tool calls it is not sufficient: usage includes the wrapping of a call, which is not streamed.
    """
    _drop_impossible_usage(run, codec, reading)
    pieces = [reading.answer, reading.thought, *(call.arguments for call in reading.calls.values())]
    if not reading.content or sum(map(len, pieces)) > _COUNTABLE_CHARACTERS:
        return ()
    if _has_usage(reading) and not reading.calls:
        return ()
    return (to_be_counted(run.prompt.text)[0], *pieces)


def sample_of_reading(
    run: Run, codec: Probe, exchange: Exchange, reading: Reading, counts: Sequence[int] | None = None
) -> Sample:
    """The sample of a probe whose answer was decoded. `counts`: those of `texts_to_count`; None: count them here."""
    if counts is None:
        counts = [count_tokens(text) for text in texts_to_count(run, codec, reading)]
    _drop_impossible_usage(run, codec, reading)
    reading.cut = reading.cut or is_cut(reading.usage, codec, run.prompt)
    ended = reading.done_ns is not None
    right = answer_ok(run.task, run.prompt, reading) if ended else None
    fault = verdict(run, codec, exchange, reading, right=right)
    taken = _filled_sample(
        run, exchange, reading, fault, counts, right=right, address=address_hint(run, codec, exchange, fault)
    )
    if reading.doubt is None:
        return taken
    words = detail(run.endpoint, _joined(taken.detail, reading.doubt))
    return replace(taken, detail=words, tokens_from=TokensFrom.COUNTED if taken.tokens_from else None)


def _drop_impossible_usage(run: Run, codec: Probe, reading: Reading) -> None:
    """Replace impossible token counts of the provider, and add a note about them."""
    reading.usage, doubt = plausible_usage(reading.usage, codec, run.prompt, reading)
    reading.doubt = doubt or reading.doubt


def _joined(*words: str | None) -> str:
    return "; ".join(filter(None, words))


def transcript(run: Run, codec: Probe, exchange: Exchange) -> Iterator[tuple[float | None, str]]:
    """The answer frame by frame: seconds from the request to the arrival, and the redacted text."""
    if not is_success(exchange.status) or run.task is Task.REACH:
        yield None, redacted(run.endpoint, exchange.body.decode("utf-8", "replace"))
        return
    try:
        for frame, read in arrived_frames(codec.framing, exchange.body, exchange.arrivals):
            at_s = _seconds(exchange.t0_ns, exchange.arrivals[read].at_ns)
            name = f"{frame.event} " if frame.event else ""
            yield at_s, redacted(run.endpoint, name + frame.data.decode("utf-8", "replace"))
    except MalformedError as error:
        yield None, str(error)


def _filled_sample(
    run: Run,
    exchange: Exchange,
    reading: Reading,
    fault: Fault | None,
    counts: Sequence[int],
    *,
    right: bool | None,
    address: str,
) -> Sample:
    started_at = _wall(exchange, exchange.t0_ns)
    usage, tokens_from = _usage(run, reading, counts)
    streamed = sum(counts[1:]) if reading.calls and counts and tokens_from is TokensFrom.USAGE else None
    seen = figures(reading, usage, exchange.t0_ns, streamed=streamed) if exchange.t0_ns is not None else _NOTHING
    link, clocks = exchange.connection, exchange.clocks
    return replace(
        _empty_sample(run, started_at, fault, _note(reading), address),
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
        e2e_s=_reached_s(exchange, fault) if run.task is Task.REACH else seen.e2e_s,
        itl_p50_s=seen.itl_p50_s,
        itl_p99_s=seen.itl_p99_s,
        itl_max_s=seen.itl_max_s,
        prompt_tokens=usage.prompt if usage else None,
        output_tokens=usage.output if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        cached_tokens=usage.cached if usage else None,
        output_tps=seen.output_tps,
        tpot_s=seen.tpot_s,
        e2e_tps=seen.e2e_tps,
        tokens_from=tokens_from,
        cost_usd=_cost_usd(run, usage),
        rtt_s=link.rtt_s,
        retransmits=link.retransmits,
        server_s=server_s(exchange.headers) if reading.server_s is None else reading.server_s,
        retry_after_s=_retry_after_s(exchange, fault),
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
    """The sample of a probe that the monitor did not run or finish."""
    return _empty_sample(run, at, Fault(error=error, detail=detail))


def _note(reading: Reading) -> str | None:
    """A note about an unknown finish reason; None: the reason is known."""
    reason = reading.unknown_reason
    return f"finish reason '{reason}' is unknown and was treated as a normal end" if reason is not None else None


def _empty_sample(
    run: Run, started_at: datetime, fault: Fault | None, note: str | None = None, address: str = ""
) -> Sample:
    """A sample without measurements: its identity and its fault."""
    words = [fault.detail] if fault else []
    words += [note] if note is not None and (fault is None or fault.error is ErrorClass.WRONG_ANSWER) else []
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
        detail=detail(run.endpoint, "; ".join(filter(None, words)), address) if words else None,
    )


def _retry_after_s(exchange: Exchange, fault: Fault | None) -> float | None:
    """The waiting time in the error, or else in the headers of a success."""
    sent = fault.retry_after_s if fault else None
    return sent if sent is not None or (fault and not is_success(exchange.status)) else retry_after_s(exchange.headers)


def _reached_s(exchange: Exchange, fault: Fault | None) -> float | None:
    """Seconds to the end of the answer to `reach`."""
    if fault is not None:
        return None
    last_ns = exchange.arrivals[-1].at_ns if exchange.arrivals else exchange.head_ns
    return _seconds(exchange.t0_ns, last_ns)


def _has_usage(reading: Reading) -> bool:
    """Whether the provider sent the token counts for speeds and costs."""
    sent = reading.usage
    return sent is not None and (sent.output is not None or (reading.vector is not None and sent.prompt is not None))


def _usage(run: Run, reading: Reading, counts: Sequence[int]) -> tuple[Usage | None, TokensFrom | None]:
    """The provider's token counts, or else local counts."""
    sent = reading.usage
    if _has_usage(reading):
        return sent, TokensFrom.USAGE
    if not counts:
        return sent, TokensFrom.USAGE if sent not in {None, Usage()} else None
    prompt, *pieces = counts
    counted = Usage(
        prompt=prompt + to_be_counted(run.prompt.text)[1] if sent is None or sent.prompt is None else sent.prompt,
        output=None if reading.vector is not None else sum(pieces),
        reasoning=pieces[1] if reading.thought else None,
        cached=sent.cached if sent else None,
    )
    return counted, TokensFrom.COUNTED


def _cost_usd(run: Run, usage: Usage | None) -> float | None:
    pricing = run.endpoint.pricing
    if pricing is None or usage is None or usage.prompt is None:
        return None
    if usage.output is None and run.task is not Task.EMBEDDING:
        return None
    cached = min(usage.cached or 0, usage.prompt)
    cached_price = pricing.prompt if pricing.cached is None else pricing.cached
    prompt_price = (usage.prompt - cached) * pricing.prompt + cached * cached_price
    return (prompt_price + (usage.output or 0) * pricing.completion) / _MILLION


def _wall(exchange: Exchange, at_ns: int | None) -> datetime:
    """The wall clock at a monotonic time, relative to the start of the probe."""
    since_ns = 0 if at_ns is None else at_ns - exchange.began_ns
    return datetime.fromtimestamp(exchange.began_at.timestamp() + since_ns / 1e9, UTC)


def _seconds(from_ns: int | None, to_ns: int | None) -> float | None:
    return None if from_ns is None or to_ns is None else (to_ns - from_ns) / 1e9
