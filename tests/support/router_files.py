"""Files for routers, as a configuration that was read has them."""

from __future__ import annotations

from pathlib import Path

from monitor.routing.formats import FORMATS
from monitor.routing.router_format import RouterFormat
from monitor.scoreboard.snapshot import Snapshot


def file_of(name: str, path: Path = Path("stdout"), **options: object) -> RouterFormat:
    return FORMATS[name].model_validate({"format": name, "path": str(path), **options})


def render(name: str, snapshot: Snapshot, **options: object) -> bytes:
    return file_of(name, Path("stdout"), **options).render(snapshot)
