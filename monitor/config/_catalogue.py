"""The catalogue of known providers: reads addresses, keys and quirks from `catalogue.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import ConfigDict, TypeAdapter

from monitor.config._source import parse

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """Options or an api for models whose name matches a pattern, at one provider or at all providers."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    match: str
    """A regular expression that is searched in the model's name. Case is ignored."""
    api: str | None = None
    """The api of these models, if it differs from the provider's."""
    apis: tuple[str, ...] = ()
    """For a family of models: the apis that accept these options."""
    options: Mapping[str, object] = field(default_factory=dict)

    def fits(self, model: str) -> bool:
        """Whether the quirk applies to a model with this name."""
        return re.search(self.match, model, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A small and cheap model that the provider serves."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    model: str
    public: str
    """The public name of the model, `author/slug`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A provider in the catalogue."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: str
    api: str
    base_url: str | None
    """None if each account has its own address; `hint` shows the form of the address."""
    hint: str | None = None
    keys: tuple[str, ...] = ()
    """Variables that usually contain the key; the first one that is set is used. `A:B` joins two by a colon."""
    key_optional: bool = False
    """Whether the provider can be used without a key."""
    local: bool = False
    """Whether the provider is a server on this machine. `base_url` is then its default address."""
    options: Mapping[str, object] = field(default_factory=dict)
    models: tuple[Quirk, ...] = ()
    example: Example | None = None

    def key(self, env: Mapping[str, str]) -> tuple[str, str] | None:
        """The first entry of `keys` whose variables are all set, and its value; None if no entry is set."""
        for name in self.keys:
            parts = [env.get(variable, "") for variable in name.split(":")]
            if all(parts):
                return name, ":".join(parts)
        return None

    def is_at(self, base_url: object) -> bool:
        """Whether an address belongs to this provider. A key from the environment is sent to such an address only."""
        if self.base_url is None:
            return True
        own = urlsplit(self.base_url)
        try:
            other = urlsplit(str(base_url))
        except ValueError:
            return False
        host, own_host = other.hostname or "", own.hostname or ""
        return other.scheme == own.scheme and (host == own_host or host.endswith(f".{own_host}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All providers by name, and quirks of model families that apply at every provider."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    families: tuple[Quirk, ...] = ()
    providers: Mapping[str, Entry] = field(default_factory=dict)

    def api(self, entry: Entry, model: str) -> str:
        """The api of a model at a provider."""
        return ([entry.api] + [quirk.api for quirk in entry.models if quirk.api and quirk.fits(model)])[-1]

    def quirks(self, entry: Entry, model: str, api: str) -> dict[str, object]:
        """The options that a model needs at a provider, for an api."""
        options: dict[str, object] = {}
        for quirk in self._about(entry, api):
            if quirk.fits(model):
                options |= quirk.options
        return options

    def _about(self, entry: Entry, api: str) -> Iterator[Quirk]:
        yield from (family for family in self.families if api in family.apis)
        yield from (quirk for quirk in entry.models if api == (quirk.api or entry.api))


@cache
def catalogue() -> Catalogue:
    """The catalogue that is part of the package."""
    text = files("monitor.config").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return read(text, "catalogue.yaml")


def read(text: str, file: str) -> Catalogue:
    """Parse a catalogue from YAML. Raises ValueError if the text is not a catalogue."""
    return TypeAdapter(Catalogue).validate_python(parse(text, file).data)


def joined(names: Iterable[str]) -> str:
    """Names of variables for a message: `A or B`, `A, or B and C`."""
    words = [" and ".join(name.split(":")) for name in names]
    return (", or " if any(" " in word for word in words) else " or ").join(words)
