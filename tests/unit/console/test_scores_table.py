"""The scores document on a terminal: complete, with missing values marked, and without control characters."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from monitor.console.remote import ScoresUnavailableError, fetch_document
from monitor.console.scores_table import scores_table
from monitor.console.text import STATUS_SIGNS
from monitor.console.watch import WatchFrame, _Log, watch_scores
from monitor.domain.text import NOT_MEASURED, age, count, percent, printable, probability, seconds

NOW = datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC)


def iso(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat().replace("+00:00", "Z")


def window(ok: int, failed: int) -> dict[str, object]:
    return {"ratio": ok / (ok + failed), "ci95": [0.5, 1.0], "ok": ok, "failed": failed, "account": 3}


def endpoint(**changes: object) -> dict[str, object]:
    return {
        "id": "steady:smollm2-135m-instruct",
        "status": "up",
        "score": 0.9957,
        "confidence": [0.962, 0.998],
        "measured_at": iso(2.4),
        "uptime": {"5m": window(100, 0), "1d": window(1439, 1)},
        "ttft_s": {"window": "30m", "count": 100, "p50": 0.1523, "p90": 1.2345},
        "output_tps": {"p50": 96.4},
        "last_error": {"class": "stalled", "blame": "provider", "at": iso(61), "status_code": 200},
        **changes,
    }


UNKNOWN = endpoint(
    id="new:m",
    status="unknown",
    score=None,
    confidence=None,
    measured_at=None,
    uptime={"5m": {"ratio": None, "ok": 0, "failed": 0}, "1d": {}},
    ttft_s={"count": 0, "p50": None, "p90": None},
    output_tps={},
    last_error=None,
)


def drawn(document: Mapping[str, object], *, width: int = 80, color: bool = False, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(buffer := io.BytesIO(), encoding=encoding, write_through=True)
    console = Console(file=file, width=width, force_terminal=color, color_system="standard" if color else None)
    console.print(scores_table(document, now=NOW))
    return buffer.getvalue().decode(encoding)


def document(*endpoints: Mapping[str, object]) -> dict[str, object]:
    return {"schema": "providerwatch/scores/v1", "endpoints": list(endpoints)}


@pytest.mark.parametrize("width", [80, 200])
def test_every_figure_of_an_endpoint_is_shown(width: int) -> None:
    text = drawn(document(endpoint()), width=width)
    figures = ("steady:", "smollm2-135m-instruct", "● up", "2 s ago", "0.99", "0.96\N{EN DASH}0.99", "100% (100)")
    for figure in (*figures, "99.9% (1k)", "152 ms", "1.23 s", " 96", "stalled", "1 min ago"):
        assert figure in text, figure


def test_a_wide_terminal_gets_one_line_an_endpoint_and_a_narrow_one_two() -> None:
    two = document(endpoint(), endpoint(id="slow:m"))
    assert len(drawn(two, width=200).splitlines()) == 2 + 2
    assert len(drawn(two, width=80).splitlines()) == 3 + 2 + 1 + 2


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    hostile = endpoint(id="p:" + "名" * 60, last_error={"class": "vantage_offline", "at": iso(9e5)})
    for line in drawn(document(endpoint(), hostile, UNKNOWN), width=width).splitlines():
        assert cell_len(line) <= width


def test_the_demo_at_80_columns_breaks_no_word() -> None:
    rows = [endpoint(id=f"{name}:smollm2-135m-instruct", status="degraded") for name in ("steady", "slow", "flaky")]
    rows[2]["last_error"] = {"class": "stream_error", "at": iso(70)}
    text = drawn(document(*rows), width=80)
    assert text.count("smollm2-135m-instruct ") == 3
    assert "stream_error" in text


@pytest.mark.parametrize("width", [80, 200])
def test_what_was_not_measured_is_a_dash_and_never_a_zero(width: int) -> None:
    text = drawn(document(UNKNOWN), width=width)
    figures = text.partition("─\n")[2]
    assert not set("0123456789") & set(figures)
    assert figures.count("\N{EN DASH}") == 9
    assert "None" not in text


@pytest.mark.parametrize("status", ["up", "degraded", "down", "unknown", "maintenance", "paused"])
def test_every_status_has_a_sign_and_a_word_of_its_own(status: str) -> None:
    assert f"{STATUS_SIGNS[status][0]} {status}" in drawn(document(endpoint(status=status)))
    assert len({sign for sign, _ in STATUS_SIGNS.values()}) == len(STATUS_SIGNS)


def test_markup_in_a_providers_text_is_only_text() -> None:
    text = drawn(document(endpoint(id="a:[bold]x[/]", last_error={"class": "[red]y", "at": iso(1)})), width=200)
    assert "a:[bold]x[/]" in text
    assert "[red]y" in text


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "\r", "\n\n", "\x07", "\x9b2J", "\u202egnp.exe", "\ud800", "\u2028", "\x00"]
)
def test_control_characters_in_a_providers_text_do_not_reach_the_terminal(text: str) -> None:
    hostile = endpoint(id=f"p:{text}x", status=text, last_error={"class": text, "blame": text, "at": text})
    shown = drawn(document(hostile), width=200)
    assert not set(text).difference("[31mredgnp.ex2J\n") & set(shown)
    assert len(shown.splitlines()) == 3


def test_overlong_text_is_cut() -> None:
    assert printable("x" * 500) == "x" * 120 + "…"


def test_a_terminal_that_knows_only_ascii_gets_only_ascii() -> None:
    named = document(endpoint(id="ä:m"), *(endpoint(status=status) for status in STATUS_SIGNS))
    text = drawn(named, encoding="ascii")
    assert "* up" in text
    assert "?:" in text


def test_colour_is_only_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m" in drawn(document(endpoint()), color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in drawn(document(endpoint()), color=True)


def test_an_empty_document_says_so() -> None:
    assert drawn(document()) == "no endpoints\n"
    assert drawn({}) == "no endpoints\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(changes=st.fixed_dictionaries({}, optional=dict.fromkeys(endpoint(), JSON)))
def test_a_document_of_any_shape_is_drawn(changes: dict[str, object]) -> None:
    drawn(document(endpoint(**changes)))


@given(
    deep=st.fixed_dictionaries(
        {
            "uptime": st.dictionaries(
                st.sampled_from(["5m", "1d"]), st.fixed_dictionaries(dict.fromkeys(window(1, 0), JSON))
            ),
            "ttft_s": st.fixed_dictionaries({"p50": JSON, "p90": JSON}),
            "confidence": st.lists(JSON, max_size=3),
            "measured_at": st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
        }
    )
)
def test_figures_of_any_shape_are_drawn(deep: dict[str, object]) -> None:
    drawn(document(endpoint(**deep)))


def test_figures_are_rounded_down_so_that_only_all_is_all() -> None:
    assert percent(None) == NOT_MEASURED
    assert (percent(1.0), percent(0.99999), percent(0.57), percent(0.0)) == ("100%", "99.9%", "57.0%", "0.0%")
    assert (probability(1.0), probability(0.9999), probability(0.29)) == ("1.00", "0.99", "0.29")


def test_times_have_the_unit_that_fits() -> None:
    assert (seconds(0.00036), seconds(0.00997), seconds(0.0213), seconds(0.9994), seconds(0.9996), seconds(12.3)) == (
        "0.4 ms",
        "10 ms",
        "21 ms",
        "999 ms",
        "1.00 s",
        "12.30 s",
    )
    ago = [age(NOW - timedelta(seconds=s), NOW) for s in (0.4, 59.9, 60, 7200, 86400 * 3, -5)]
    assert ago == ["0 s", "59 s", "1 min", "2 h", "3 d", "0 s"]


def test_counts_are_short() -> None:
    assert [count(n) for n in (0, 999, 1440, 999_999, 3_000_000)] == ["0", "999", "1k", "999k", "3M"]


# Watching


@asynccontextmanager
async def serving(answer: web.Response | dict[str, object]) -> AsyncIterator[str]:
    async def scores(_: web.Request) -> web.Response:
        if isinstance(answer, dict):
            return web.json_response(answer)
        return web.Response(status=answer.status, body=answer.body)

    application = web.Application()
    application.router.add_get("/v1/scores", scores)
    async with TestServer(application) as server:
        yield str(server.make_url("/v1/scores"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(status=503), "HTTP 503"),
        (web.Response(body=b"<html>"), "not JSON"),
        (web.Response(body=b"[" * 100_000), "not JSON"),
        (web.Response(body=b"[]"), "not a scores document"),
    ],
)
async def test_an_answer_that_is_no_scores_document_is_refused(answer: web.Response, reason: str) -> None:
    async with serving(answer) as url, ClientSession() as session:
        with pytest.raises(ScoresUnavailableError, match=reason):
            await fetch_document(session, url)


async def test_a_server_that_hangs_is_said_so() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    application = web.Application()
    application.router.add_get("/", hang)
    async with TestServer(application) as server, ClientSession(timeout=ClientTimeout(total=0.1)) as session:
        with pytest.raises(ScoresUnavailableError, match="no answer within"):
            await fetch_document(session, str(server.make_url("/")))


async def test_a_server_that_cannot_be_reached_is_said_so() -> None:
    async with serving({}) as url:
        pass
    async with ClientSession() as session:
        with pytest.raises(ScoresUnavailableError, match=r"cannot connect to 127\.0\.0\.1:"):
            await fetch_document(session, url)


async def test_a_log_gets_a_first_and_a_last_table_without_escapes() -> None:
    file = io.StringIO()
    async with serving(document(endpoint(measured_at=datetime.now(UTC).isoformat()))) as url:
        await watch_scores(url, Console(file=file, width=80), duration_s=0.2, files=[Path("/tmp/uptime.json")])
    assert file.getvalue().count("● up") == 2
    assert file.getvalue().count(url) == 2
    assert "/tmp/uptime.json" in file.getvalue()
    assert "\x1b" not in file.getvalue()


async def test_a_log_gets_no_more_than_a_table_in_ten_seconds() -> None:
    file = io.StringIO()
    log = _Log(Console(file=file, width=80))
    for elapsed_s in range(25):
        log.show(WatchFrame(url="u", elapsed_s=elapsed_s))
    log.close()
    shown = [line for line in file.getvalue().splitlines() if "elapsed" in line]
    assert shown == ["0 s elapsed", "10 s elapsed", "20 s elapsed", "24 s elapsed"]


async def test_a_terminal_gets_one_table_that_is_drawn_anew() -> None:
    file = io.StringIO()
    async with serving(document(endpoint())) as url:
        console = Console(file=file, width=80, height=40, force_terminal=True, _environ={})
        await watch_scores(url, console, duration_s=0.2)
    assert "\x1b[1A" in file.getvalue()  # up again, over what stands there
    assert "\x1b[?25h" in file.getvalue()  # the cursor is back
    assert "stop with Ctrl-C" in file.getvalue()


async def test_a_cancelled_watch_leaves_the_last_table_on_the_screen() -> None:
    file = io.StringIO()
    async with serving(document(endpoint())) as url:
        watch = asyncio.create_task(watch_scores(url, Console(file=file, width=80)))
        async with asyncio.timeout(5):
            while "● up" not in file.getvalue():
                await asyncio.sleep(0.01)
        watch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watch


async def test_a_watch_goes_on_without_the_server_and_keeps_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.console.watch._POLL_S", 0.05)
    file = io.StringIO()
    async with serving(document(endpoint())) as url:
        watch = asyncio.create_task(watch_scores(url, Console(file=file, width=80), duration_s=0.6))
        await asyncio.sleep(0.2)
    await watch
    assert file.getvalue().count("● up") == 2
    assert file.getvalue().count("cannot read the scores: cannot connect") == 1


def test_addresses_are_never_cut_and_stay_in_one_piece_in_a_log() -> None:
    address, logged, live = "http://h/" + "x" * 200, io.StringIO(), io.StringIO()
    _Log(Console(file=logged, width=80)).show(WatchFrame(url=address))
    assert address in logged.getvalue()
    Console(file=live, width=80, force_terminal=True, color_system=None).print(WatchFrame(url=address))
    assert live.getvalue().replace("\n", "").count("x") == 200
