"""Addresses in the file: of providers, of our own server, of the database, of files to write.

Pure functions that raise RefusedError, with `{value}` where a message may name the value. URLs are never named,
because they may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from monitor.config._errors import RefusedError
from monitor.config._values import line
from monitor.config.model import Listen

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_HIGHEST_PORT = 65535
_LONGEST = 2000


def base_url(value: str) -> str:
    """Where a provider's API begins, without the slash at its end."""
    parts = _address(line(value, _LONGEST))
    if parts.scheme not in {"http", "https"}:
        raise RefusedError("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise RefusedError("must not hold a user or a password; write the key as `api_key:`")
    if any(character in value for character in " ?#"):
        raise RefusedError("must not hold spaces, '?' or '#'")
    if not _is_host(parts.hostname or "") or parts.port == 0:
        raise RefusedError("names no host and port that can be reached; write https://host/path")
    return value.rstrip("/")


def _address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise RefusedError("is not an address; write https://host/path") from None
    return parts


def listen(value: object) -> Listen:
    """`host:port`, an IPv6 address in brackets."""
    found = re.fullmatch(r"(?:\[(?P<six>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})", str(value))
    host = (found["six"] or found["host"]) if found else ""
    if not found or not _is_host(host) or int(found["port"]) > _HIGHEST_PORT:
        raise RefusedError("{value} is not host:port; write for example 127.0.0.1:8780 or [::1]:8780")
    return Listen(host=host, port=int(found["port"]))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_host(host: str) -> bool:
    numeric = ":" in host or re.fullmatch(r"[0-9.]+", host) is not None
    try:
        _ = ipaddress.ip_address(host) if numeric else host.encode("idna")
    except ValueError:
        return False
    return numeric or _HOST.fullmatch(host) is not None


def store(value: str) -> str:
    """The URL of the database."""
    remedy = "write sqlite:///absolute/path.db, or sqlite:name.db for a file in the working directory"
    if value.startswith("postgres"):
        raise RefusedError(f"PostgreSQL is not supported by this version yet; {remedy}")
    place = line(value, _LONGEST).removeprefix("sqlite:")
    path = place.removeprefix("//")
    absolute = path != place
    if place == value:
        raise RefusedError(f"is not a database that can be used; {remedy}")
    if not path.strip("/") or path.endswith("/") or path == ":memory:" or path.startswith("/") is not absolute:
        raise RefusedError(f"names no file; {remedy}")
    if "?" in path or "#" in path:
        raise RefusedError(f"must not hold '?' or '#'; {remedy}")
    if absolute and "/" not in path.lstrip("/"):
        raise RefusedError(f"is a file in the root folder; {remedy}")
    return value


def file_path(value: str) -> Path:
    """The path of a file to write."""
    if line(value, _LONGEST).endswith("/") or Path(value).name in {"", ".."}:
        raise RefusedError("names a folder; write the path of a file")
    return Path(value)
