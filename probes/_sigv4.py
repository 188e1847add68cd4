"""AWS Signature Version 4. Pure.

The canonical form is that of all services except S3. Only headers that proxies do not change are signed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import quote, urlsplit

from probes._model import Request
from probes._ports import DEFAULT_PORTS

_ALGORITHM = "AWS4-HMAC-SHA256"
_END = "aws4_request"
_FEWEST_PARTS, _MOST_PARTS = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key of AWS."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    """Only temporary keys have a session token."""


def credentials(text: str) -> Credentials:
    """Parse `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`. Raises ValueError without the key in its message."""
    parts = text.split(":")
    if not all(parts) or not _FEWEST_PARTS <= len(parts) <= _MOST_PARTS:
        raise ValueError("invalid AWS key: use ACCESS_KEY_ID:SECRET_ACCESS_KEY or …:SESSION_TOKEN")
    token = parts[2] if len(parts) == _MOST_PARTS else None
    return Credentials(access_key_id=parts[0], secret_access_key=parts[1], session_token=token)


def signed(request: Request, owner: Credentials, *, region: str, service: str, at: datetime) -> Request:
    """The request with signature headers. Its URL must have no query, and must be sent unchanged."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    added = [("X-Amz-Date", stamp)]
    if owner.session_token is not None:
        added.append(("X-Amz-Security-Token", owner.session_token))
    headers = [(name, value) for name, value in request.headers if name.lower() == "content-type"]
    headers += [("Host", _host(request.url)), *added]
    lines = {name.lower(): " ".join(value.split()) for name, value in headers}
    names = ";".join(sorted(lines))
    scope = "/".join((stamp[:8], region, service, _END))
    digest = hashlib.sha256(_canonical(request, lines).encode()).hexdigest()
    key = reduce(_hmac, (stamp[:8], region, service, _END), f"AWS4{owner.secret_access_key}".encode())
    signature = _hmac(key, "\n".join((_ALGORITHM, stamp, scope, digest))).hex()
    credential = f"{owner.access_key_id}/{scope}"
    proof = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers=(*request.headers, *added, ("Authorization", proof)))


def _canonical(request: Request, lines: Mapping[str, str]) -> str:
    # An encoded path is encoded again: %2F becomes %252F.
    path = quote(urlsplit(request.url).path, safe="/~")
    headers = (f"{name}:{lines[name]}" for name in sorted(lines))
    payload = hashlib.sha256(request.body).hexdigest()
    return "\n".join((request.method, path, "", *headers, "", ";".join(sorted(lines)), payload))


def _host(url: str) -> str:
    """The Host header that an HTTP client sends."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in {None, DEFAULT_PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
