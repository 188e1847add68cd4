"""The style sheet and the script of the pages, under addresses that name their content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from monitor.scoreboard.compression import digest

SHEET: Final = "style"
SCRIPT: Final = "live"
_SHEETS: Final = ("style.css", "model.css")
_ROOT: Final = "/static/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that never changes under its address."""

    file: str
    """The last part of its path: `style.0123456789abcdef.css`."""
    content_type: str
    body: bytes

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"{_ROOT}{self.file}"


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """By name; read once, since they belong to the program."""
    return dict(_read())


def _read() -> Iterator[tuple[str, Asset]]:
    static = files("monitor.web.pages") / "static"
    charts = files("monitor.charts") / "charts.css"
    sheet = b"".join((static / name).read_bytes() for name in _SHEETS) + charts.read_bytes()
    yield SHEET, _asset(SHEET, "css", "text/css", sheet)
    yield SCRIPT, _asset(SCRIPT, "js", "text/javascript", (static / "live.js").read_bytes())


def _asset(name: str, ending: str, content_type: str, body: bytes) -> Asset:
    return Asset(file=f"{name}.{digest(body)}.{ending}", content_type=f"{content_type}; charset=utf-8", body=body)
