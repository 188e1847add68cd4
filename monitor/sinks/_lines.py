"""A sample as a line of InfluxDB's line protocol. Pure.

Text values are tags and numbers are fields, since VictoriaMetrics keeps no text in fields. Vantage, endpoint, probe and
the microsecond of the start identify a point, so writing a sample again changes nothing. `id` and `detail` are left
out: as tags they would make a series of every sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from monitor.domain.epoch import EPOCH
from monitor.sinks._protocol import SampleOrigin
from probes._model import Sample

MEASUREMENT: Final = "providerwatch_probe"

_TAGS: Final = ("endpoint", "error", "blame", "probe", "task", "timing", "tokens_from", "vantage")
_REALS: Final = (
    "lag_s", "dns_s", "connect_s", "tls_s", "headers_s", "ttft_s", "ttat_s", "e2e_s", "itl_p50_s", "itl_p99_s",
    "itl_max_s", "output_tps", "tpot_s", "e2e_tps", "cost_usd", "rtt_s", "server_s", "retry_after_s", "rx_lag_s",
)  # fmt: skip
_WHOLES: Final = (
    "status_code", "answer_ok", "cold", "prompt_tokens", "output_tokens", "reasoning_tokens", "cached_tokens",
    "retransmits", "merged_reads", "clock_step",
)  # fmt: skip
"""Counts, and booleans as 0 or 1. A field must not change its type: InfluxDB would reject the line."""
_MICROSECOND: Final = timedelta(microseconds=1)
_ESCAPED: Final = str.maketrans(
    {",": r"\,", "=": r"\=", " ": r"\ ", "\\": "/", **dict.fromkeys(map(chr, [*range(0x20), 0x7F]), "_")}
)
"""A backslash is not allowed before every character of a tag, so it becomes a slash."""


def line(sample: Sample, origin: SampleOrigin | None) -> str:
    """The line of a sample, its time in microseconds. `origin`: None for an endpoint that is no longer configured."""
    tags = {name: getattr(sample, name) for name in _TAGS}
    if origin is not None:
        tags |= {"provider": origin.provider, "model": origin.model}
    head = ",".join([MEASUREMENT, *(f"{name}={_tag(tags[name])}" for name in sorted(tags) if tags[name])])
    return f"{head} {','.join(_fields(sample))} {(sample.started_at - EPOCH) // _MICROSECOND}"


def _fields(sample: Sample) -> Iterator[str]:
    yield f"ok={int(sample.error is None)}i"
    for name in _WHOLES:
        whole = getattr(sample, name)
        if whole is not None:
            yield f"{name}={int(whole)}i"
    for name in _REALS:
        real = getattr(sample, name)
        if real is not None and math.isfinite(real):
            yield f"{name}={float(real)}"


def _tag(value: str) -> str:
    return str(value).translate(_ESCAPED)
