"""Asks providers for their list of models, which shows that they are reachable. Costs no tokens."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.spelling import closest
from probes._driver import exchange
from probes._loader import codec
from probes._model import Deadlines, Endpoint, MalformedError, Probe, Request, Run, Sample, Task
from probes._prompts import prompt_for
from probes._sample import sample

_PATIENCE_S = 10.0
_PROMPT = prompt_for(Task.REACH, "", prompt_tokens=0, max_tokens=1)
_DATE = re.compile(r"-(latest|\d{4}-?\d{2}-?\d{2})")
_VARIANT = re.compile(r":[a-z-]+$")
"""A suffix that a router accepts after a model's name, such as `:nitro`. Ollama's tags, such as `:8b`, have digits."""
_LATEST = ":latest"
"""The default tag of Ollama, with every API."""
_LONGEST_NAME = 200
_MOST_NAMES = 5000
"""A received list may have any length, and the search for similar names is slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelListAnswer:
    """The answer of a provider."""

    sample: Sample
    took_s: float
    """From the beginning to the end, connecting included."""
    models: frozenset[str] | None
    """Its models; None if it did not list them."""


async def fetch_model_list(endpoint: Endpoint, vantage: str, patience_s: float = _PATIENCE_S) -> ModelListAnswer:
    """Ask the provider of an endpoint once."""
    probe, now = codec(endpoint.api, endpoint.options), datetime.now(UTC)
    run = Run(
        id="reach",
        endpoint=endpoint,
        vantage=vantage,
        probe="reach",
        task=Task.REACH,
        prompt=_PROMPT,
        deadlines=Deadlines(ttft_s=patience_s, total_s=patience_s),
        scheduled_at=now,
    )
    seen = await exchange(run, probe)
    record = sample(run, probe, seen)
    models = _models(probe, seen.body) if record.error is None else None
    return ModelListAnswer(sample=record, took_s=(seen.ended_ns - seen.began_ns) / 1e9, models=models)


def request_key(endpoint: Endpoint) -> object:
    """The request and the provider of `fetch_model_list`, as a key: endpoints with equal keys share one answer."""
    try:
        request: Request = codec(endpoint.api, endpoint.options).request(endpoint, Task.REACH, _PROMPT)
    except Exception:  # noqa: BLE001  # a codec may be a third party's; `fetch_model_list` reports its fault
        return endpoint.id
    return endpoint.provider, endpoint.api, request, endpoint.headers, endpoint.proxy


def lists_models(endpoint: Endpoint) -> bool:
    """Whether `fetch_model_list` requests a list of models. Then an answer shows that the key was accepted."""
    return codec(endpoint.api, endpoint.options).lists_models


def _models(probe: Probe, body: bytes) -> frozenset[str] | None:
    if not probe.lists_models or type(probe).models is Probe.models:
        return None
    try:
        return probe.models(body)
    except MalformedError:
        return None


def listed_as(model: str, names: Collection[str]) -> str | None:
    """The listed name of a model: its own, or the name that it is an alias or variant of; None if not listed."""
    stem = model.removesuffix("-latest")
    for name in (model, f"{model}{_LATEST}", _VARIANT.sub("", model), stem):
        if name in names:
            return name
    dated = (name for name in names if name.startswith(stem) and _DATE.fullmatch(name[len(stem) :]))
    return max(dated, default=None)


def similar(model: str, names: Collection[str]) -> str | None:
    """The listed name that is most similar to a wrong one."""
    short = sorted(name for name in names if len(name) <= _LONGEST_NAME)[:_MOST_NAMES]
    return closest(model[:_LONGEST_NAME], short)
