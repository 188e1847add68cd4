"""The address of the overview, and what it asks for."""

from __future__ import annotations

import pytest
from yarl import URL

from monitor.domain.status import Status
from monitor.web.pages.overview_query import Grouping, OverviewQuery, SortKey, overview_query

FULL = OverviewQuery(
    text="lla ma&",
    provider="groq",
    model="a/b c",
    status=Status.DOWN,
    vantage="fra1",
    sort=SortKey.UPTIME,
    descending=True,
    group=Grouping.PROVIDER,
    page=3,
)


def test_defaults_are_not_in_the_address() -> None:
    assert OverviewQuery().path == "/"
    assert overview_query({}) == OverviewQuery()


def test_an_address_says_everything_that_it_was_made_from() -> None:
    assert overview_query(dict(URL(FULL.path).query)) == FULL


def test_unknown_parameters_are_ignored() -> None:
    assert overview_query({"utm_source": "chat", "columns": "1"}) == OverviewQuery()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": "broken"}, "status must be one of up, degraded, down, unknown, maintenance, paused, not 'broken'"),
        ({"sort": "-colour"}, "sort must be one of status, model"),
        ({"group": "vantage"}, "group must be one of model, provider, none"),
        ({"page": "0"}, "page must be a whole number from 1 on"),
        ({"page": "-1"}, "page must be"),
        ({"page": "\u0661"}, "page must be"),
        ({"page": "9" * 50}, "page must be"),
    ],
)
def test_a_wrong_value_is_refused_with_the_remedy(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        overview_query(given)


def test_a_long_text_is_cut() -> None:
    assert len(overview_query({"q": "x" * 10_000}).text) == 200


def test_a_click_on_a_head_sorts_by_it_and_a_second_one_turns_the_order() -> None:
    once = OverviewQuery(page=2).sorted_by(SortKey.TTFT)
    assert (once.sort, once.descending, once.page) == (SortKey.TTFT, False, 1)
    assert once.sorted_by(SortKey.TTFT).descending
    assert not once.sorted_by(SortKey.TTFT).sorted_by(SortKey.TTFT).descending


@pytest.mark.parametrize(
    ("changes", "filtered"),
    [({}, False), ({"text": "x"}, True), ({"status": Status.UP}, True), ({"group": Grouping.NONE}, False)],
)
def test_only_filters_leave_endpoints_out(changes: dict[str, object], filtered: bool) -> None:
    assert OverviewQuery(**changes).is_filtered is filtered  # type: ignore[arg-type]


def test_another_status_begins_at_the_first_page() -> None:
    assert FULL.with_status(None).page == 1
    assert FULL.with_status(None).status is None
    assert FULL.at_page(7).page == 7
