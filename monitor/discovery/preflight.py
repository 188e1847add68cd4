"""`providerwatch check --connect`: whether providers answer, accept the keys, and have the models. Costs no tokens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum

from rich import box
from rich.console import Console, Group
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from monitor.config.model import Config
from monitor.discovery.model_list import (
    ModelListAnswer,
    fetch_model_list,
    listed_as,
    lists_models,
    request_key,
    similar,
)
from monitor.domain.text import NOT_MEASURED, printable, seconds
from monitor.workers.limits import ConcurrencyLimits
from probes._model import Endpoint, ErrorClass


class Key(StrEnum):
    """The result for an API key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCHECKED = "not_checked"
    """The provider answers without a key, too, so the key could not be checked."""
    NONE = "none"
    """No key was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result for one endpoint."""

    endpoint: Endpoint
    answer: ModelListAnswer
    key: Key | None
    """None: the provider did not check the key."""
    listed: bool | None
    """Whether the provider lists the model; None if it has no list."""
    name: str | None
    """The listed name of the model, or a similar name."""

    @property
    def ok(self) -> bool:
        """Whether the endpoint can be probed."""
        return self.answer.sample.error is None and self.listed is not False


async def preflight(config: Config) -> tuple[Finding, ...]:
    """Check every endpoint that is not paused; equal requests are sent once."""
    endpoints = [spec.endpoint for spec in config.endpoints if spec.enabled]
    requests = {request_key(endpoint): endpoint for endpoint in endpoints}
    limits = ConcurrencyLimits(
        config.max_concurrent, {name: spec.max_concurrent for name, spec in config.providers.items()}
    )
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("connecting", total=len(requests))

        async def asked(endpoint: Endpoint) -> tuple[ModelListAnswer, Key | None]:
            async with AsyncExitStack() as stack:
                await limits.take(endpoint.provider, stack)
                found = await _asked(endpoint, config.vantage)
            progress.advance(bar)
            return found

        async with asyncio.TaskGroup() as group:
            tasks = {key: group.create_task(asked(endpoint)) for key, endpoint in requests.items()}
    return tuple(_finding(endpoint, *tasks[request_key(endpoint)].result()) for endpoint in endpoints)


async def _asked(endpoint: Endpoint, vantage: str) -> tuple[ModelListAnswer, Key | None]:
    """The provider's answer, and the result for the key. A second request without the key shows whether it matters."""
    answer = await fetch_model_list(endpoint, vantage)
    if answer.sample.error is not None:
        return answer, Key.REFUSED if answer.sample.error is ErrorClass.AUTH else None
    if endpoint.api_key is None and not endpoint.headers:
        return answer, Key.NONE
    if not lists_models(endpoint):
        return answer, Key.UNCHECKED
    keyless = await fetch_model_list(replace(endpoint, api_key=None, headers=()), vantage)
    return answer, Key.UNCHECKED if keyless.sample.error is None else Key.ACCEPTED


def _finding(endpoint: Endpoint, answer: ModelListAnswer, key: Key | None) -> Finding:
    if answer.models is None:
        return Finding(endpoint=endpoint, answer=answer, key=key, listed=None, name=None)
    name = listed_as(endpoint.model, answer.models)
    meant = similar(endpoint.model, answer.models) if name is None else name
    return Finding(endpoint=endpoint, answer=answer, key=key, listed=name is not None, name=meant)


# Text


def show(findings: Sequence[Finding], paused: int) -> Group:
    """A row per endpoint, notes, and the number of endpoints without errors."""
    notes = [Text(note, overflow="fold") for note in dict.fromkeys(filter(None, map(_note, findings)))]
    fine = sum(found.ok for found in findings)
    rest = f"; {paused} paused, not checked" if paused else ""
    return Group(_table(findings), *notes, Text(), Text(f"endpoints ok: {fine} of {len(findings)}{rest}"))


def _table(findings: Sequence[Finding]) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("", no_wrap=True)
    drawn.add_column("Endpoint", overflow="fold", min_width=20)
    drawn.add_column("Provider", no_wrap=True)
    drawn.add_column("Model", no_wrap=True)
    drawn.add_column("Time", justify="right", no_wrap=True)
    for found in findings:
        drawn.add_row(
            Text("ok", "green") if found.ok else Text("failed", "bold red"),
            Text(printable(found.endpoint.id)),
            _provider(found),
            _model(found),
            Text(seconds(found.answer.took_s)),
        )
    return drawn


_KEYS: Mapping[Key | None, str] = {
    Key.ACCEPTED: "accepts the key",
    Key.UNCHECKED: "answers",
    Key.NONE: "answers",
}


def _provider(found: Finding) -> Text:
    error = found.answer.sample.error
    return Text(_KEYS[found.key]) if error is None else Text(str(error), "red")


def _model(found: Finding) -> Text:
    match found.listed:
        case None:
            return Text(NOT_MEASURED, "dim")
        case True:
            return Text("listed" if found.name == found.endpoint.model else "an alias")
        case _:
            return Text("not listed", "red")


def _note(found: Finding) -> str:
    """A note on one endpoint, or on its provider; equal notes are shown once."""
    sample, name = found.answer.sample, printable(found.name or "")
    if sample.error is not None:
        return f"{found.endpoint.provider}: {printable(sample.detail or sample.error, longest=None)}"
    if found.listed is False:
        return f"{printable(found.endpoint.id)}: not in its list" + (f" (did you mean {name}?)" if name else "")
    if found.listed and found.name != found.endpoint.model:
        return f"{printable(found.endpoint.id)}: listed as {name}"
    if found.key is not Key.UNCHECKED:
        return ""
    why = "answers without a key, too" if lists_models(found.endpoint) else "has no list of models"
    return f"{found.endpoint.provider}: {why}, so the key could not be checked"


# JSON


def as_plain(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """The findings as plain data for JSON."""
    return [
        {
            "id": found.endpoint.id,
            "provider": found.endpoint.provider,
            "api": found.endpoint.api,
            "ok": found.ok,
            "key": found.key,
            "model_listed": found.listed,
            "listed_name" if found.listed else "similar_name": found.name,
            "error": found.answer.sample.error,
            "blame": found.answer.sample.blame,
            "status_code": found.answer.sample.status_code,
            "detail": found.answer.sample.detail,
            "seconds": round(found.answer.took_s, 3),
        }
        for found in findings
    ]
