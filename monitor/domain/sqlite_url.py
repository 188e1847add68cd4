"""The file of a `sqlite:` URL. Pure."""

from __future__ import annotations

from pathlib import Path


class SqliteUrlError(ValueError):
    """The URL names no usable file. The caller writes the name of the URL before the message."""


def sqlite_path(place: str) -> Path:
    """The path after `sqlite:`: an empty host and an absolute path, as in every URL, or a relative path."""
    path = place.removeprefix("//")
    absolute = path != place
    if not path.strip("/") or path.endswith("/") or path == ":memory:" or path.startswith("/") is not absolute:
        raise SqliteUrlError("names no file")
    if absolute and "/" not in path.lstrip("/"):
        raise SqliteUrlError("is a file in the root folder")
    return Path("/" + path.lstrip("/")) if absolute else Path(path)
