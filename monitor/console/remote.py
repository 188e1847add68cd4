"""What a running daemon publishes, asked for once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import ClientSession, ClientTimeout

from monitor.console.scores_table import ScoresUnavailableError, fetch_scores

__all__ = ["ScoresUnavailableError", "fetch_offers", "fetch_once"]

_TIMEOUT_S = 10.0


async def fetch_once(url: str, token: str | None) -> Mapping[str, object]:
    """The document at `url`. Raises ScoresUnavailableError when there is none."""
    async with _session(token) as session:
        return await fetch_scores(session, url)


async def fetch_offers(url: str, token: str | None) -> bytes:
    """What the daemon at `url` tells of all models and their endpoints in OpenRouter's shape, in one document."""
    async with _session(token) as session:
        listed = await fetch_scores(session, f"{url}/api/v1/models")
        found = [(await fetch_scores(session, f"{url}{path}")).get("data") for path in _paths(listed)]
    return json.dumps({"data": found}, separators=(",", ":")).encode() + b"\n"


def _paths(listed: Mapping[str, object]) -> list[str]:
    """Where each model of a list is told of."""
    match listed.get("data"):
        case list() as models if all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in models):
            return [f"/api/v1/models/{quote(each['id'])}/endpoints" for each in models]
        case _:
            raise ScoresUnavailableError("the answer is not a list of models")


def _session(token: str | None) -> ClientSession:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return ClientSession(timeout=ClientTimeout(total=_TIMEOUT_S), headers=headers)
