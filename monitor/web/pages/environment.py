"""The templates. Imported with the first page: Jinja takes time and memory that other commands do not have."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.charts.patterns import shared_patterns
from monitor.domain.text import printable
from monitor.web.pages.assets import SCRIPT, SHEET, assets


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment of all pages: every value is escaped but the markup of charts."""
    made = Environment(
        loader=PackageLoader("monitor.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(sheet=assets()[SHEET].path, script=assets()[SCRIPT].path, patterns=shared_patterns())
    return made


def shown(value: object) -> object:
    """A value as a template may show it. Raises TypeError for None: a page shows a reason instead.

    Characters that are invisible or turn the direction of a text are replaced, so that no name can garble a page.
    """
    if value is None:
        raise TypeError("a template shows None; the view model has to give a text")
    if isinstance(value, str) and not isinstance(value, Markup) and not value.isprintable():
        return printable(value, longest=None)
    return value
