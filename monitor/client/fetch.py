"""Fetches a daemon's scores if they changed. Blocks; raises only OSError or ValueError."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

_MOST_BYTES: Final = 64 * 1024 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are errors, since the token is for one address."""

    def redirect_request(self, *_: object) -> None:
        """No request: the redirect is not followed."""


OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
"""Without a proxy: the daemon is on the local network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedScores:
    """The answer."""

    body: bytes | None
    """None: not modified."""
    etag: str | None
    served_at: datetime | None
    """By the server's clock."""


def fetch(url: str, token: str | None, etag: str | None, timeout_s: float) -> FetchedScores:
    """The scores of the daemon at `url`; not modified if they still have the entity tag."""
    headers = {"Accept": "application/json", "User-Agent": "providerwatch-client"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if etag is not None:
        headers["If-None-Match"] = etag
    request = urllib.request.Request(f"{url.rstrip('/')}/v1/scores", headers=headers)  # noqa: S310  # checked by the client
    try:
        with OPENER.open(request, timeout=timeout_s) as response:
            body = response.read(_MOST_BYTES + 1)
            if len(body) > _MOST_BYTES:
                raise ValueError("the answer is too long")
            return FetchedScores(
                body=body, etag=response.headers["ETag"], served_at=http_date(response.headers["Date"])
            )
    except urllib.error.HTTPError as error:
        with error:
            if error.code == HTTPStatus.NOT_MODIFIED:
                return FetchedScores(body=None, etag=etag, served_at=http_date(error.headers["Date"]))
            raise OSError(f"the answer is HTTP {error.code}") from None
    except http.client.HTTPException as error:
        raise OSError(f"the answer is not HTTP: {type(error).__name__}") from None


def http_date(text: str | None) -> datetime | None:
    """The time of a `Date` header; None if it has none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None
