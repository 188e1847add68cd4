"""Who may ask, and how often: the token, and each client's rate."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import hdrs, web

from monitor.web.buckets import Buckets, client_of
from probes._model import Secret

_client_of = lru_cache(maxsize=1024)(client_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What is asked of clients."""

    token: Secret | None = None
    """None: nothing."""
    rate_per_s: float | None = None
    """How many requests one client may make per second, on average; None: as many as it will."""


class Guard:
    """Lets requests in or raises what refuses them."""

    def __init__(self, access: Access, clock: Callable[[], float]) -> None:
        self._wanted = None if access.token is None else f"Bearer {access.token.reveal()}".encode()
        self._buckets = None if access.rate_per_s is None else Buckets(access.rate_per_s)
        self._clock = clock

    def admit(self, request: web.Request) -> None:
        """Raises HTTPTooManyRequests or HTTPUnauthorized; who guesses tokens is limited like all others."""
        if self._buckets is not None:
            wait_s = self._buckets.take(_client_of(request.remote or ""), self._clock())
            if wait_s > 0:
                raise web.HTTPTooManyRequests(
                    text="more requests than one client may make; `rate_limit` in the configuration says how many",
                    headers={hdrs.RETRY_AFTER: str(math.ceil(wait_s))},
                )
        if self._wanted is not None:
            self._ask_for_token(request, self._wanted)

    def _ask_for_token(self, request: web.Request, wanted: bytes) -> None:
        given = request.headers.get(hdrs.AUTHORIZATION, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, wanted):
            raise web.HTTPUnauthorized(
                text="this needs the header 'Authorization: Bearer TOKEN'", headers={hdrs.WWW_AUTHENTICATE: "Bearer"}
            )
