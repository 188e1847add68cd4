"""Turns a valid file into the configuration that the daemon uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config import _schema as schema
from monitor.config._addresses import is_this_machine
from monitor.config._values import endpoint_id
from monitor.config.listing import TEXT, Architecture, Listing, ModelCard, ProviderCard
from monitor.config.model import (
    Config,
    EndpointSpec,
    ProbeSpec,
    ProviderSpec,
    ScoringSpec,
    Slo,
)
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.maintenance import MaintenanceWindow, joined, matches
from monitor.domain.retention import Retention
from monitor.domain.sqlite_url import sqlite_path
from probes._model import Endpoint, Pricing, Probe, Secret, Task
from probes._proxy import DIRECT

_PROVIDER_CARD = tuple(field.name for field in fields(ProviderCard))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Look-ups outside the file."""

    codec: Callable[[str, Mapping[str, object]], Probe]
    price: Callable[[str, str], Pricing | None]
    """The price of a model at an address."""
    folder: Path = Path()
    """The base folder of relative paths in the file."""


def resolve(file: schema.File, lookups: Lookups) -> Config:
    """The whole configuration, with all references resolved."""
    return Config(
        vantage=file.vantage,
        canaries=tuple(file.canaries),
        listen=file.listen,
        public=file.public,
        token=file.token,
        rate_limit=file.rate_limit,
        pages=file.pages,
        public_pages=file.public_pages,
        store=_store(file.store, lookups.folder),
        retention=_retention(file.retention),
        max_concurrent=file.max_concurrent,
        grace_s=file.grace,
        providers={name: _provider(name, provider) for name, provider in file.providers.items()},
        endpoints=tuple(_endpoints(file, lookups)),
        probes={name: _probe(name, probe) for name, probe in file.probes.items()},
        scoring=ScoringSpec(**dict(file.scoring)),
        publish_files=tuple(file.publish.files),
        haproxy_agent=file.publish.haproxy_agent,
        metrics=file.publish.metrics,
        sinks=file.sinks,
    )


def _retention(kept: schema.RetentionSection) -> Retention:
    return Retention(
        raw=timedelta(seconds=kept.raw), hourly=timedelta(seconds=kept.hourly), daily=timedelta(seconds=kept.daily)
    )


def _provider(name: str, provider: schema.Provider) -> ProviderSpec:
    return ProviderSpec(name=name, max_concurrent=provider.max_concurrent, budget=_caps(provider.budget))


def _caps(budget: schema.Budget | None) -> dict[BudgetUnit, float]:
    if budget is None:
        return {}
    caps = {BudgetUnit.USD: budget.usd_per_day, BudgetUnit.TOKENS: budget.tokens_per_day}
    return {unit: cap for unit, cap in caps.items() if cap is not None}


def _probe(name: str, probe: schema.ProbeSection) -> ProbeSpec:
    return ProbeSpec(
        name=name,
        task=probe.task,
        every_s=probe.every.longest_s,
        closest_s=probe.every.shortest_s,
        prompt_tokens=probe.prompt_tokens,
        max_tokens=probe.max_tokens,
        ttft_timeout_s=probe.ttft_timeout,
        timeout_s=probe.timeout,
        slo=Slo(ttft_s=probe.slo.ttft, output_tps=probe.slo.output_tps),
    )


def _store(url: str, folder: Path) -> str:
    scheme, _, place = url.partition(":")
    if scheme != "sqlite" or not folder.is_absolute() or sqlite_path(place).is_absolute():
        return url
    return f"sqlite://{folder / sqlite_path(place)}"


def _endpoints(file: schema.File, lookups: Lookups) -> Iterator[EndpointSpec]:
    for name, model in file.models.items():
        for endpoint in model.endpoints:
            provider = file.providers[endpoint.provider]
            asked = _endpoint(endpoint, provider, lookups, _proxy(file, provider))
            able = lookups.codec(asked.api, asked.options).tasks
            yield EndpointSpec(
                endpoint=asked,
                model=name,
                model_name=model.name,
                probes=tuple(_fitting(file, able) if endpoint.probes is None else endpoint.probes),
                enabled=endpoint.enabled,
                labels={**provider.labels, **endpoint.labels},
                router_ids=endpoint.router_ids,
                context_length=endpoint.context_length or model.context_length,
                dimensions=model.dimensions,
                aliases=tuple(endpoint.aliases),
                maintenance=_maintenance(file, asked.id),
                listing=_listing(endpoint, model, provider),
            )


def _listing(endpoint: schema.EndpointSection, model: schema.Model, provider: schema.Provider) -> Listing:
    parameters = model.supported_parameters if endpoint.supported_parameters is None else endpoint.supported_parameters
    return Listing(
        model=ModelCard(created=model.created, description=model.description or "", architecture=_architecture(model)),
        provider=ProviderCard(**{name: getattr(provider, name) for name in _PROVIDER_CARD}),
        tag=endpoint.tag,
        quantization=endpoint.quantization,
        max_completion_tokens=endpoint.max_completion_tokens,
        max_prompt_tokens=endpoint.max_prompt_tokens,
        supported_parameters=None if parameters is None else tuple(parameters),
        implicit_caching=endpoint.implicit_caching,
    )


def _architecture(model: schema.Model) -> Architecture:
    written = model.architecture
    given = written.output_modalities or (["embeddings"] if model.dimensions else [TEXT])
    return Architecture(
        tokenizer=written.tokenizer,
        instruct_type=written.instruct_type,
        modality=written.modality,
        input_modalities=tuple(written.input_modalities),
        output_modalities=tuple(given),
    )


def _maintenance(file: schema.File, name: str) -> tuple[MaintenanceWindow, ...]:
    windows = (item for item in file.maintenance if any(matches(pattern, name) for pattern in item.endpoints))
    return joined(MaintenanceWindow(begin=item.begin, end=item.end) for item in windows)


def _fitting(file: schema.File, able: frozenset[Task]) -> Iterator[str]:
    """The probes whose task the api supports."""
    return (name for name, probe in file.probes.items() if probe.task in able)


def _proxy(file: schema.File, provider: schema.Provider) -> Secret | None:
    """The provider's proxy, else the file's. Servers on this machine do not use the file's proxy."""
    if provider.proxy is not None or file.proxy is None:
        return provider.proxy
    return Secret(DIRECT) if is_this_machine(urlsplit(provider.base_url).hostname or "") else file.proxy


def _endpoint(
    endpoint: schema.EndpointSection, provider: schema.Provider, lookups: Lookups, proxy: Secret | None
) -> Endpoint:
    price, api = endpoint.pricing, endpoint.api or provider.api
    return Endpoint(
        id=endpoint.id or endpoint_id(endpoint.provider, endpoint.model),
        provider=endpoint.provider,
        model=endpoint.model,
        api=api,
        base_url=provider.base_url,
        api_key=provider.api_key,
        headers=tuple(provider.headers.items()),
        proxy=proxy,
        options={**(provider.options if api == provider.api else {}), **endpoint.options},
        pricing=Pricing(**dict(price)) if price else lookups.price(provider.base_url, endpoint.model),
    )
