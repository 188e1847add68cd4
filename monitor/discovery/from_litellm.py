"""`providerwatch init --from-litellm`: converts a LiteLLM configuration to one for Providerwatch. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config import Catalogue, known_price
from monitor.config.litellm_file import PLUGIN, Deployment, Found, LeftOut
from monitor.discovery.first_config import CHAT_PROBE, EMBED_PROBE, PROBES, probing_usd_per_day, usd, word
from monitor.domain.text import plural
from probes._model import Pricing

_COPY = "vllm"
"""The catalogue's provider whose quirks are used for OpenAI-compatible servers."""
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")
_URL = re.compile(r"https?://[A-Za-z0-9._~/:@%+-]+")
_LONGEST = 150

_HEAD = """\
# Converted from LiteLLM's {source} by `providerwatch init --from-litellm`: one endpoint per deployment.
#
#   providerwatch check --connect   checks that providers accept the keys and have the models; costs no tokens
#   providerwatch probe             runs each probe once, now, and shows the duration of each phase
#   providerwatch run               the daemon; scores at http://127.0.0.1:8780/v1/scores
#
# Keys stay in the environment variables that LiteLLM reads: ${{env:NAME}}. More: docs/routers/litellm.md.

listen: 127.0.0.1:8780
store: sqlite:providerwatch.db
# token: ${{env:PROVIDERWATCH_TOKEN}}   # with it, LiteLLM's plug-in also reports the results of its requests
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """A provider of the new configuration."""

    name: str
    is_known: bool
    """Whether the provider is in the catalogue, which then completes it."""
    first: Deployment
    options: Mapping[str, object]
    key: str = ""
    """The reference to the key; empty: there is no key, or the catalogue finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """An endpoint of the new configuration, with the fields that its deployment does not contain."""

    deployment: Deployment
    provider: _Provider
    id: str
    is_repeated: bool
    """Whether the usual id was already taken, so that another one is written."""
    options: Mapping[str, object]
    """Options that the catalogue does not add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromLitellm:
    """The text of a configuration that `check` accepts, and a report about it."""

    text: str | None
    """None: no deployment in LiteLLM's file can be probed."""
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRequest:
    """The input of a conversion: source, output, time and environment."""

    source: Path
    output: Path | None
    at: datetime
    env: Mapping[str, str]


def from_litellm(found: Found, catalogue: Catalogue, request: ConversionRequest) -> FromLitellm:
    """Convert LiteLLM's deployments."""
    endpoints = _endpoints(found.deployments, catalogue, request.env)
    if not endpoints:
        lines = (f"{request.source}: no deployment can be probed", *_reasons(found.left_out))
        return FromLitellm(text=None, report="\n".join(lines))
    parts = [
        _HEAD.format(source=_safe(request.source.name)),
        *_providers({endpoint.provider.name: endpoint.provider for endpoint in endpoints}.values(), catalogue),
        *_models(endpoints),
        *_without_id(endpoints),
        *_comments(found.left_out),
        PROBES,
        CHAT_PROBE if not all(endpoint.deployment.embeds for endpoint in endpoints) else "",
        EMBED_PROBE if any(endpoint.deployment.embeds for endpoint in endpoints) else "",
    ]
    text = "".join(parts)
    return FromLitellm(text=text, report="\n".join(_report(found, endpoints, text, request)))


# Providers and endpoints


def _endpoints(deployments: Sequence[Deployment], catalogue: Catalogue, env: Mapping[str, str]) -> list[_Endpoint]:
    providers: dict[str, _Provider] = {}
    by_identity: dict[str, _Provider] = {}
    found: dict[str, _Endpoint] = {}
    for deployment in deployments:
        key = deployment.key.text or _usual_key(deployment, env)
        identity = repr((deployment.provider, deployment.base_url, key, sorted(deployment.provider_options.items())))
        if identity not in by_identity:
            made = replace(_provider(deployment, providers, catalogue), key=key)
            by_identity[identity] = providers[made.name] = made
        provider = by_identity[identity]
        usual = f"{provider.name}:{deployment.model}"
        name = _free(usual, found)
        entry = deployment.entry or catalogue.providers[_COPY]
        quirks = {} if provider.is_known else catalogue.quirks(entry, deployment.model, deployment.api)
        options = {**quirks, **deployment.options}
        found[name] = _Endpoint(
            deployment=deployment, provider=provider, id=name, is_repeated=name != usual, options=options
        )
    return list(found.values())


