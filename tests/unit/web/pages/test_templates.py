"""The templates: whatever a configuration or a provider wrote is text, and nothing needs a style attribute."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from monitor.charts.table import Table
from monitor.web.context import MonitorState
from monitor.web.pages.assets import SHEET, assets
from monitor.web.pages.environment import environment, shown
from monitor.web.pages.overview import OverviewData, overview
from monitor.web.pages.overview_query import OverviewQuery
from monitor.web.pages.page_context import page_context
from monitor.web.pages.page_view import PageMoment
from monitor.web.pages.rendering import rendered
from tests.support.showcase import HOSTILE, Behaviour, Showcase, every_state, hostile
from tests.unit.web.pages.test_overview import hours_of

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Outline(HTMLParser):
    """The elements of a page, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value is not None]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(behaviours: Sequence[Behaviour], **asked: str) -> str:
    showcase = Showcase(behaviours)
    asyncio.run(showcase.fill())
    monitor = MonitorState(store_error=HOSTILE, warnings=(HOSTILE,))
    moment = PageMoment(snapshot=showcase.board.snapshot, now=showcase.now, monitor=monitor, stranger=False)
    data = OverviewData(
        jobs=showcase.jobs,
        incidents=showcase.board.open_incidents,
        spending=showcase.spending,
        hours=hours_of(showcase),
    )
    view = overview(moment, data, OverviewQuery(**asked))  # type: ignore[arg-type]
    page = page_context(
        title=view.title,
        version="1",
        current="/",
        vantage=HOSTILE,
        now=showcase.now,
        measured=(),
        monitor=monitor,
        stranger=False,
    )
    return rendered("overview.html", page=page, view=view)


@pytest.fixture(scope="module")
def page() -> str:
    return page_of((*hostile(), *every_state()), text="", provider=HOSTILE[:0])


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    return parsed


def test_hostile_names_are_text(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert [tag for tag, _ in outline(page).elements].count("script") == 1
    assert all("{{" not in part or "7*7" in part for part in re.findall(r"\{\{.{0,5}", page))


def test_a_hostile_filter_is_text() -> None:
    assert "<script>alert" not in page_of(every_state()[:1], text=HOSTILE, model=HOSTILE, provider=HOSTILE)


def test_invisible_characters_and_those_that_turn_a_text_are_replaced(page: str) -> None:
    assert "\u202e" not in page
    assert "\x07" not in page


def test_every_element_is_closed_and_every_id_is_used_once(page: str) -> None:
    found = outline(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))


def test_nothing_needs_what_the_security_policy_forbids(page: str) -> None:
    for tag, attributes in outline(page).elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "action"):
            address = attributes.get(name) or ""
            assert address.startswith(("/", "#", "data:image/svg+xml")) or not address, address
            assert not address.startswith("//")


def test_a_field_has_a_label_and_a_table_a_caption(page: str) -> None:
    found = outline(page).elements
    fields = [attributes for tag, attributes in found if tag in {"input", "select"}]
    assert [attributes for attributes in fields if "aria-label" not in attributes] == []
    assert [tag for tag, _ in found].count("table") == [tag for tag, _ in found].count("caption")


def test_a_template_never_shows_none() -> None:
    with pytest.raises(TypeError, match="shows None"):
        environment().from_string("{{ value }}").render(value=None)


def test_a_template_never_shows_what_the_view_lacks() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ view.missing }}").render(view={})


def test_only_markup_of_charts_is_not_escaped() -> None:
    assert environment().from_string("{{ a }}{{ b }}").render(a="<b>", b=Markup("<i>")) == "&lt;b&gt;<i>"
    assert shown(5) == 5


def test_no_template_marks_anything_safe() -> None:
    loader = environment().loader
    assert loader is not None
    for name in loader.list_templates():
        source, _, _ = loader.get_source(environment(), name)
        assert "|safe" not in source.replace(" ", ""), name
        assert "autoescape" not in source, name


def test_a_table_twin_shows_every_cell() -> None:
    table = Table(caption="<c>", head=("time", "n"), rows=(("06:00 <b>", 5),))
    made = environment().from_string("{% import 'macros.html' as show %}{{ show.twin(table) }}").render(table=table)
    assert "06:00 &lt;b&gt;" in made
    assert "&lt;c&gt;" in made


def test_the_sheet_has_every_class_of_the_charts_and_loads_nothing() -> None:
    sheet = assets()[SHEET].body.decode()
    assert ".b-network" in sheet
    assert "@import" not in sheet
    assert re.findall(r"url\((?!#)", sheet) == []


def test_an_asset_is_named_by_its_content() -> None:
    for name, asset in assets().items():
        assert re.fullmatch(rf"/static/{name}\.[0-9a-f]{{16}}\.(css|js)", asset.path)
