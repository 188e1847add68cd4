"""Converts runs and samples to and from plain JSON values, for processes, files and the network.

The HTTP API, `--json` and files use the plain form of a sample. The plain form of a run contains the endpoint's secrets
in clear text, since a worker needs them. It is only sent through a private socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from probes._model import (
    Blame,
    Deadlines,
    Endpoint,
    ErrorClass,
    Form,
    Pricing,
    Prompt,
    Run,
    Sample,
    Secret,
    Task,
    Timing,
    TokensFrom,
)

_ENUMS = {"task": Task, "error": ErrorClass, "blame": Blame, "timing": Timing, "tokens_from": TokensFrom}
_TIMES = frozenset({"scheduled_at", "started_at"})
_SAMPLE_FIELDS = tuple(field.name for field in fields(Sample))


def sample_to_plain(sample: Sample) -> dict[str, object]:
    """A sample as JSON values, in the order of its fields; times are RFC 3339 in UTC."""
    plain: dict[str, object] = {}
    for name in _SAMPLE_FIELDS:
        value = getattr(sample, name)
        plain[name] = timestamp(value) if name in _TIMES else value
    return plain


def sample_from_plain(plain: Mapping[str, Any]) -> Sample:
    """The sample of `sample_to_plain`. Raises KeyError, TypeError or ValueError for other values."""
    values = dict(plain)
    for name in _TIMES:
        values[name] = datetime.fromisoformat(values[name])
    for name, kind in _ENUMS.items():
        values[name] = None if values[name] is None else kind(values[name])
    return Sample(**values)


def timestamp(at: datetime) -> str:
    """A time in RFC 3339, in UTC, with microseconds and a `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def run_to_plain(run: Run) -> dict[str, object]:
    """A run as JSON values, with secrets in clear text."""
    endpoint, prompt, deadlines = run.endpoint, run.prompt, run.deadlines
    return {
        "id": run.id,
        "vantage": run.vantage,
        "probe": run.probe,
        "task": run.task,
        "scheduled_at": timestamp(run.scheduled_at),
        "prompt": {
            "text": prompt.text,
            "max_tokens": prompt.max_tokens,
            "expected": prompt.expected,
            "tokens": prompt.tokens,
            "form": _form_to_plain(prompt.form),
            "dimensions": prompt.dimensions,
        },
        "deadlines": {"ttft_s": deadlines.ttft_s, "total_s": deadlines.total_s},
        "endpoint": {
            "id": endpoint.id,
            "provider": endpoint.provider,
            "model": endpoint.model,
            "api": endpoint.api,
            "base_url": endpoint.base_url,
            "api_key": endpoint.api_key.reveal() if endpoint.api_key else None,
            "headers": [(name, value.reveal()) for name, value in endpoint.headers],
            "options": dict(endpoint.options),
            "pricing": asdict(endpoint.pricing) if endpoint.pricing else None,
            "proxy": endpoint.proxy.reveal() if endpoint.proxy else None,
        },
    }


def run_from_plain(plain: Mapping[str, Any]) -> Run:
    """The run of `run_to_plain`. Raises KeyError, TypeError or ValueError for other values."""
    return Run(
        id=plain["id"],
        vantage=plain["vantage"],
        probe=plain["probe"],
        task=Task(plain["task"]),
        scheduled_at=datetime.fromisoformat(plain["scheduled_at"]),
        prompt=_prompt(plain["prompt"]),
        deadlines=Deadlines(**plain["deadlines"]),
        endpoint=_endpoint(plain["endpoint"]),
    )


def _form_to_plain(form: Form | None) -> dict[str, object] | None:
    if form is None:
        return None
    return {"name": form.name, "description": form.description, "fields": [*form.fields]}


def _prompt(plain: Mapping[str, Any]) -> Prompt:
    form = Form(**{**plain["form"], "fields": tuple(plain["form"]["fields"])}) if plain["form"] else None
    return Prompt(**{**plain, "expected": tuple(plain["expected"]), "form": form})


def _endpoint(plain: Mapping[str, Any]) -> Endpoint:
    key, pricing = plain["api_key"], plain["pricing"]
    return Endpoint(
        id=plain["id"],
        provider=plain["provider"],
        model=plain["model"],
        api=plain["api"],
        base_url=plain["base_url"],
        api_key=Secret(key) if key is not None else None,
        headers=tuple((name, Secret(value)) for name, value in plain["headers"]),
        options=plain["options"],
        pricing=Pricing(**pricing) if pricing else None,
        proxy=Secret(plain["proxy"]) if plain["proxy"] is not None else None,
    )
