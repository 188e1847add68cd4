"""Which `Host` values a server without a token accepts on loopback. Pure.

A hostile web page can resolve its own name to 127.0.0.1 and make a browser on this machine send requests to this server
(DNS rebinding). The browser then sends that name as `Host`, so other names than the server's own are refused. Any port
is accepted, since it may be forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?")


def own_hosts(listen: str) -> Collection[str]:
    """The accepted names of a server on this loopback address."""
    return LOOPBACK | {_plain(listen)}


@lru_cache(maxsize=256)
def host_of(header: str) -> str | None:
    """The host in a `Host` header in normal form; None if the header is malformed."""
    found = _HOST.fullmatch(header.strip())
    host = found and found["host"]
    return _plain(host.removeprefix("[").removesuffix("]")) if host else None


def _plain(host: str) -> str:
    """The normal form: a name in lower case without its last dot, an address in its shortest form."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower().removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
