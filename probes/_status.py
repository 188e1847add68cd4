"""The ranges of HTTP statuses. Pure."""

from __future__ import annotations

INTERIM = range(200)
"""Never final. Below 100 there are no statuses."""
SUCCESSES = range(200, 300)
REDIRECTS = range(300, 400)
CLIENT_ERRORS = range(400, 500)
SERVER_ERRORS = range(500, 1000)
"""By RFC 9110 a client treats an invalid status, such as one from 600 on, as a server error."""


def is_success(status: int | None) -> bool:
    """Whether an answer's status is 2xx."""
    return status in SUCCESSES
