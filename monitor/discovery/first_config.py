"""Writes a first configuration from the keys and servers found on a machine. Pure.

Names of models come from servers that are not trusted. A name with a meaning in YAML or in `${…}` is omitted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config import Catalogue, ProbeSpec, is_this_machine, known_price
from monitor.discovery.search import Findings, FoundKey, FoundServer
from probes._model import Pricing, Task

_NAME = re.compile(r"[A-Za-z0-9@][A-Za-z0-9._:/@+-]{0,149}")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_NO_CHAT = re.compile(r"embed|rerank|whisper|minilm|(^|[/-])(bge|e5|gte|tts)-", re.IGNORECASE)
_EMBEDDINGS = "openai_embeddings"
_MOST_MODELS = 3
"""Models of one local server: probing all models on a disk would load one after the other."""
_MOST_NAMES = 20
_CENT = 0.01
_DAY_S = 86400.0
_MILLION = 1_000_000
_CHAT = ProbeSpec(name="chat", task=Task.CHAT)

_HEAD = """\
# A first configuration of Providerwatch, for the keys and servers that `providerwatch init` found.
#
#   providerwatch check --connect   checks that providers accept the keys and have the models; costs no tokens
#   providerwatch probe             runs each probe once, now, and shows the duration of each phase
#   providerwatch run               the daemon; scores at http://127.0.0.1:8780/v1/scores
#
# Add `-c FILE` unless this file is ./providerwatch.yaml. Keys are not in this file: ${env:NAME} refers to a variable.

listen: 127.0.0.1:8780
store: sqlite:providerwatch.db
"""

PROBES = """
# The probes and their intervals. An endpoint gets all probes that its api supports, or those that it lists
# (`probes: [chat]`). More: docs/configuration.md.
probes:
"""

CHAT_PROBE = """\
  chat: {task: chat, every: 60s, prompt_tokens: 100, max_tokens: 64}
  # tools: {task: tool_call, every: 30m}
  # json: {task: structured_output, every: 30m}
"""

EMBED_PROBE = """\
  embed: {task: embedding, every: 60s, prompt_tokens: 100}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """An endpoint of the new configuration."""

    public: str
    provider: str
    model: str
    embeds: bool
    price: Pricing | None


def write(findings: Findings, catalogue: Catalogue, at: datetime) -> str | None:
    """The text of a configuration that `check` accepts; None if nothing was found to probe."""
    lines = [*_of_keys(findings.keys, at), *_of_servers(findings.servers, catalogue)]
    if not lines:
        return None
    parts = [_HEAD, *_providers(findings), *_models(lines, findings.servers), PROBES]
    parts += [CHAT_PROBE] if not all(line.embeds for line in lines) else []
    parts += [EMBED_PROBE] if any(line.embeds for line in lines) else []
    return "".join(parts)


def report(findings: Findings, at: datetime, path: Path | None) -> str:
    """A report of what was found, and the next step."""
    found = [f"  {key.entry.title}: {_variables(key.variables)}{_lacks(key)}" for key in findings.keys]
    found += [f"  {server.entry.title} at {server.base_url}: {_models_found(server)}" for server in findings.servers]
    cost, file = usd_per_day(findings, at), f" -c {path}" if path else " -c FILE"
    price = "" if cost is None else f"Probes cost {usd(cost)} a day; a longer `every:` makes them cheaper.\n"
    return "\n".join(("found", *found, f"{price}Next: providerwatch check --connect{file}"))


def nothing_found(findings: Findings, catalogue: Catalogue, base_urls: Mapping[str, str]) -> str:
    """A report for a search without results: where it looked, and the remedy."""
    if findings.keys:
        keys = [f"  {key.entry.title}: {_variables(key.variables)}{_lacks(key)}" for key in findings.keys]
        return "\n".join(("found only keys of providers without a common address", *keys, "See docs/providers.md."))
    variables = [entry.keys[0].split(":")[0] for entry in catalogue.providers.values() if entry.keys]
    looked = "".join(f"\n  {catalogue.providers[name].title}: {address}" for name, address in base_urls.items())
    return (
        f"found no API key in the environment, and no server at{looked}\n"
        f"Set a provider's variable ({', '.join(variables[:4])}, … all {len(variables)} in docs/providers.md)\n"
        "or start a server, then repeat this command. To try Providerwatch without either: providerwatch demo"
    )


def _lacks(key: FoundKey) -> str:
    return "" if key.entry.base_url else f"; write its address, such as {key.entry.hint}"


def _variables(joined: str) -> str:
    return " and ".join(joined.split(":"))


def _models_found(server: FoundServer) -> str:
    names = [name for name in server.models if _NAME.fullmatch(name)][:_MOST_MODELS]
    more = f", and {len(server.models) - len(names)} more" if len(server.models) > len(names) else ""
    return ", ".join(names) + more


