"""The HTTP proxy of an endpoint: its URL without credentials, and the authorization header. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from probes._model import Secret
from probes._ports import DEFAULT_PORTS

DIRECT = "direct"
"""The value that means no proxy, in place of a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy."""

    url: str
    """Without user and password."""
    host: str
    port: int
    authorization: str | None = field(repr=False)
    """The value of `Proxy-Authorization`; None without credentials."""

    @property
    def peer(self) -> str:
        """The address for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_plain(self) -> bool:
        """Whether the proxy is used without TLS, so that the request for a tunnel is sent first."""
        return self.url.startswith("http:")


def proxy_of(written: Secret | None) -> Proxy | None:
    """The configured proxy; None if there is no proxy."""
    if written is None or written.reveal() == DIRECT:
        return None
    parts = urlsplit(written.reveal())
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    credentials = _credentials(written)
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    token = b64encode(":".join(credentials).encode()).decode() if credentials else None
    return Proxy(
        url=urlunsplit(plain), host=host, port=port, authorization=f"Basic {token}" if token is not None else None
    )


def secrets_of(written: Secret | None) -> tuple[str, ...]:
    """The secrets of a proxy: user, password, and the token derived from them."""
    proxy = proxy_of(written)
    if written is None or proxy is None or proxy.authorization is None:
        return ()
    return (*_credentials(written), proxy.authorization.removeprefix("Basic "))


def _credentials(written: Secret) -> tuple[str, ...]:
    """User and password; empty if the URL contains neither."""
    parts = urlsplit(written.reveal())
    if parts.username is None:
        return ()
    return unquote(parts.username), unquote(parts.password or "")


def unused_variable(env: Mapping[str, str], scheme: str) -> str | None:
    """The first set environment variable that other programs would use for a proxy; that of the scheme comes first."""
    names = [f"{scheme}_proxy", "all_proxy", "https_proxy", "http_proxy"]
    return next((name for variable in names for name in (variable.upper(), variable) if env.get(name)), None)
