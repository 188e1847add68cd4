"""Samples for tests of the store: one by hand, or any that can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from probes._model import Blame, ErrorClass, Sample, Task, Timing, TokensFrom

START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def make_sample(number: int, **fields: Any) -> Sample:
    """Sample `number` of a row of them, one a second from `START` on; `fields` in place of what it would hold."""
    at = START + timedelta(seconds=number)
    plain = Sample(
        id=f"{number:016x}",
        endpoint="steady:smollm2",
        vantage="local",
        probe="chat",
        task=Task.CHAT,
        scheduled_at=at,
        started_at=at,
    )
    return replace(plain, **fields)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_durations = st.none() | st.integers(-(10**9), 10**12).map(lambda micros: micros / 1_000_000)
_counts = st.none() | st.integers(0, 2**63 - 1)
_reals = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_flags = st.none() | st.booleans()

samples = st.builds(
    Sample,
    id=st.integers(0, 2**64 - 1).map("{:016x}".format),
    endpoint=names,
    vantage=names,
    probe=names,
    task=st.sampled_from(Task),
    scheduled_at=moments,
    started_at=moments,
    error=st.none() | st.sampled_from(ErrorClass),
    blame=st.none() | st.sampled_from(Blame),
    status_code=_counts,
    detail=st.none() | names,
    answer_ok=_flags,
    lag_s=_durations,
    cold=_flags,
    dns_s=_durations,
    connect_s=_durations,
    tls_s=_durations,
    headers_s=_durations,
    ttft_s=_durations,
    ttat_s=_durations,
    e2e_s=_durations,
    itl_p50_s=_durations,
    itl_p99_s=_durations,
    itl_max_s=_durations,
    prompt_tokens=_counts,
    output_tokens=_counts,
    reasoning_tokens=_counts,
    cached_tokens=_counts,
    tokens_from=st.none() | st.sampled_from(TokensFrom),
    output_tps=_reals,
    tpot_s=_durations,
    e2e_tps=_reals,
    cost_usd=_reals,
    rtt_s=_durations,
    retransmits=_counts,
    server_s=_durations,
    retry_after_s=_durations,
    rx_lag_s=_durations,
    merged_reads=_counts,
    timing=st.none() | st.sampled_from(Timing),
    clock_step=_flags,
)
"""Any sample that a store keeps exactly: times in whole microseconds, any field None."""
