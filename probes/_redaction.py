"""Redacts and shortens untrusted messages. Pure."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from probes._errors import MAX_DETAIL, clean
from probes._model import Endpoint
from probes._proxy import secrets_of

_CREDENTIAL_LENGTH = 8
"""The shortest part of a secret (a word of a header, half of `id:secret`) that is redacted by itself."""


def detail(endpoint: Endpoint, words: str | None, tail: str = "") -> str:
    """The `detail` of a sample, never empty. Secrets are redacted before the text is cut, so that no half key remains.

    `tail` is kept whole; if the text is too long, `words` is cut.
    """
    end = clean(redacted(endpoint, tail))
    kept = clean(redacted(endpoint, words or ""), MAX_DETAIL - len(end) - 1 if end else MAX_DETAIL)
    return " ".join(filter(None, (kept or "the message has no printable text", end)))


def redacted(endpoint: Endpoint, words: str) -> str:
    """`words` without the secrets of the endpoint and the credentials within them (`Bearer …`)."""
    held = [*(value.reveal() for _, value in endpoint.headers), *secrets_of(endpoint.proxy)]
    if endpoint.api_key is not None:
        held.append(endpoint.api_key.reveal())
    credentials = [part for value in held for part in re.split(r"[\s:]", value) if len(part) >= _CREDENTIAL_LENGTH]
    secrets = {form for secret in filter(None, {*held, *credentials}) for form in _forms(secret)}
    for secret in sorted(secrets, key=len, reverse=True):
        words = words.replace(secret, "***")
    return words


def _forms(secret: str) -> tuple[str, ...]:
    """A secret and its encodings in JSON and URLs."""
    return secret, json.dumps(secret)[1:-1], secret.replace("/", "\\/"), quote(secret, safe="")
