"""Paths of the routers. If they are missing, tests fail and are not skipped."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest


def haproxy() -> Path:
    """Debian's; its folder is not in everybody's PATH."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.fail("haproxy is not installed: run `make routers`")
    return Path(found)


def envoy() -> Path:
    """The program itself: the command of that name would leave it running when killed."""
    (found,) = (_home() / "venv" / "lib").glob("python3*/site-packages/envoy/_bin/envoy")
    return found


def traefik() -> Path:
    return _home() / "venv" / "bin" / "traefik"


def litellm() -> Path:
    """The folder of its programs."""
    return _home() / "litellm" / "bin"


def _home() -> Path:
    """As .ci/routers has it. Fails the test when what is there is not what the pins ask for."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("PROVIDERWATCH_ROUTERS") or cache / "providerwatch" / "routers")
    pins = [Path(__file__).parent / name for name in ("requirements.txt", "litellm-requirements.txt")]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in pins)).hexdigest()
    stamp = home / "pins"
    if not stamp.is_file() or stamp.read_text().strip() != wanted:
        pytest.fail(f"the routers are not in {home}, or not those of today: run `make routers`")
    return home