def _provider(first: Deployment, taken: Mapping[str, _Provider], catalogue: Catalogue) -> _Provider:
    """The provider of a deployment. The first one of a catalogue's provider gets the name in the catalogue."""
    if first.entry is not None and first.provider not in taken:
        return _Provider(name=first.provider, is_known=True, first=first, options=first.provider_options)
    host = _host(first.base_url or "")
    stem = f"{first.provider}-{host}" if host else first.provider
    beneath = {} if first.entry is None else first.entry.options
    options = {**beneath, **first.provider_options}
    return _Provider(name=_free(stem, {**taken, **catalogue.providers}), is_known=False, first=first, options=options)


def _host(address: str) -> str:
    """The distinctive part of an address, for a provider's name."""
    variable = _VARIABLE.search(address)
    if variable:
        return variable[1].lower()
    parts = urlsplit(address)
    host = (parts.hostname or "").removesuffix(".openai.azure.com").removesuffix(".amazonaws.com")
    host = host.removeprefix("bedrock-runtime.")
    return re.sub(r"[^a-z0-9.-]+", "-", f"{host}-{parts.port}" if parts.port else host)


def _free(stem: str, taken: Iterable[str]) -> str:
    names, number, name = set(taken), 1, stem
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    return name


# Sections


def _providers(providers: Iterable[_Provider], catalogue: Catalogue) -> Iterator[str]:
    yield "\n# The catalogue has the other settings: docs/providers.md.\nproviders:\n"
    for provider in providers:
        lines = list(_of_provider(provider))
        title = f"  # {catalogue.providers[provider.first.provider].title}" if provider.is_known else ""
        yield f"  {word(provider.name)}:{title}\n" if lines else f"  {word(provider.name)}: {{}}{title}\n"
        yield "".join(f"    {line}\n" for line in lines)


def _of_provider(provider: _Provider) -> Iterator[str]:
    first = provider.first
    if not provider.is_known:
        yield f"api: {first.api if first.entry is None else first.entry.api}"
    if first.base_url is not None or not provider.is_known:
        yield f"base_url: {_address(first.base_url or str(first.entry and first.entry.base_url))}"
    if provider.key:
        note = "  # LiteLLM's file has it in plain text: put the key into this variable" if first.key.is_plain else ""
        yield f"api_key: {provider.key}{note}"
    if provider.options:
        yield f"options: {json.dumps(dict(provider.options))}"


def _usual_key(deployment: Deployment, env: Mapping[str, str]) -> str:
    """LiteLLM's default if no key is configured: a variable of the provider that is set, or else its usual one."""
    entry = deployment.entry
    if entry is None or not entry.keys or entry.key_optional:
        return ""
    found = entry.key(env)
    variables = found[0] if found else entry.keys[0]
    return ":".join(f"${{env:{name}}}" for name in variables.split(":"))


def _models(endpoints: Sequence[_Endpoint]) -> Iterator[str]:
    yield "\n# By LiteLLM's model_name: endpoints of one model are compared with each other.\nmodels:\n"
    names = {endpoint.id: _public(endpoint.deployment.model_name) for endpoint in endpoints}
    for public in dict.fromkeys(names.values()):
        yield f"  {word(public)}:\n    endpoints:\n"
        yield from (f"      - {{{_fields(endpoint)}}}\n" for endpoint in endpoints if names[endpoint.id] == public)


def _fields(endpoint: _Endpoint) -> str:
    deployment, provider = endpoint.deployment, endpoint.provider
    fields = [f"provider: {word(provider.name)}", f"model: {_value(deployment.model)}"]
    if endpoint.is_repeated:
        fields.append(f"id: {word(endpoint.id)}")
    own = provider.first.api if provider.first.entry is None else provider.first.entry.api
    if deployment.api != own:
        fields.append(f"api: {deployment.api}")
    if endpoint.options:
        fields.append(f"options: {json.dumps(dict(endpoint.options))}")
    if deployment.id is not None:
        fields.append(f"router_ids: {{litellm: {_value(deployment.id)}}}")
    if deployment.pricing:
        prices = ", ".join(f"{name}: {price:g}" for name, price in deployment.pricing.items())
        fields.append(f"pricing: {{{prices}}}")
    return ", ".join(fields)


