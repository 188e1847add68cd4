"""Links, times, words and the frame of pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from monitor.domain.incident import Cause
from monitor.domain.status import Status
from monitor.web.context import MonitorState
from monitor.web.pages import links
from monitor.web.pages.error_view import error_view, nearest
from monitor.web.pages.page_context import LiveSource, PageContext, Tone, page_context
from monitor.web.pages.when import when
from monitor.web.pages.words import GLYPHS, cause_words, refusal_words, span_words
from probes._model import Blame, ErrorClass

WELL = MonitorState()
NOW = datetime(2026, 11, 22, 7, 0, 30, tzinfo=UTC)


def context_of(monitor: MonitorState = WELL, *, stranger: bool = False, **changes: object) -> PageContext:
    plain: dict[str, object] = {
        "title": "T",
        "version": "1",
        "current": "/",
        "vantage": "fra1",
        "now": NOW,
        "measured": (),
    }
    return page_context(**{**plain, **changes}, monitor=monitor, stranger=stranger)  # type: ignore[arg-type]


def test_the_path_of_a_model_keeps_its_slash_and_escapes_the_rest() -> None:
    assert links.model_path("meta-llama/llama 3?") == "/models/meta-llama/llama%203%3F"


def test_a_model_is_a_link_only_if_its_page_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "BUILT", frozenset({links.MODELS}))
    assert links.model_link("a/b") == "/models/a/b"
    monkeypatch.setattr(links, "BUILT", frozenset())
    assert links.model_link("a/b") is None


def test_parameters_without_a_value_are_not_in_the_address() -> None:
    assert links.with_query("/", {"q": "a&b", "status": None, "group": ""}) == "/?q=a%26b"
    assert links.with_query("/x", {"q": ""}) == "/x"


def test_a_time_of_today_has_no_date_and_its_title_is_whole() -> None:
    shown = when(NOW - timedelta(hours=2), NOW)
    assert (shown.machine, shown.words, shown.utc) == ("2026-11-22T05:00:30Z", "05:00 UTC", "2026-11-22 05:00:30 UTC")
    assert when(NOW - timedelta(days=1), NOW).words == "2026-11-21 07:00 UTC"
    assert when(NOW, NOW, "now").words == "now"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=41), "41 min"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (timedelta(days=2, minutes=3), "2 d"),
    ],
)
def test_a_span_is_in_its_two_largest_units(length: timedelta, words: str) -> None:
    assert span_words(length) == words


def test_every_status_has_a_glyph_of_its_own() -> None:
    assert GLYPHS.keys() == set(Status)
    assert len(set(GLYPHS.values())) == len(Status)


def test_causes_are_in_the_readers_words() -> None:
    assert cause_words(Cause.SLO) == "slow"
    assert cause_words(ErrorClass.SERVER_ERROR) == "server error"
    assert all("_" not in cause_words(cause) for cause in (*ErrorClass, *Cause))


@pytest.mark.parametrize("error", [error for error in ErrorClass if error.blame is Blame.ACCOUNT])
def test_every_refusal_of_the_account_has_a_remedy_of_its_own(error: ErrorClass) -> None:
    words, remedy = refusal_words(error)
    assert words
    assert remedy.endswith(".")
    assert remedy != refusal_words(ErrorClass.SERVER_ERROR)[1]


def test_a_page_says_when_the_newest_sample_was_taken() -> None:
    shown = context_of(measured=(None, NOW - timedelta(seconds=12), NOW - timedelta(hours=1)))
    assert shown.measured is not None
    assert shown.measured.words == "12 s ago"
    assert context_of(measured=(None,)).measured is None


def test_a_healthy_monitor_has_no_banner() -> None:
    assert context_of().banners == ()


TROUBLED = MonitorState(probing=False, store_error="disk /var is full", online=False, warnings=("clock is ahead",))


def test_each_trouble_of_the_monitor_is_a_banner_and_the_worst_comes_first() -> None:
    banners = context_of(TROUBLED).banners
    assert [banner.tone for banner in banners] == [Tone.BAD, Tone.WARN, Tone.WARN, Tone.WARN]
    assert [word in banner.words for word, banner in zip(("not probing", "network", "store"), banners, strict=False)]
    assert banners[2].detail == "disk /var is full"
    assert banners[3].words == "Clock is ahead."


def test_strangers_learn_what_trouble_means_and_not_its_details() -> None:
    banners = context_of(TROUBLED, stranger=True).banners
    assert len(banners) == 3
    assert "".join(banner.detail for banner in banners) == ""


def test_strangers_get_no_link_that_needs_the_token_and_no_stream() -> None:
    stranger, owner = context_of(stranger=True), context_of()
    assert [link.path for link in stranger.navigation] == ["/"]
    assert [link.path for link in owner.navigation if link.is_current] == ["/"]
    assert (stranger.live, owner.live) == (LiveSource.POLL, LiveSource.STREAM)


def test_an_error_is_a_sentence_with_its_number() -> None:
    shown = error_view(HTTPStatus.NOT_FOUND, "no endpoint has the id 'x'")
    assert (shown.title, shown.words) == ("404 Not Found", "No endpoint has the id 'x'.")
    assert error_view(HTTPStatus.BAD_REQUEST, "Really?").words == "Really?"
    assert error_view(HTTPStatus.IM_A_TEAPOT, "x").heading == "I'm a Teapot."


def test_a_404_names_what_is_most_like_the_path() -> None:
    models, endpoints = ["meta-llama/llama-3.3-70b", "anthropic/claude"], ["groq:llama-3.3-70b", "p:x"]
    assert nearest("/models/meta-lama/llama-3.3-70", models, endpoints)[0].words == models[0]
    assert [near.words for near in nearest("/claude", models, endpoints)] == [models[1]]
    assert [near.path for near in nearest("/endpoints/p%3Ay", models, endpoints)] == ["/?q=p%3Ax"]
    assert nearest("/", models, endpoints) == ()
    assert nearest("/" + "q" * 100_000, models, endpoints) == ()
