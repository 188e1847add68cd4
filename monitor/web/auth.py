"""Access control for requests: `Host` header, rate limit per client, token."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web

from monitor.config import is_loopback
from monitor.config.model import Listen
from monitor.web.hosts import host_of, own_hosts
from monitor.web.rate_limit import RateLimit, client_of
from probes._model import Secret

STRANGER: Final = web.RequestKey("stranger", bool)
"""The key of a request for a page: whether the page is shown without the token, to any client."""
_BASIC: Final = {hdrs.WWW_AUTHENTICATE: 'Basic realm="Providerwatch", charset="UTF-8"'}
_client_of = lru_cache(maxsize=1024)(client_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Conditions for requests."""

    token: Secret | None = None
    """None: no token is needed."""
    rate_per_s: float | None = None
    """Average requests per second that one client may make; None: no limit."""
    hosts: Collection[str] | None = None
    """Accepted `Host` values, in the form of `hosts.host_of`; None: any."""
    public_pages: bool = False
    """Whether pages need no token."""


def access_of(
    listen: Listen,
    token: Secret | None,
    *,
    rate_per_s: float | None = None,
    public: bool = False,
    public_pages: bool = False,
) -> Access:
    """The conditions of a server at an address. On loopback and without a token it accepts its own names only.

    `public`: accept any `Host` without a token.
    """
    trusting = token is None and not public and is_loopback(listen.host)
    hosts = own_hosts(listen.host) if trusting else None
    return Access(token=token, rate_per_s=rate_per_s, hosts=hosts, public_pages=public_pages)


class Authenticator:
    """Admits or refuses requests."""

    def __init__(self, access: Access, clock: Callable[[], float]) -> None:
        self._rate_limit: RateLimit | None = None
        self._clock = clock
        self.apply(access)

    def apply(self, access: Access) -> None:
        """Use other conditions from the next request on. Answers that are being sent, such as streams, go on."""
        self._token = None if access.token is None else access.token.reveal().encode()
        self._expected = None if self._token is None else b"Bearer " + self._token
        self._hosts = access.hosts
        self._public_pages = access.public_pages
        if access.rate_per_s is None:
            self._rate_limit = None
        elif self._rate_limit is None:
            self._rate_limit = RateLimit(access.rate_per_s)
        else:
            self._rate_limit.apply(access.rate_per_s)

    def admit(self, request: web.Request) -> None:
        """Raises HTTPTooManyRequests, HTTPMisdirectedRequest or HTTPUnauthorized.

        The rate limit comes first, so that it also limits guesses of the token.
        """
        self._admit_client(request)
        if self._expected is not None:
            self._check_token(request, self._expected)

    def admit_browser(self, request: web.Request) -> None:
        """As `admit`; the token may also be the password of HTTP Basic, as browsers send it after a page asked for it.

        Only for GET: a browser sends the password with requests that another site makes, too.
        """
        self._admit_client(request)
        if self._expected is not None and not self._has_password(request):
            self._check_token(request, self._expected)

    def admit_page(self, request: web.Request) -> None:
        """As `admit_browser`; a refusal makes the browser ask for the token, and public pages need none."""
        self._admit_client(request)
        known = self._expected is not None and (self._has_token(request) or self._has_password(request))
        request[STRANGER] = self._public_pages and not known
        if self._expected is not None and not known and not self._public_pages:
            raise web.HTTPUnauthorized(
                text="This page needs the token: enter it as the password, with any user name.", headers=_BASIC
            )

    def _admit_client(self, request: web.Request) -> None:
        """The rate limit and the `Host` header."""
        if self._rate_limit is not None:
            wait_s = self._rate_limit.take(_client_of(request.remote or ""), self._clock())
            if wait_s > 0:
                raise web.HTTPTooManyRequests(
                    text="too many requests from this client; try again after Retry-After, or raise `rate_limit` "
                    "in the configuration",
                    headers={hdrs.RETRY_AFTER: str(math.ceil(wait_s))},
                )
        self.admit_host(request)

    def admit_host(self, request: web.Request) -> None:
        """Raises HTTPMisdirectedRequest for a `Host` that is not accepted. Browsers always send one."""
        if self._hosts is None:
            return
        for header in request.headers.getall(hdrs.HOST, ()):
            if host_of(header) not in self._hosts:
                raise web.HTTPMisdirectedRequest(
                    text="the Host header does not name this daemon: without a token only localhost and the listen "
                    "address are accepted; set `token` or `public: true` in the configuration to accept other names"
                )

    def _check_token(self, request: web.Request, expected: bytes) -> None:
        if not hmac.compare_digest(_authorization(request), expected):
            raise web.HTTPUnauthorized(
                text="token missing or wrong; send the header 'Authorization: Bearer TOKEN'",
                headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
            )

    def _has_token(self, request: web.Request) -> bool:
        return self._expected is not None and hmac.compare_digest(_authorization(request), self._expected)

    def _has_password(self, request: web.Request) -> bool:
        """Whether HTTP Basic carries the token as the password. The user name is ignored."""
        scheme, _, encoded = _authorization(request).partition(b" ")
        if self._token is None or scheme.lower() != b"basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given.partition(b":")[2], self._token)


def _authorization(request: web.Request) -> bytes:
    return request.headers.get(hdrs.AUTHORIZATION, "").encode(errors="surrogateescape")
