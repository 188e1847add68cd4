"""Replaces `${env:NAME}`, `${file:/path}` and `${credential:NAME}` in text values.

`$${` becomes a plain `${`. Inserted text is not interpolated again. Its place is marked as a secret, so that no message
shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from monitor.config import _files
from monitor.config._document import ConfigDocument
from monitor.config._errors import Problem, RefusedError, did_you_mean
from monitor.schema.place import Place, quoted

_REFERENCE = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?:(?P<kind>\w+):(?P<name>[^{}]+)\})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(r"\w[\w.@:-]*", re.ASCII)
_LONGEST_FILE = 65_536


def interpolate(document: ConfigDocument, env: Mapping[str, str]) -> ConfigDocument:
    """Replace all references. A reference that cannot be resolved is a problem, and its place is marked as broken."""
    walk = _Walk(document, env)
    data = walk.expanded(document.data, ())
    return replace(
        document,
        data=data,
        secrets=document.secrets | walk.secrets,
        broken=document.broken | walk.broken,
        problems=(*document.problems, *walk.problems),
    )


class _Walk:
    """One pass over the data. Records the places where text was inserted."""

    def __init__(self, document: ConfigDocument, env: Mapping[str, str]) -> None:
        self.secrets: set[Place] = set()
        self.broken: set[Place] = set()
        self.problems: list[Problem] = []
        self._document = document
        self._env = env

    def expanded(self, value: object, place: Place) -> object:
        """The value with all references in it replaced."""
        match value:
            case str() if "${" in value:
                return self._text(value, place)
            case dict():
                return {key: self.expanded(item, (*place, key)) for key, item in value.items()}
            case list():
                return [self.expanded(item, (*place, index)) for index, item in enumerate(value)]
            case _:
                return value

    def _text(self, text: str, place: Place) -> str:
        if any(match["escaped"] is None for match in _REFERENCE.finditer(text)):
            self.secrets.add(place)
        try:
            return _REFERENCE.sub(lambda match: _replacement(match, self._env), text)
        except RefusedError as refused:
            self.broken.add(place)
            self.problems.append(self._document.problem(place, refused))
            return text


def _replacement(match: re.Match[str], env: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "${"
    name = match["name"] or ""
    match match["kind"]:
        case "env" if _VARIABLE.fullmatch(name):
            return _variable(name, env)
        case "file" if name.startswith("/"):
            return _content(Path(name), f"file {quoted(name)}")
        case "credential" if _CREDENTIAL.fullmatch(name):
            return _credential(name, env)
        case _:
            raise RefusedError(
                "`${` does not begin a valid reference; write ${env:NAME}, ${file:/absolute/path} "
                "or ${credential:NAME}, or $${ for a plain ${"
            )


def _variable(name: str, env: Mapping[str, str]) -> str:
    if name not in env:
        raise RefusedError(f"environment variable {quoted(name)} is not set; set it{did_you_mean(name, env)}")
    if not env[name]:
        raise RefusedError(f"environment variable {quoted(name)} is empty; give it a value")
    return env[name]


def _credential(name: str, env: Mapping[str, str]) -> str:
    folder = env.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise RefusedError(
            f"credential {quoted(name)} is not available: $CREDENTIALS_DIRECTORY is not set; "
            "let systemd load it (LoadCredential=)"
        )
    return _content(Path(folder, name), f"credential {quoted(name)}")


def _content(path: Path, what: str) -> str:
    """The text of a file without trailing line breaks."""
    try:
        text = _files.read(path, _LONGEST_FILE).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise RefusedError(f"{what} is not UTF-8 text; save it as UTF-8") from None
    except RefusedError as refused:
        raise RefusedError(f"{what} {refused.message}; correct the path or the file") from None
    if not text:
        raise RefusedError(f"{what} is empty; write the value into it")
    return text
