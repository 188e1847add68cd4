"""Warns about valid but suspicious settings: placeholder keys, keys in plain text, missing folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.config._document import ConfigDocument
from monitor.config._errors import Problem, RefusedError
from monitor.config._placeholders import is_placeholder
from monitor.config._sections import path_places, secret_places
from monitor.config._types import KnownNames
from monitor.domain.sqlite_url import sqlite_path
from monitor.schema.place import Place, printable, quoted
from probes._address import added_path

_REFERENCE = re.compile(
    r"\$(?P<shell>[A-Za-z_]\w*)|\$\((?P<make>\w+)\)|%(?P<dos>\w+)%|\{\{ ?(?P<braces>[\w.]+) ?\}\}"
    r"|os\.environ[/.\[]+['\"]?(?P<python>\w+)['\"]?\]?|(?:process\.)?env[.:/](?P<node>\w+)|<[^<>]+>"
)
"""How other programs write a reference to a variable."""
_SECRET_HEADER = re.compile(r"authorization|cookie|(^|[-_])(key|token|secret)$", re.IGNORECASE)
_PLAIN = "holds a secret in plain text; write ${env:NAME}, ${file:/absolute/path} or ${credential:NAME}"
_PASSWORD = re.compile(r"postgres(?:ql)?://[^:/?#@]+:[^/?#@]+@")


def warnings(document: ConfigDocument, env: Mapping[str, str], known: KnownNames) -> Iterator[Problem]:
    """The warnings of `check`. The daemon starts in spite of them."""
    for place in (*_keys(document), *secret_places(document, known)):
        yield from _key(document, place, env)
    for provider in document.children("providers"):
        yield from _base_url(document, (*provider, "base_url"))
    if _PASSWORD.match(str(document.at(("store",)))) and not document.is_secret(("store",)):
        yield _warning(document, ("store",), _PLAIN)
    yield from _folders(document, known)


def _keys(document: ConfigDocument) -> Iterator[Place]:
    """The places of the token, the API keys, and the headers whose name suggests a secret."""
    yield ("token",)
    for provider in document.children("providers"):
        yield (*provider, "api_key")
        for header in document.children(*provider, "headers"):
            if _SECRET_HEADER.search(str(header[-1])):
                yield header


def _key(document: ConfigDocument, place: Place, env: Mapping[str, str]) -> Iterator[Problem]:
    value = document.at(place)
    if place not in document.values or document.is_secret(place) or not isinstance(value, str) or not value:
        return
    bare = value.partition(" ")[2] if value.lower().startswith("bearer ") else value
    found = _REFERENCE.fullmatch(bare)
    if found is not None:
        name = next(filter(None, found.groups()), None)
        # A variable that is not set may really be a password in the form of a reference.
        known = name if name in env or found["python"] or found["node"] else None
        yield _warning(document, place, f"is sent as it is written; write ${{env:{known or 'NAME'}}} for a variable")
    elif not is_placeholder(bare):
        yield _warning(document, place, _PLAIN)


def _base_url(document: ConfigDocument, place: Place) -> Iterator[Problem]:
    value = document.at(place)
    if place not in document.values or not isinstance(value, str) or document.is_broken(place):
        return
    added = added_path(value)
    if added is not None:
        yield _warning(document, place, f"ends in {added}, which its api adds itself; remove it")


def _folders(document: ConfigDocument, known: KnownNames) -> Iterator[Problem]:
    """Files whose folder is missing or not writable. Only a warning, because systemd may create the folder at start."""
    for place in (("store",), *path_places(document, known)):
        value = document.at(place)
        if not isinstance(value, str) or document.is_broken(place):
            continue
        path = _path(value) if place == ("store",) else Path(value)
        if path is None:
            continue
        path = known.folder / path
        shown = "its folder" if document.is_secret(place) else f"the folder {quoted(printable(str(path.parent)))}"
        if not path.parent.is_dir():
            yield _warning(document, place, f"{shown} does not exist; make it, or have systemd make it")
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            yield _warning(document, place, f"{shown} cannot be written to by this user")


def _path(store: str) -> Path | None:
    """The file of an SQLite store; None for a database server."""
    scheme, _, place = store.partition(":")
    return sqlite_path(place) if scheme == "sqlite" else None


def _warning(document: ConfigDocument, place: Place, message: str) -> Problem:
    return document.problem(place, RefusedError(f"warning: {message}"))
