"""Hints about a wrong base URL, for the detail of a refused request. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from probes._exchange import Exchange
from probes._model import ErrorClass, Fault, Probe, Run
from probes._status import REDIRECTS, is_success

_LONGEST = 90
_HEAD = 50
_WRONG_PATH = frozenset({404, 405, 410})
_V1_PATHS = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/messages",
    "/models",
)
_PATHS = (
    *_V1_PATHS,
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/v2/chat",
    "/converse-stream",
    "/converse",
)
"""Paths that APIs add to a base URL. A longer path precedes its own suffix."""
_VERSION = re.compile(r"/(v\d+(?:beta\d*|alpha\d*)?)(?=/|$)")
_VERSIONED = {"/models/": "/v1beta", **dict.fromkeys(_V1_PATHS, "/v1")}
"""By the beginning of the added path: the version at the end of the usual base URL."""
_OPAQUE = re.compile(r"(?=[^\W_]*\d)(?=[^\W_]*[A-Za-z])\w{20,}|sk-[\w-]+", re.ASCII)
"""A path segment that may be a key or an account."""


def address_hint(run: Run, codec: Probe, exchange: Exchange, fault: Fault | None) -> str:
    """The URL of a refused request in brackets, with the most likely remedy; empty if the URL is not the cause."""
    if fault is None or exchange.fault is not None or exchange.status is None:
        return ""
    is_page = fault.error is ErrorClass.MALFORMED and "html" in exchange.headers.get("content-type", "")
    if is_success(exchange.status) and not is_page:
        return ""
    url = _url(run, codec)
    if url is None:
        return ""
    remedy = _remedy(run.endpoint.base_url, url, exchange, fault, is_page=is_page)
    return f" ({_shown(url)}{f'; {remedy}' if remedy else ''})"


def added_path(base_url: str) -> str | None:
    """The path at the end of a base URL that the API would add a second time; None if there is no such path."""
    path = urlsplit(base_url).path.rstrip("/")
    return next((added for added in _PATHS if path.endswith(added)), None)


def _url(run: Run, codec: Probe) -> str | None:
    try:
        return codec.request(run.endpoint, run.task, run.prompt).url
    except Exception:  # noqa: BLE001  # a codec may be a third party's; then the address is omitted
        return None


def _remedy(base_url: str, url: str, exchange: Exchange, fault: Fault, *, is_page: bool) -> str:
    status = exchange.status or 0
    if status in REDIRECTS:
        target = exchange.headers.get("location", "")
        return f"it redirects to {_shown(target)}: redirects are not followed" if target else "it redirects"
    if status not in _WRONG_PATH and not is_page:
        return ""
    if fault.error is ErrorClass.NOT_FOUND and "model" in (fault.detail or "").lower():
        return ""
    return _of_path(base_url, url)


def _of_path(base_url: str, url: str) -> str:
    """A guess at the mistake in a base URL whose path was not found."""
    added = added_path(base_url)
    if added is not None:
        return f"base_url ends in {added}: remove it"
    base, versions = base_url.rstrip("/"), _VERSION.findall(urlsplit(url).path)
    if len(versions) > 1 and len(set(versions)) < len(versions):
        return f"base_url repeats /{versions[0]}"
    path = url.removeprefix(base)
    usual = next((version for begin, version in _VERSIONED.items() if path.startswith(begin)), None)
    if not versions and usual is not None:
        return f"does base_url lack {usual}?"
    if versions and usual is None and _VERSION.search(urlsplit(base).path):
        return f"does base_url end in /{versions[0]} by mistake?"
    return "is base_url right?"


def _shown(url: str) -> str:
    """Scheme, host and path without possible secrets, shortened."""
    parts = urlsplit(url)
    path = "/".join(_OPAQUE.sub("***", part) for part in parts.path.split("/"))
    host = parts.netloc.rpartition("@")[2]
    text = f"{parts.scheme}://{host}{path}" if host else path
    return text if len(text) <= _LONGEST else f"{text[:_HEAD]}…{text[_HEAD + 1 - _LONGEST :]}"
