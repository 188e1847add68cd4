"""Fetches documents from a running daemon."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, InvalidURL

from monitor.domain.text import printable

_TIMEOUT_S = 10.0
SCORES = "a scores document"


async def fetch_once(url: str, token: str | None) -> Mapping[str, object]:
    """The document at `url`. Raises ScoresUnavailableError when there is none."""
    async with session_for(token) as session:
        return await fetch_document(session, url, SCORES)


async def fetch_openrouter(url: str, token: str | None) -> bytes:
    """The OpenRouter documents of all models of the daemon at `url`, as one document."""
    async with session_for(token) as session:
        listed = await fetch_document(session, f"{url}/api/v1/models", "a list of models")
        found = [(await fetch_document(session, f"{url}{path}", "endpoints")).get("data") for path in _paths(listed)]
    return json.dumps({"data": found}, separators=(",", ":")).encode() + b"\n"


def _paths(listed: Mapping[str, object]) -> list[str]:
    """The path of each listed model's endpoints."""
    match listed.get("data"):
        case list() as models if all(isinstance(model, dict) and isinstance(model.get("id"), str) for model in models):
            return [f"/api/v1/models/{quote(model['id'])}/endpoints" for model in models]
        case _:
            raise ScoresUnavailableError("the answer is not a list of models; is it a Providerwatch daemon?")


def session_for(token: str | None) -> ClientSession:
    """A session that sends the token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return ClientSession(timeout=ClientTimeout(total=_TIMEOUT_S), headers=headers)


class ScoresUnavailableError(Exception):
    """A document could not be fetched; the message says why."""


async def fetch_document(session: ClientSession, url: str, what: str = SCORES) -> Mapping[str, object]:
    """The JSON object at `url`, which messages call `what`. Raises ScoresUnavailableError."""
    try:
        async with session.get(url) as response:
            if not response.ok:
                raise ScoresUnavailableError(_refused(response.status))
            document = json.loads(await response.read())
    except TimeoutError:
        raise ScoresUnavailableError(f"no answer within {_TIMEOUT_S:g} s; is the daemon busy?") from None
    except InvalidURL:
        raise ScoresUnavailableError("not a valid address; write http://host:port") from None
    except ClientConnectorError as error:
        why = (
            os.strerror(error.errno)
            if error.errno is not None and error.errno > 0
            else error.os_error.strerror or str(error.os_error)
        )
        where = f"cannot connect to {error.host}:{error.port}: {why}"
        raise ScoresUnavailableError(f"{printable(where)}; is the daemon running?") from error
    except (ClientError, OSError) as error:
        raise ScoresUnavailableError(f"{printable(str(error))}; is the daemon running?") from error
    except (ValueError, RecursionError) as error:
        raise ScoresUnavailableError("the answer is not JSON; is it a Providerwatch daemon?") from error
    if not isinstance(document, dict):
        raise ScoresUnavailableError(f"the answer is not {what}; is it a Providerwatch daemon?")
    return document


def _refused(status: int) -> str:
    """The message for a status code: its meaning and the remedy."""
    match status:
        case 401 | 403:
            return f"HTTP {status}: token missing or wrong; pass --token or set PROVIDERWATCH_TOKEN to its `token:`"
        case 404:
            return "HTTP 404: no scores at this address; is it a Providerwatch daemon?"
        case 429:
            return "HTTP 429: too many requests from this address; wait, or raise `rate_limit` in the configuration"
        case _:
            return f"HTTP {status}"
