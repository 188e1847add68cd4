"""File formats of routers, one per module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.domain.kinds import Kinds

if TYPE_CHECKING:
    from monitor.routing.router_format import RouterFormat


def _base() -> type[RouterFormat]:
    from monitor.routing.router_format import RouterFormat  # noqa: PLC0415  # the command line only lists names

    return RouterFormat


FORMATS: Final = Kinds(__name__, "providerwatch.formats", _base)
