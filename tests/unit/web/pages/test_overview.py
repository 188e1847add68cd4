"""The view model of the overview, over real boards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.domain.status import Status
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import assemble
from monitor.web.context import MonitorState
from monitor.web.pages import links
from monitor.web.pages import overview as overview_module
from monitor.web.pages.hourly import HourCounts, first_hour, hour_counts
from monitor.web.pages.overview import OverviewData, OverviewView, overview
from monitor.web.pages.overview_query import Grouping, OverviewQuery, SortKey
from monitor.web.pages.overview_row import OverviewRow
from monitor.web.pages.page_view import PageMoment
from probes._model import ErrorClass
from tests.support.showcase import CLAUDE, LLAMA, MINUTE, NOW, SMOL, Behaviour, Showcase, every_state, many, spec_of


def hours_of(showcase: Showcase) -> HourCounts:
    tallies = asyncio.run(showcase.store.tallies(first_hour(showcase.now), 3600))
    history = showcase.context().history
    assert history is not None
    return hour_counts(tallies, [], history.judge)


def view_of(showcase: Showcase, *, stranger: bool = False, hours: bool = True, **asked: Any) -> OverviewView:
    moment = PageMoment(snapshot=showcase.board.snapshot, now=showcase.now, monitor=MonitorState(), stranger=stranger)
    data = OverviewData(
        jobs=showcase.jobs,
        incidents=showcase.board.open_incidents,
        spending=showcase.spending,
        hours=hours_of(showcase) if hours else None,
    )
    return overview(moment, data, OverviewQuery(**asked))


def rows_of(view: OverviewView) -> Mapping[str, OverviewRow]:
    return {row.id: row for group in view.groups for row in group.rows}


def made(behaviours: Sequence[Behaviour], **fields: Any) -> Showcase:
    showcase = Showcase(behaviours, **fields)
    asyncio.run(showcase.fill())
    return showcase


def notes(row: OverviewRow) -> list[str]:
    return [note.words for note in row.notes]


@pytest.fixture(scope="session")
def view(showcase: Showcase) -> OverviewView:
    return view_of(showcase)


@pytest.fixture(scope="session")
def rows(view: OverviewView) -> Mapping[str, OverviewRow]:
    return rows_of(view)


def test_every_endpoint_has_a_row(showcase: Showcase, rows: Mapping[str, OverviewRow]) -> None:
    assert rows.keys() == showcase.board.snapshot.rows.keys()


def test_every_status_occurs_in_the_showcase(rows: Mapping[str, OverviewRow]) -> None:
    assert {row.status for row in rows.values()} == set(Status)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("groq:llama", ["11 min, overloaded"]),
        ("together:llama", ["23 h 50 min, slow"]),
        ("fireworks:llama", []),
        ("deepinfra:llama", ["maintenance from"]),
        ("anthropic:sonnet", ["your key: rate limited", "stale: measured 3 h ago"]),
        ("bedrock:sonnet", ["your key: refused", "stale: measured 30 min ago"]),
        ("vertex:sonnet", ["until"]),
        ("old:sonnet", ["paused"]),
        ("gone:smol", ["stale: measured 30 min ago"]),
    ],
)
def test_a_note_says_what_is_wrong_or_missing(rows: Mapping[str, OverviewRow], name: str, words: list[str]) -> None:
    assert notes(rows[name]) == words


def test_before_its_first_sample_an_endpoint_says_when_it_is_probed(rows: Mapping[str, OverviewRow]) -> None:
    (words,) = notes(rows["spare:smol"])
    assert words.startswith("first probe in ")
    assert rows["spare:smol"].score.text == "–"
    assert rows["spare:smol"].uptime.note == "n 0"


def test_an_endpoint_that_was_only_limited_awaits_its_next_probe() -> None:
    limited = Behaviour(spec=spec_of("a:m", LLAMA, "A"), errors={5000: ErrorClass.RATE_LIMITED}, begins=5 * MINUTE)
    (row,) = rows_of(view_of(made([limited]))).values()
    assert notes(row)[0] == "your key: rate limited"
    assert notes(row)[1].startswith("next probe in ")


def test_an_endpoint_whose_first_probes_failed_says_that_none_succeeded() -> None:
    failing = Behaviour(spec=spec_of("a:m", LLAMA, "A"), errors={5000: ErrorClass.OVERLOADED}, begins=1 * MINUTE)
    (row,) = rows_of(view_of(made([failing]))).values()
    assert (row.status, notes(row)) == ("unknown", ["no success yet"])


def test_an_endpoint_without_a_probe_says_so() -> None:
    showcase = made([Behaviour(spec=spec_of("a:m", LLAMA, "A"), begins=timedelta())])
    showcase.jobs = ()
    (row,) = rows_of(view_of(showcase)).values()
    assert notes(row) == ["not probed"]


def test_account_trouble_comes_with_what_to_do_and_is_hidden_from_strangers(showcase: Showcase) -> None:
    owner, stranger = (rows_of(view_of(showcase, stranger=hidden))["bedrock:sonnet"] for hidden in (False, True))
    assert owner.notes[0].detail.startswith("Your key, not the provider. Check the key")
    assert notes(stranger) == ["stale: measured 30 min ago"]


def test_strangers_see_no_spending(showcase: Showcase) -> None:
    cards = [card.name for card in view_of(showcase, stranger=True).summary.cards]
    assert "Probing today" not in cards
    assert "Probing today" in [card.name for card in view_of(showcase).summary.cards]


def test_figures_are_those_of_the_scores_document(showcase: Showcase, rows: Mapping[str, OverviewRow]) -> None:
    row = rows["fireworks:llama"]
    assert (row.uptime.text, row.uptime.note) == ("100%", "n 180")
    assert (row.ttft.text, row.ttft.note) == ("372 ms", "n 30")
    assert row.speed.text == "121"
    assert row.price.text == "$0.027 / $0.20"
    assert row.score.note.startswith("[0.9")


def test_p95_needs_twenty_samples(rows: Mapping[str, OverviewRow]) -> None:
    assert (rows["my-vllm:smol"].ttft_p95.text, rows["my-vllm:smol"].ttft_p95.note) == ("–", "needs 20, has 6")
    assert rows["fireworks:llama"].ttft_p95.note == "n 30"
    assert rows["gone:smol"].ttft_p95.text != "0 ms"


def test_a_slow_decode_has_a_decimal_and_no_price_is_said() -> None:
    spec = spec_of("a:m", LLAMA, "A")
    free = replace(spec, endpoint=replace(spec.endpoint, pricing=None))
    (row,) = rows_of(view_of(made([Behaviour(spec=free, speed_tps=1.25)]))).values()
    assert row.speed.text == "4.2"
    assert row.price.text == "–"


def test_usable_is_shown_only_where_it_differs_from_the_score(showcase: Showcase) -> None:
    def with_usable(value: object) -> str:
        snapshot = showcase.board.snapshot
        row = snapshot.rows["fireworks:llama"]
        body = row.body.replace(b'{"id"', b'{"usable":%s,"id"' % str(value).encode(), 1)
        changed = made_snapshot({row.id: replace(row, body=body)})
        shown = Showcase(())
        shown.board.snapshot = changed
        return rows_of(view_of(shown, hours=False))["fireworks:llama"].usable

    def made_snapshot(rows: Mapping[str, Row]) -> Any:
        return assemble("fra1", NOW, rows)

    assert with_usable(0.5) == "usable 0.50"
    assert with_usable(0.99) in {"", "usable 0.99"}
    assert with_usable("null") == ""


def test_a_bar_that_was_not_measured_is_never_good(rows: Mapping[str, OverviewRow]) -> None:
    assert rows["spare:smol"].strip.count('data-state="not measured"') == 24
    assert 'data-state="good"' not in rows["spare:smol"].strip
    assert 'class="cap b-limit"' in rows["anthropic:sonnet"].strip
    assert 'data-state="maintenance"' in rows["vertex:sonnet"].strip
    assert 'data-state="own network down"' in rows["home:smol"].strip


def test_a_store_that_cannot_be_read_leaves_the_figures_and_says_so(showcase: Showcase) -> None:
    row = rows_of(view_of(showcase, hours=False))["fireworks:llama"]
    assert row.strip == "history cannot be read now"
    assert row.uptime.text == "100%"
    assert view_of(showcase, hours=False).legend == []


def test_the_table_twin_has_all_hours_of_each_row(view: OverviewView) -> None:
    assert len(view.twin.rows) == 12
    assert all(sum(int(cell) for cell in row[1:-1]) == 24 for row in view.twin.rows)


def test_the_worst_comes_first_within_a_group_and_groups_follow_their_worst(view: OverviewView) -> None:
    assert [row.status for row in view.groups[0].rows] == ["down", "degraded", "up", "up"]
    assert [group.about for group in view.groups] == [LLAMA, CLAUDE, SMOL]


@pytest.mark.parametrize("key", list(SortKey))
def test_unknown_figures_come_last_in_both_directions(showcase: Showcase, key: SortKey) -> None:
    for descending in (False, True):
        view = view_of(showcase, sort=key, descending=descending, group=Grouping.NONE)
        (group,) = view.groups
        assert group.name == ""
        if key in {SortKey.SCORE, SortKey.UPTIME, SortKey.TTFT}:
            texts = [getattr(row, key).text for row in group.rows]
            known = [text != "–" for text in texts]
            assert known == sorted(known, reverse=True)


def test_a_higher_score_comes_first_when_descending(showcase: Showcase) -> None:
    view = view_of(showcase, sort=SortKey.SCORE, descending=True, group=Grouping.NONE)
    shown = [row.score.text for row in view.groups[0].rows if row.score.text != "–"]
    assert shown == sorted(shown, reverse=True)


def test_groups_may_be_providers(showcase: Showcase) -> None:
    groups = view_of(showcase, group=Grouping.PROVIDER).groups
    assert {group.name for group in groups} >= {"Groq", "my-vllm"}
    assert {group.about for group in groups} >= {"groq", ""}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"text": "GROQ"}, {"groq:llama"}),
        ({"text": "smol"}, {"my-vllm:smol", "spare:smol", "gone:smol", "home:smol"}),
        ({"provider": "bedrock"}, {"bedrock:sonnet"}),
        ({"model": SMOL, "status": Status.UP}, {"my-vllm:smol"}),
        ({"vantage": "elsewhere"}, set()),
        ({"vantage": "fra1", "status": Status.DOWN}, {"groq:llama"}),
    ],
)
def test_filters_select(showcase: Showcase, asked: dict[str, Any], names: set[str]) -> None:
    view = view_of(showcase, **asked)
    assert rows_of(view).keys() == names
    assert view.shown == f"{len(names)} of 12 endpoints match"


def test_the_sentence_is_about_all_endpoints_whatever_the_filter(showcase: Showcase, view: OverviewView) -> None:
    assert view_of(showcase, text="smol").summary == view.summary


def test_a_chip_leads_to_each_status_that_occurs_and_to_the_one_asked_for() -> None:
    showcase = made(every_state()[1:2])
    assert [chip.words for chip in view_of(showcase).chips] == ["All 1", "Up 1"]
    assert [chip.words for chip in view_of(showcase, status=Status.DOWN).chips if chip.is_current] == ["Down 0"]


def test_heads_lead_to_their_order_and_say_the_present_one(showcase: Showcase) -> None:
    heads = {head.words: head for head in view_of(showcase, sort=SortKey.UPTIME).heads}
    assert heads["Uptime 24 h"].direction == "ascending"
    assert heads["Uptime 24 h"].path == "/?sort=-uptime"
    assert heads["Status"].direction == ""
    assert "Model" not in heads
    descending = view_of(showcase, sort=SortKey.UPTIME, descending=True, group=Grouping.NONE).heads
    assert {head.words: head.direction for head in descending}["Uptime 24 h"] == "descending"
    assert {"Model", "Provider"} <= {head.words for head in descending}


def test_a_model_is_a_link_once_it_has_a_page(showcase: Showcase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "BUILT", frozenset())
    assert view_of(showcase).groups[0].path == ""
    monkeypatch.setattr(links, "BUILT", frozenset({links.MODELS}))
    assert view_of(showcase).groups[0].path == f"/models/{LLAMA}"
    assert rows_of(view_of(showcase))["groq:llama"].model_path == f"/models/{LLAMA}"


def test_more_rows_than_a_page_holds_are_on_further_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "ROWS_A_PAGE", 4)
    showcase = made(many(10), sparse=timedelta(hours=6))
    first, last, beyond = (view_of(showcase, page=page) for page in (1, 3, 9))
    assert (len(rows_of(first)), len(rows_of(last)), len(rows_of(beyond))) == (4, 2, 0)
    assert first.pages is not None
    assert (first.pages.words, first.pages.before, first.pages.after) == ("Page 1 of 3", "", "/?page=2")
    assert last.pages is not None
    assert (last.pages.before, last.pages.after) == ("/?page=2", "")
    assert beyond.pages is not None
    assert beyond.pages.before == "/?page=3"
    assert view_of(showcase, text="nothing like it").pages is None


def test_a_row_that_another_daemon_made_is_left_out(showcase: Showcase) -> None:
    foreign = {name: replace(row, endpoint=None) for name, row in showcase.board.snapshot.rows.items()}
    shown = Showcase(())
    shown.board.snapshot = assemble("fra1", NOW, foreign)
    assert view_of(shown, hours=False).is_empty