def usd_per_day(findings: Findings, at: datetime) -> float | None:
    """The cost of the probes per day, as far as prices are known; None if no price is known."""
    costs = [_usd_per_day(line) for line in _of_keys(findings.keys, at)]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _of_keys(keys: Sequence[FoundKey], at: datetime) -> Iterator[_Line]:
    for key in keys:
        example, base_url = key.entry.example, key.entry.base_url
        if example is not None and base_url is not None:
            yield _Line(
                public=example.public,
                provider=key.provider,
                model=example.model,
                embeds=key.entry.api == _EMBEDDINGS,
                price=known_price(base_url, example.model, at),
            )


def _of_servers(servers: Sequence[FoundServer], catalogue: Catalogue) -> Iterator[_Line]:
    for server in servers:
        for model in _chosen(server, catalogue):
            embeds = catalogue.api(server.entry, model) == _EMBEDDINGS
            yield _Line(public=_public(model), provider=server.provider, model=model, embeds=embeds, price=None)


def _chosen(server: FoundServer, catalogue: Catalogue) -> list[str]:
    """The models of a server that are probed."""
    usable = [model for model in server.models if _NAME.fullmatch(model) and _fits(server, model, catalogue)]
    return usable[:_MOST_MODELS]


def _fits(server: FoundServer, model: str, catalogue: Catalogue) -> bool:
    """Whether the model's name suggests that it can be probed."""
    return catalogue.api(server.entry, model) == _EMBEDDINGS or _NO_CHAT.search(model) is None


def _public(model: str) -> str:
    """A public name, author/slug, from a file name or a tag."""
    *folders, name = [part for part in model.lower().removesuffix(".gguf").split("/") if part]
    author = folders[0] if len(folders) == 1 else "local"
    return f"{_slug(author)}/{_slug(name)}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text).strip("-") or "model"


# Sections


def _providers(findings: Findings) -> Iterator[str]:
    yield "\n# The catalogue has the other settings: docs/providers.md.\nproviders:\n"
    for key in findings.keys:
        reference = ":".join(f"${{env:{variable}}}" for variable in key.variables.split(":"))
        if key.entry.base_url is not None:
            yield f"  {key.provider}:  # {key.entry.title}, {key.entry.base_url}\n    api_key: {reference}\n"
        else:
            yield f"  # {key.provider}:  # {key.entry.title}: the key is set; add your address, and a model below\n"
            yield f"  #   base_url: {key.entry.hint}\n  #   api_key: {reference}\n"
    for server in findings.servers:
        place = ", on this machine" if is_this_machine(urlsplit(server.base_url).hostname or "") else ""
        yield f"  {server.provider}:  # {server.entry.title}{place}\n    base_url: {server.base_url}\n"
        if server.variables is not None:
            yield f"    api_key: ${{env:{server.variables}}}\n"


def _models(lines: Sequence[_Line], servers: Sequence[FoundServer]) -> Iterator[str]:
    yield "\n# By public name, author/slug: endpoints of one model are compared with each other.\nmodels:\n"
    for public in dict.fromkeys(line.public for line in lines):
        yield f"  {public}:\n    endpoints:\n"
        for line in lines:
            if line.public == public:
                yield f"      - {{provider: {line.provider}, model: {word(line.model)}}}{_cost_note(line)}\n"
    written = {(line.provider, line.model) for line in lines}
    for server in servers:
        others = [name for name in server.models if (server.provider, name) not in written and _NAME.fullmatch(name)]
        if others:
            more = f", and {len(others) - _MOST_NAMES} more" if len(others) > _MOST_NAMES else ""
            yield f"  # {server.provider} has also: {', '.join(others[:_MOST_NAMES])}{more}\n"


def word(text: str) -> str:
    """The text as a YAML value that is read as text, also inside braces."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null"} else json.dumps(text)


def _cost_note(line: _Line) -> str:
    cost = _usd_per_day(line)
    return "" if cost is None else f"  # {usd(cost)} a day"


def usd(cost: float) -> str:
    """A cost for messages."""
    return "less than $0.01" if cost < _CENT else f"about ${cost:.2f}"


def _usd_per_day(line: _Line) -> float | None:
    return None if line.price is None else probing_usd_per_day(line.price, embeds=line.embeds)


def probing_usd_per_day(price: Pricing, *, embeds: bool) -> float:
    """The cost per day of one probe a minute, without reasoning."""
    answer = 0 if embeds else _CHAT.max_tokens * price.completion
    return (_CHAT.prompt_tokens * price.prompt + answer) / _MILLION * _DAY_S / _CHAT.every_s
