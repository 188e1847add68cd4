"""A history to play again: two providers, an outage of one of them, a background of failures; always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from monitor.config.model import Config
from monitor.scheduler.jobs import Job, all_jobs, run_for, tick_at
from probes._model import ErrorClass, Sample

HOURS = 12
"""How long it is."""
BROKEN = "near"
"""Whose outage it is."""
_BEGAN, _LASTED = timedelta(hours=4, seconds=20), timedelta(minutes=30)
_DOUBTS = (timedelta(), timedelta(seconds=2), timedelta(seconds=4))
"""After a tick: a surprise is probed again at once, and once more at the least distance."""
_BLIPS = 0.004
"""How often a request fails while all is well."""


def config(store: str) -> Mapping[str, object]:
    """What the history is of: two models at two providers, every endpoint probed once a minute."""
    return {
        "store": store,
        "providers": {
            name: {"api": "openai_chat", "base_url": f"http://127.0.0.1:{port}/v1"}
            for name, port in (("near", 9), ("far", 10))
        },
        "models": {
            f"a/{model}": {"endpoints": [{"provider": name, "model": model} for name in ("near", "far")]}
            for model in ("large", "small")
        },
        "probes": {"chat": {"task": "chat", "every": "60s", "slo": {"ttft": "2s"}}},
    }


def samples(config: Config, now: datetime) -> list[Sample]:
    """The newest last: every endpoint's ticks, and the extra probes of the daemon while all fails."""
    chance = random.Random(1)
    found: list[Sample] = []
    for job in all_jobs(config):
        for at in _ticks(job, now):
            for later in _DOUBTS:
                sample = _sample(job, at + later, now, chance)
                found.append(sample)
                if sample.error is None:
                    break
    return sorted(found, key=lambda sample: sample.started_at)


def _ticks(job: Job, now: datetime) -> Iterator[datetime]:
    at = tick_at(job, now - timedelta(hours=HOURS)) + job.every
    while at < now - timedelta(minutes=1):
        yield at
        at += job.every


def _sample(job: Job, at: datetime, now: datetime, chance: random.Random) -> Sample:
    began = now - timedelta(hours=HOURS) + _BEGAN
    broken = job.spec.endpoint.provider == BROKEN and began <= at < began + _LASTED
    run = run_for(job, at)
    failed = chance.random() < (0.97 if broken else _BLIPS)
    error = ErrorClass.SERVER_ERROR if failed else None
    slow = chance.random() < 0.01
    return Sample(
        id=run.id,
        endpoint=run.endpoint.id,
        vantage=run.vantage,
        probe=run.probe,
        task=run.task,
        scheduled_at=at,
        started_at=at + timedelta(milliseconds=chance.randint(1, 20)),
        error=error,
        blame=error.blame if error else None,
        headers_s=0.1,
        ttft_s=None if failed else 3.0 if slow else 0.3,
        e2e_s=None if failed else 4.0 if slow else 1.0,
        prompt_tokens=None if failed else 100,
        output_tokens=None if failed else 20,
        cost_usd=None if failed else 0.000012,
    )