def _public(name: str) -> str:
    """LiteLLM's model_name as a public name, which must not contain spaces."""
    return re.sub(r"[\s\x00-\x1f\x7f]+", "-", name)[:_LONGEST]


def _address(text: str) -> str:
    """A base URL as a YAML value. It may contain `${env:NAME}`."""
    return text if _VARIABLE.search(text) or _URL.fullmatch(text) else word(text)


def _value(text: str) -> str:
    """A YAML value in which `${…}` is plain text."""
    return word(text.replace("${", "$${"))


def _without_id(endpoints: Sequence[_Endpoint]) -> Iterator[str]:
    """A comment with the ids to add to LiteLLM's file, for deployments whose id is a hash."""
    missing = [endpoint for endpoint in endpoints if endpoint.deployment.id is None]
    if missing:
        yield (
            "\n# These deployments have no `model_info.id`: LiteLLM makes a hash of their parameters, which the\n"
            "# plug-in does not know. Write into LiteLLM's file, at the deployment:\n"
        )
        for endpoint in missing:
            note = f"{_safe(endpoint.deployment.model_name)}, {_safe(endpoint.deployment.model)}"
            yield f"#   model_info: {{id: {json.dumps(endpoint.id)}}}   # {note}\n"


def _comments(left_out: Sequence[LeftOut]) -> Iterator[str]:
    if left_out:
        yield "\n# Left out of LiteLLM's file:\n"
        yield from (f"#   {reason}\n" for reason in _reasons(left_out))


def _reasons(left_out: Iterable[LeftOut]) -> Iterator[str]:
    for item in left_out:
        model = f" ({_safe(item.model)})" if item.model else ""
        yield f"{_safe(item.model_name)}{model}: {_safe(item.why)}"


def _safe(text: str) -> str:
    """Untrusted text on one line of a comment."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


# The report


def _report(found: Found, endpoints: Sequence[_Endpoint], text: str, request: ConversionRequest) -> Iterator[str]:
    total = len(endpoints) + len(found.left_out)
    models = len({_public(endpoint.deployment.model_name) for endpoint in endpoints})
    yield f"{request.source}: {len(endpoints)} of {plural(total, 'deployment')} in {plural(models, 'model')}"
    yield from (f"  left out: {reason}" for reason in _reasons(found.left_out))
    yield from (f"  not read: {_safe(name)}, which it includes; convert that file, too" for name in found.includes)
    missing = sum(endpoint.deployment.id is None for endpoint in endpoints)
    if missing:
        yield f"{plural(missing, 'deployment')} without model_info.id: see the comment below the models"
    unset = [name for name in dict.fromkeys(_VARIABLE.findall(_uncommented(text))) if not request.env.get(name)]
    if unset:
        yield f"Set in the environment: {', '.join(unset)}"
    if not found.has_plugin:
        yield f'Add to LiteLLM\'s file: litellm_settings: {{callbacks: ["{PLUGIN}"]}}'
    cost = _cost(endpoints, request.at)
    if cost is not None:
        yield f"Probes cost {usd(cost)} a day, where prices are known; a longer `every:` makes them cheaper."
    yield f"Next: providerwatch check --connect -c {request.output or 'FILE'}"


def _uncommented(text: str) -> str:
    return "\n".join(line.partition("# ")[0] for line in text.splitlines())


def _cost(endpoints: Iterable[_Endpoint], at: datetime) -> float | None:
    costs = [
        probing_usd_per_day(price, embeds=endpoint.deployment.embeds)
        for endpoint in endpoints
        if (price := _price(endpoint.deployment, at)) is not None
    ]
    return sum(costs) if costs else None


def _price(deployment: Deployment, at: datetime) -> Pricing | None:
    if deployment.pricing:
        return Pricing(prompt=deployment.pricing["prompt"], completion=deployment.pricing["completion"])
    address = deployment.base_url or (deployment.entry.base_url if deployment.entry else None)
    return known_price(address, deployment.model, at) if address else None
