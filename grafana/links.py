"""Links from board to board, and to Providerwatch's own pages."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from language import Board
from settings import setting
from variables import BASE

TITLES: dict[Board, str] = {
    "overview": "Overview",
    "model": "Model: providers side by side",
    "endpoint": "Endpoint",
    "monitor": "Monitor",
}
_SUFFIXES = {"prometheus": "", "influxdb": "-influxdb"}
_PAGES: dict[Board, str] = {
    "overview": "/",
    "model": "/models/${model:raw}",
    "endpoint": "/endpoints/${endpoint:percentencode}",
    "monitor": "/",
}
_KEPT = "${datasource:queryparam}&${vantage:queryparam}&${__url_time_range}"


def uid(board: Board, language: str) -> str:
    """The id of a board in addresses."""
    return f"providerwatch-{board}{_SUFFIXES[language]}"


def of_board(board: Board, language: str) -> Sequence[build.DashboardLink]:
    """The links at the top: every other board, with the same choices, and the page that shows the same."""
    boards = [
        build.DashboardLink(title.partition(":")[0])
        .type(model.DashboardLinkType.LINK)
        .icon("dashboard")
        .url(f"/d/{uid(other, language)}")
        .include_vars(True)
        .keep_time(True)
        for other, title in TITLES.items()
        if other != board
    ]
    page = build.DashboardLink("Providerwatch").type(model.DashboardLinkType.LINK).icon("external link")
    return [*boards, page.url(f"${{{BASE}}}{_PAGES[board]}").target_blank(True)]


def of_endpoint(language: str, value: str = "${__value.raw}") -> model.DynamicConfigValue:
    """The links of a cell that holds an endpoint's id: its board and its page."""
    return _links(
        ("Open the endpoint's board", f"/d/{uid('endpoint', language)}?var-endpoint={value}&{_KEPT}"),
        ("Open the endpoint's page", f"${{{BASE}}}/endpoints/{value}"),
    )


def of_model(language: str) -> model.DynamicConfigValue:
    """The links of a cell that holds a model: its board and its page."""
    return _links(
        ("Compare the providers of this model", f"/d/{uid('model', language)}?var-model=${{__value.raw}}&{_KEPT}"),
        ("Open the model's page", f"${{{BASE}}}/models/${{__value.raw}}"),
    )


def _links(*links: tuple[str, str]) -> model.DynamicConfigValue:
    return setting("links", [model.DashboardLink(title=title, url=url) for title, url in links])
