"""The page of a model, put together: facts, table, choices, code. Pure; the sections of history come ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from markupsafe import Markup

from monitor.charts.figures import usd
from monitor.domain.text import plural, printable
from monitor.scoreboard.endpoint import EndpointSnapshot
from monitor.web.pages.model.endpoints import ModelEndpoint, best_first
from monitor.web.pages.model.providers import ProvidersTable, TableOptions, providers_table
from monitor.web.pages.model.query import ChartWindow, ModelQuery, address
from monitor.web.pages.model.requests import is_signed
from monitor.web.pages.model.snippets import SnippetGroup, endpoint_snippets, model_snippets
from monitor.web.pages.when import When
from probes._model import Endpoint, Probe

_MOST_NAMED: Final = 3
_NO_MARKUP: Final = Markup("")
CHARTS: Final = Markup("<!-- charts -->")
UPTIME: Final = Markup("<!-- uptime -->")
ACTIVITY: Final = Markup("<!-- activity -->")
CodecOf: TypeAlias = Callable[[Endpoint], Probe]
"""The codec of an endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLink:
    """One of several choices, as a link."""

    words: str
    path: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryShown:
    """The marks where the sections of stored history go; or why there are none."""

    charts: Markup = _NO_MARKUP
    uptime: Markup = _NO_MARKUP
    activity: Markup = _NO_MARKUP
    """Empty for strangers: which applications there are, and what they and the probes cost, is not for them."""
    read: When | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCode:
    """Code for the chosen endpoint, and for the model."""

    endpoint: str
    """The name of the endpoint on the page."""
    missing: str
    """Why there is no code for the endpoint; empty: there is."""
    of_endpoint: tuple[SnippetGroup, ...]
    of_model: tuple[SnippetGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """The values of `model.html`."""

    title: str
    facts: tuple[str, ...]
    description: str
    verdict: str
    """How the providers do, in one sentence."""
    table: ProvidersTable
    path: str
    """The page without a query."""
    windows: tuple[ChosenLink, ...]
    zoom: str
    """The zoom in words; empty: none."""
    hidden: tuple[tuple[str, str], ...]
    """What the column chooser has to keep of the query."""
    columns_reset: str
    endpoints: tuple[ChosenLink, ...]
    history: HistoryShown
    code: SampleCode


def model_view(
    model: str,
    endpoints: Sequence[ModelEndpoint],
    query: ModelQuery,
    *,
    options: TableOptions,
    history: HistoryShown,
    codec_of: CodecOf,
) -> ModelView:
    """The page; `endpoints` must not be empty."""
    ordered = best_first(endpoints)
    chosen = next((endpoint for endpoint in ordered if endpoint.id == query.endpoint), ordered[0])
    snapshots = [endpoint.snapshot for endpoint in endpoints]
    return ModelView(
        title=printable(snapshots[0].model_name),
        facts=tuple(_facts(model, snapshots)),
        description=snapshots[0].spec.listing.model.description,
        verdict=verdict(ordered),
        table=providers_table(endpoints, replace(options, chosen=chosen.id)),
        path=address(model, ModelQuery()),
        windows=tuple(_windows(model, query)),
        zoom="" if query.zoom is None else query.span(options.now).words,
        hidden=tuple(_hidden(query)),
        columns_reset=address(model, replace(query, columns=ModelQuery().columns), "providers"),
        endpoints=tuple(
            ChosenLink(
                words=endpoint.name,
                path=address(model, replace(query, endpoint=endpoint.id), "code"),
                is_current=endpoint is chosen,
            )
            for endpoint in ordered
        ),
        history=history,
        code=_code(model, chosen, ordered, codec_of, is_public=options.is_public),
    )


def verdict(endpoints: Sequence[ModelEndpoint]) -> str:
    """How many providers answer, and which ones do not."""
    well = [endpoint for endpoint in endpoints if endpoint.snapshot.status == "up"]
    ill = [endpoint for endpoint in endpoints if endpoint.snapshot.status in {"down", "degraded"}]
    unknown = len(endpoints) - len(well) - len(ill)
    parts = [f"{len(well)} of {plural(len(endpoints), 'provider')} up"]
    parts += [f"{endpoint.name} {endpoint.snapshot.status}" for endpoint in ill[:_MOST_NAMED]]
    if len(ill) > _MOST_NAMED:
        parts.append(f"{len(ill) - _MOST_NAMED} more not up")
    if unknown:
        parts.append(f"{unknown} not known, paused or in maintenance")
    return f"{'; '.join(parts)}."


def _facts(model: str, snapshots: Sequence[EndpointSnapshot]) -> Iterable[str]:
    yield printable(model)
    created = snapshots[0].spec.listing.model.created
    if created is not None:
        yield f"created {created.day} {created:%b %Y}"
    contexts = sorted({length for each in snapshots if (length := each.spec.context_length) is not None})
    if contexts:
        yield f"{_range([f'{length:,}' for length in contexts])} context"
    known = [snapshot.pricing for snapshot in snapshots if snapshot.pricing is not None]
    if known:
        yield f"{_range([usd(price) for price in sorted({each.prompt for each in known})])}/M input"
        yield f"{_range([usd(price) for price in sorted({each.completion for each in known})])}/M output"
    yield plural(len(snapshots), "endpoint")


def _range(rising: Sequence[str]) -> str:
    """One value, or the first and the last."""
    return rising[0] if len(rising) == 1 else f"{rising[0]} to {rising[-1]}"


def _windows(model: str, query: ModelQuery) -> Iterable[ChosenLink]:
    for window in ChartWindow:
        yield ChosenLink(
            words=window.words,
            path=address(model, replace(query, window=window, zoom=None), "performance"),
            is_current=query.zoom is None and query.window is window,
        )


def _hidden(query: ModelQuery) -> Iterable[tuple[str, str]]:
    """The query without its columns, as the hidden fields of a form."""
    _, _, text = address("", replace(query, columns=ModelQuery().columns)).partition("?")
    yield from parse_qsl(text)


def _code(
    model: str, chosen: ModelEndpoint, endpoints: Sequence[ModelEndpoint], codec_of: CodecOf, *, is_public: bool
) -> SampleCode:
    missing, groups = _of_endpoint(chosen.snapshot.spec.endpoint, codec_of, is_public=is_public)
    specs = [endpoint.snapshot.spec for endpoint in endpoints]
    return SampleCode(
        endpoint=chosen.name,
        missing=missing,
        of_endpoint=groups,
        of_model=model_snippets(model, specs, is_public=is_public),
    )


def _of_endpoint(endpoint: Endpoint, codec_of: CodecOf, *, is_public: bool) -> tuple[str, tuple[SnippetGroup, ...]]:
    try:
        codec = codec_of(endpoint)
        if is_signed(endpoint, codec):
            return "Requests to this endpoint carry an AWS signature: use AWS' own library, such as boto3.", ()
        return "", endpoint_snippets(endpoint, codec, is_public=is_public)
    except Exception:  # noqa: BLE001 - codecs may come from other packages, and a page needs none
        return f"There is no code for this endpoint: its codec, {printable(endpoint.api)}, makes no request here.", ()
