"""Finds the kind of a sink or file in the document, and the places of its secrets and paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from monitor.config._document import ConfigDocument
from monitor.config._section import Section
from monitor.config._types import KnownNames
from monitor.config.options import FileSection, SinkSection, keys_of
from monitor.schema.place import Place
from probes._model import Secret

Kind = TypeVar("Kind", bound=Section)


def sink_at(document: ConfigDocument, place: Place, known: KnownNames) -> type[SinkSection] | None:
    """The class of a sink; None if its kind cannot be read."""
    return _kind(known.sinks, document.mapping(*place).get("kind", place[-1]))


def file_at(document: ConfigDocument, place: Place, known: KnownNames) -> type[FileSection] | None:
    """The class of a published file; None if its format cannot be read."""
    return _kind(known.formats, document.mapping(*place).get("format"))


def path_places(document: ConfigDocument, known: KnownNames) -> Iterator[Place]:
    """The places of all paths of files that the daemon writes."""
    yield from _places(document, known, Path)


def secret_places(document: ConfigDocument, known: KnownNames) -> Iterator[Place]:
    """The places of all secrets of sinks and files."""
    yield from _places(document, known, Secret)


def _places(document: ConfigDocument, known: KnownNames, kind: type) -> Iterator[Place]:
    for file in document.children("publish", "files"):
        yield from ((*file, key) for key in keys_of(file_at(document, file, known) or FileSection, kind))
    for sink in document.children("sinks"):
        yield from ((*sink, key) for key in keys_of(sink_at(document, sink, known) or SinkSection, kind))


def _kind(kinds: Mapping[str, type[Kind]], name: object) -> type[Kind] | None:
    return kinds[name] if isinstance(name, str) and name in kinds else None
