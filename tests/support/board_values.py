"""Values for tests of what is published: configurations, boards, samples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from monitor.config.model import Config, EndpointSpec, ProbeSpec, Slo
from monitor.scheduler.jobs import Job, enabled_jobs, tick_at
from monitor.scoreboard.board import Board
from probes._model import Endpoint, ErrorClass, Pricing, Sample, Task
from tests.unit.score.values import START, make_sample

CHAT = ProbeSpec(name="chat", task=Task.CHAT, every_s=60, timeout_s=30, slo=Slo(ttft_s=2, output_tps=20))
PROBES = {"chat": CHAT}
EVERYTHING: Mapping[str, Any] = {
    "cold": True,
    "dns_s": 0.002,
    "connect_s": 0.01,
    "tls_s": 0.02,
    "headers_s": 0.1,
    "ttft_s": 0.2,
    "ttat_s": 0.25,
    "e2e_s": 1.2,
    "itl_p50_s": 0.02,
    "itl_p99_s": 0.03,
    "itl_max_s": 0.04,
    "prompt_tokens": 100,
    "output_tokens": 51,
    "reasoning_tokens": 7,
    "cached_tokens": 3,
    "output_tps": 50.0,
    "tpot_s": 0.02,
    "e2e_tps": 42.5,
    "cost_usd": 0.000015,
    "lag_s": 0.003,
    "rx_lag_s": 0.0002,
    "status_code": 200,
}
"""A sample's fields, all measured."""


def make_spec(name: str = "groq:llama", **fields: Any) -> EndpointSpec:
    """An endpoint with this id."""
    plain = EndpointSpec(
        endpoint=Endpoint(
            id=name,
            provider=name.partition(":")[0],
            model=name.partition(":")[2],
            api="openai_chat",
            base_url="http://127.0.0.1:1/v1",
            pricing=Pricing(prompt=0.027, completion=0.2),
        ),
        model="meta-llama/llama-3.2-1b-instruct",
        probes=("chat",),
        labels={"region": "us"},
        router_ids={"litellm": "dep-17"},
        context_length=60_000,
    )
    return replace(plain, **fields)


def make_config(*specs: EndpointSpec, probes: Mapping[str, ProbeSpec] = PROBES, **fields: Any) -> Config:
    """A configuration of these endpoints."""
    return Config(providers={}, endpoints=specs, probes=probes, **fields)


def make_board(*specs: EndpointSpec, now: datetime = START, **fields: Any) -> Board:
    """A board of these endpoints."""
    config = make_config(*specs, **fields)
    return Board(config, enabled_jobs(config), now)


def job_of(config: Config, name: str) -> Job:
    """The first job of an endpoint."""
    return next(job for job in enabled_jobs(config) if job.spec.endpoint.id == name)


def first_tick(*specs: EndpointSpec, name: str = "groq:llama") -> datetime:
    """The first tick of an endpoint after `START`."""
    job = job_of(make_config(*specs or (make_spec(),)), name)
    return tick_at(job, START) + job.every


def sample_at(tick: datetime, error: ErrorClass | None = None, name: str = "groq:llama", **fields: Any) -> Sample:
    """The sample of an endpoint's tick, fully measured unless it failed; it began 3 ms late."""
    measured = {} if error else dict(EVERYTHING)
    return make_sample(
        tick + timedelta(milliseconds=3), error, **{"scheduled_at": tick, "endpoint": name, **measured, **fields}
    )


def row_of(samples: Iterable[Sample], now: datetime, spec: EndpointSpec | None = None, **fields: Any) -> dict[str, Any]:
    """The published row of one endpoint after these samples."""
    board = make_board(spec or make_spec(), **fields)
    board.absorb(samples)
    body = board.publish(now, sweep=True).body
    (row,) = json.loads(body)["endpoints"]
    found: dict[str, Any] = row
    return found
