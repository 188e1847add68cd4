"""Converts references to keys: LiteLLM's `os.environ/NAME` becomes `${env:NAME}`. The keys are not copied. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from monitor.config._catalogue import Entry
from monitor.config._placeholders import is_placeholder
from monitor.config.litellm_file._values import Fields, KeyReference, text

_VARIABLE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_AWS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def key(value: str, usual: str) -> KeyReference:
    """The reference to one key. `usual` is the variable for a key in plain text."""
    if not value or is_placeholder(value):
        return KeyReference()
    found = _VARIABLE.fullmatch(value)
    return KeyReference(text=f"${{env:{found[1] if found else usual}}}", is_plain=found is None)


def aws_key(params: Fields) -> KeyReference:
    """The reference to a bearer token, or to the parts of a signing key."""
    parts = [(name, text(params, name)) for name in _AWS if text(params, name)]
    if not parts:
        return key(text(params, "api_key"), "AWS_BEARER_TOKEN_BEDROCK")
    found = [key(value, name.upper()) for name, value in parts]
    return KeyReference(
        text=":".join(reference.text or "" for reference in found),
        is_plain=any(reference.is_plain for reference in found),
    )


def usual_variable(entry: Entry, provider: str, address: str | None) -> str:
    """The variable for a key in plain text: the provider's usual one, or one named after the address."""
    host = "" if address is None or entry.is_at(address) else urlsplit(address).hostname or ""
    if not host and entry.keys:
        return entry.keys[0].split(":")[0]
    stem = re.sub("[^A-Z0-9]+", "_", (host or provider).upper()).strip("_")
    return f"{stem}_API_KEY" if stem[:1].isalpha() else f"BACKEND_{stem}_API_KEY"


def reference(value: str) -> str:
    """`os.environ/NAME` → `${env:NAME}`; any other text is unchanged."""
    found = _VARIABLE.fullmatch(value)
    return f"${{env:{found[1]}}}" if found else value
