"""Checks the addresses in the configuration: providers, the HTTP server, the database, output files.

Pure functions that raise RefusedError. `{value}` in a message stands for the value. No message quotes a URL, because
a URL may contain a password.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from monitor.config._errors import RefusedError
from monitor.config._values import line
from monitor.config.model import Canary, Listen
from monitor.domain.postgres_url import OPTIONS, SSL_MODES
from monitor.domain.sqlite_url import SqliteUrlError, sqlite_path
from probes._model import Secret
from probes._proxy import DIRECT

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_HIGHEST_PORT = 65535
_LONGEST = 2000
_POSTGRES = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^:/?#@]+(?::[^/?#@]*)?@)?"  # the user, and a password
    r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:/?#@\[\]]*))(?::(?P<port>[0-9]{1,5}))?"
    r"/[^/?#@]+"
    r"(?:\?(?P<settings>[^#?]*))?"
)


def base_url(value: str) -> str:
    """Check the base URL of a provider. Returns it without a trailing slash."""
    return _http(value, key="api_key")


def sink_url(value: str) -> str:
    """Check the URL of a sink's server. Returns it without a trailing slash."""
    return _http(value, key="token")


def _http(value: str, *, key: str) -> str:
    parts = _address(line(value, _LONGEST))
    if parts.scheme not in {"http", "https"}:
        raise RefusedError("must begin with http:// or https://")
    if "@" in parts.netloc:
        raise RefusedError(f"must not contain a user or password; write the key as `{key}:`")
    if any(character in value for character in " ?#"):
        raise RefusedError("must not contain spaces, '?' or '#'")
    if not _is_host(parts.hostname or "") or parts.port == 0:
        raise RefusedError("has no usable host and port; write https://host/path")
    return value.rstrip("/")


def proxy(value: str) -> Secret:
    """Check the URL of the HTTP proxy, which may contain a user and a password. `direct` means no proxy."""
    form = "write http://host:port, http://user:password@host:port, or direct"
    if line(value, _LONGEST) == DIRECT:
        return Secret(value)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise RefusedError(
            f"is not the address of a proxy; {form}, with %40 for '@' and %2F for '/' in a password"
        ) from None
    if parts.scheme not in {"http", "https"}:
        raise RefusedError(f"is not the address of an HTTP proxy (SOCKS is not supported); {form}")
    if not _is_host(parts.hostname or "") or port == 0 or " " in value:
        raise RefusedError(f"has no usable host and port; {form}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise RefusedError(f"must not contain a path, '?' or '#'; {form}, with %2F for '/' in a password")
    if parts.username is not None and not (parts.username.isascii() and (parts.password or "").isascii()):
        raise RefusedError("has a user or password with characters that are not ASCII; write them as %XX of UTF-8")
    return Secret(value.rstrip("/"))


def link(value: str) -> str:
    """Check the URL of a web page for users."""
    parts = _address(line(value, _LONGEST))
    if parts.scheme not in {"http", "https"} or not _is_host(parts.hostname or "") or " " in value:
        raise RefusedError("is not the address of a page; write https://host/path")
    if "@" in parts.netloc:
        raise RefusedError("must not contain a user or password: the link is published")
    return value


def _address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise RefusedError("is not an address; write https://host/path") from None
    return parts


def listen(value: object) -> Listen:
    """Parse the address of the HTTP server: `host:port`, with an IPv6 address in brackets."""
    found = _host_and_port(value)
    if found is None:
        raise RefusedError("{value} is not host:port; write for example 127.0.0.1:8780 or [::1]:8780")
    return Listen(host=found[0], port=found[1])


def agent(value: object) -> Listen:
    """Parse the address of the server for HAProxy's agent checks: `host:port`, with an IPv6 address in brackets."""
    found = _host_and_port(value)
    if found is None:
        raise RefusedError("{value} is not host:port; write for example 127.0.0.1:8781 or [::1]:8781")
    return Listen(host=found[0], port=found[1])


def canary(value: str) -> Canary:
    """Parse the address of a canary: `host:port` of another machine."""
    found = _host_and_port(value)
    if found is None or not found[1]:
        raise RefusedError("{value} is not host:port; write for example 1.1.1.1:443 or example.com:443")
    host, port = found
    if is_this_machine(host):
        raise RefusedError("{value} is this machine, which answers without a network; name another host")
    return Canary(host=host, port=port)


def _host_and_port(value: object) -> tuple[str, int] | None:
    found = re.fullmatch(r"(?:\[(?P<six>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})", str(value))
    host = (found["six"] or found["host"]) if found else ""
    if not found or not _is_host(host) or int(found["port"]) > _HIGHEST_PORT:
        return None
    return host, int(found["port"])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_this_machine(host: str) -> bool:
    """Whether the host is this machine, in any notation. A connection to it needs no network."""
    name = host.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name.rpartition(".")[2] == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    found = mapped or address
    # The kernel connects to loopback if the address is unspecified (0.0.0.0 or ::).
    return found.is_loopback or found.is_unspecified


def _is_host(host: str) -> bool:
    numeric = ":" in host or re.fullmatch(r"[0-9.]+", host) is not None
    try:
        _ = ipaddress.ip_address(host) if numeric else host.encode("idna")
    except ValueError:
        return False
    return numeric or _HOST.fullmatch(host) is not None


def store(value: str) -> str:
    """Check the URL of the database."""
    if line(value, _LONGEST).startswith("postgres"):
        return _server(value)
    remedy = (
        "write sqlite:///absolute/path.db, sqlite:name.db for a file beside the configuration, "
        "or postgresql://user:password@host:5432/database"
    )
    place = value.removeprefix("sqlite:")
    if place == value:
        raise RefusedError(f"is not a database that can be used; {remedy}")
    if "?" in place or "#" in place:
        raise RefusedError(f"must not contain '?' or '#'; {remedy}")
    try:
        sqlite_path(place)
    except SqliteUrlError as error:
        raise RefusedError(f"{error}; {remedy}") from None
    return value


def _server(value: str) -> str:
    """Check the URL of a PostgreSQL database. No message quotes the URL, because it may contain a password."""
    form = "write postgresql://user:password@host:5432/database"
    found = _POSTGRES.fullmatch(value)
    if not found:
        raise RefusedError(f"is not the address of a database; {form}, with %40 for '@' and %2F for '/' in a password")
    settings = parse_qs(found["settings"] or "", keep_blank_values=True)
    if settings.keys() - OPTIONS or any(len(given) > 1 for given in settings.values()):
        raise RefusedError(f"allows only the options {', '.join(OPTIONS)} after '?', each once; remove the others")
    for name in ("ssl", "sslmode"):
        if settings.get(name, ["prefer"])[0] not in SSL_MODES:
            raise RefusedError(f"has a wrong value for {name}; write one of {', '.join(SSL_MODES)}")
    host, folder = (found["six"] or found["host"] or "").lower(), settings.get("host", [""])[0]
    if folder and (host or not folder.startswith("/")):
        raise RefusedError(
            "needs the folder of the server's socket after `?host=`, and no other host; such as ?host=/run/postgresql"
        )
    port = int(found["port"] or 1)
    if (not folder and not _is_host(host)) or not 0 < port <= _HIGHEST_PORT:
        raise RefusedError(f"has no usable host and port; {form}")
    return value


def file_path(value: str) -> Path:
    """Check the path of a file that the daemon writes."""
    if line(value, _LONGEST).endswith("/") or Path(value).name in {"", ".."}:
        raise RefusedError("names a folder; write the path of a file")
    return Path(value)
