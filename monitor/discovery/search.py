"""Finds API keys in the environment and model servers on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from monitor.config import Catalogue, Entry, RefusedError, base_url
from monitor.discovery.model_list import fetch_model_list
from probes._model import Endpoint, Secret

_PATIENCE_S = 1.5
"""A running server on this machine answers in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """A provider whose key is in the environment."""

    provider: str
    entry: Entry
    variables: str
    """As in the catalogue: several joined by colons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundServer:
    """A server that listed its models."""

    provider: str
    entry: Entry
    base_url: str
    variables: str | None
    """Of the key that was sent."""
    models: tuple[str, ...]
    """Sorted; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that was found."""

    keys: tuple[FoundKey, ...] = ()
    servers: tuple[FoundServer, ...] = ()


def addresses(catalogue: Catalogue, named: Iterable[str]) -> dict[str, str]:
    """Addresses of servers by provider: those in `named` (`vllm=http://host:8000/v1`), or else the default addresses.

    Raises ValueError with a readable message.
    """
    local = {name: entry.base_url for name, entry in catalogue.providers.items() if entry.local and entry.base_url}
    return dict(_address(text, local) for text in named) or local


def _address(text: str, known: Collection[str]) -> tuple[str, str]:
    name, _, url = text.partition("=")
    if name not in known or not url:
        raise ValueError(f"write NAME=URL with one of the names {', '.join(known)}")
    try:
        return name, base_url(url)
    except RefusedError as refused:
        raise ValueError(f"{name}: {refused.about(None)}") from None


async def discover(catalogue: Catalogue, env: Mapping[str, str], base_urls: Mapping[str, str]) -> Findings:
    """Look for keys of all providers, and concurrently for servers at some addresses."""
    asked = (_server(name, catalogue.providers[name], env, address) for name, address in base_urls.items())
    servers = await asyncio.gather(*asked)
    return Findings(keys=_keys(catalogue, env), servers=tuple(filter(None, servers)))


def _keys(catalogue: Catalogue, env: Mapping[str, str]) -> tuple[FoundKey, ...]:
    found = ((name, entry, entry.key(env)) for name, entry in catalogue.providers.items() if not entry.local)
    return tuple(FoundKey(provider=name, entry=entry, variables=key[0]) for name, entry, key in found if key)


async def _server(name: str, entry: Entry, env: Mapping[str, str], address: str) -> FoundServer | None:
    """The server at an address, if it has the provider's list of models."""
    key = entry.key(env) if entry.is_at(address) else None
    endpoint = Endpoint(
        id=name,
        provider=name,
        model="",
        api=entry.api,
        base_url=address,
        api_key=Secret(key[1]) if key else None,
        options=entry.options,
    )
    answer = await fetch_model_list(endpoint, "local", _PATIENCE_S)
    if not answer.models:
        return None
    variables = key[0] if key else None
    models = tuple(sorted(answer.models))
    return FoundServer(provider=name, entry=entry, base_url=address, variables=variables, models=models)
