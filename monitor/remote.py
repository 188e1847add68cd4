"""The scores document of a running daemon, asked for once."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import ClientSession, ClientTimeout

from monitor.terminal import ScoresUnavailableError, fetch_scores

__all__ = ["ScoresUnavailableError", "fetch_once"]

_TIMEOUT_S = 10.0


async def fetch_once(url: str, token: str | None) -> Mapping[str, object]:
    """The document at `url`. Raises ScoresUnavailableError when there is none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(timeout=ClientTimeout(total=_TIMEOUT_S), headers=headers) as session:
        return await fetch_scores(session, url)
