"""Providers that need no introduction: what `catalogue.yaml` knows of their addresses, keys and quirks."""

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
    """What models of some names need, at one provider or wherever they are served."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    match: str
    """A regular expression that is searched in the model's name, whatever its case."""
    api: str | None = None
    """The api that these models speak, where it is not the provider's."""
    apis: tuple[str, ...] = ()
    """Of a family: the apis that have these options."""
    options: Mapping[str, object] = field(default_factory=dict)

    def fits(self, model: str) -> bool:
        """Whether it is about a model of this name."""
        return re.search(self.match, model, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A model that the provider serves, small and not expensive."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    model: str
    public: str
    """Its public name, author/slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One provider."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: str
    api: str
    base_url: str | None
    """None where everyone has an address of their own; `hint` then shows its form."""
    hint: str | None = None
    keys: tuple[str, ...] = ()
    """Environment variables that usually hold a key; the first that is set wins. `A:B` joins several by colons."""
    key_optional: bool = False
    """Whether it may do without a key."""
    local: bool = False
    """Whether it is a server on this machine, and `base_url` where it listens unless told otherwise."""
    options: Mapping[str, object] = field(default_factory=dict)
    models: tuple[Quirk, ...] = ()
    example: Example | None = None

    def key(self, env: Mapping[str, str]) -> tuple[str, str] | None:
        """The first of `keys` that is set, and its value; None if none is."""
        for name in self.keys:
            parts = [env.get(variable, "") for variable in name.split(":")]
            if all(parts):
                return name, ":".join(parts)
        return None

    def is_at(self, base_url: object) -> bool:
        """Whether an address is this provider's: only there may its key be sent unasked."""
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
    """All providers by name, and what families of models need wherever they are served."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    families: tuple[Quirk, ...] = ()
    providers: Mapping[str, Entry] = field(default_factory=dict)

    def api(self, entry: Entry, model: str) -> str:
        """The api that a model speaks at a provider."""
        return ([entry.api] + [quirk.api for quirk in entry.models if quirk.api and quirk.fits(model)])[-1]

    def quirks(self, entry: Entry, model: str, api: str) -> dict[str, object]:
        """The options that a model needs at a provider, spoken to by an api."""
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
    """The catalogue that comes with the program."""
    text = files("monitor.config").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return read(text, "catalogue.yaml")


def read(text: str, file: str) -> Catalogue:
    """A catalogue from YAML. Raises ValueError when it is none."""
    return TypeAdapter(Catalogue).validate_python(parse(text, file).data)


def joined(names: Iterable[str]) -> str:
    """Names of variables as a message shows them: `A or B`, `A, or B and C`."""
    words = [" and ".join(name.split(":")) for name in names]
    return (", or " if any(" " in word for word in words) else " or ").join(words)
