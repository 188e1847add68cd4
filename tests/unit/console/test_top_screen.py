"""The lines of the screen of `top`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from monitor.console.top.rows import MonitorReport, OpenIncident, TopData
from monitor.console.top.screen import plain
from monitor.console.top.view import RowGrouping, TopView
from tests.unit.console.top_values import NOW_S, at, data_of, endpoint, shown, styles, texts

MANY = [endpoint(f"p{number % 4}:model-{number:03}") for number in range(100)]
WELL = MonitorReport()


def lines(*endpoints: dict[str, Any], height: int = 24) -> list[str]:
    return texts(shown(replace(data_of(*endpoints), report=WELL), height=height))


def test_at_80_columns_an_endpoint_has_status_score_uptime_latency_and_speed() -> None:
    found = lines(endpoint(), endpoint("flaky:llama", status="down", score=0.12, confidence=[0.05, 0.3]))
    assert found[0].split("  ")[0] == "1 of 2 endpoints down"
    assert found[0].endswith("measured 12 s ago from fra1")
    assert found[1].startswith("monitor: healthy")
    assert found[1].endswith("sorted by status")
    assert found[2].split() == ["status▼", "endpoint", "score", "95", "%", "up", "24h", "TTFT", "50/90", "tok/s"]
    assert found[3].split() == ["✗", "down", "flaky:llama", "0.12", "0.05–0.30", "98.2%", "210/310", "ms", "50"]
    assert found[4].split()[:3] == ["●", "up", "groq:llama"]
    assert found[-1].startswith("q quit  ? help")
    assert len(found) == 24


def test_at_200_columns_it_has_model_price_samples_age_and_incident_too() -> None:
    incident = OpenIncident(worst="down", cause="connect", began_at=None)
    data = replace(data_of(endpoint(status="down")), incidents={"groq:llama": incident})
    row = texts(shown(data, width=200))[3]
    for word in ("groq", "meta-llama/llama-3.2-1b-instruct", "57", "1.20/12.2 s", "0.027/0.2", "12 s", "connect"):
        assert word in row


@pytest.mark.parametrize(
    ("rows", "sentence", "style"),
    [
        ([{}], "all well", "bold green"),
        ([{"status": "degraded"}, {}], "1 of 2 endpoints degraded", "bold yellow"),
        ([{"status": "down"}], "1 of 1 endpoint down", "bold red"),
        ([{"account": {"class": "auth"}}], "all well, account refused at 1 endpoint", "bold yellow"),
        ([{"status": "paused"}], "1 paused", "bold green"),
        ([{"stale_after": at(0), "status": "unknown"}], "nothing measured for 12 s", "bold yellow"),
        ([{"stale_after": None, "measured_at": None}], "nothing measured yet", "bold yellow"),
    ],
)
def test_the_first_line_is_a_sentence_about_all(rows: Sequence[dict[str, Any]], sentence: str, style: str) -> None:
    data = data_of(*(endpoint(f"p:{number}", **fields) for number, fields in enumerate(rows)))
    found = shown(data, width=100)
    assert found.lines[0][0] == (sentence, style)


def test_before_any_document_nothing_is_claimed() -> None:
    assert texts(shown(TopData()))[0] == "no endpoints" + " " * 56 + "not measured"
    assert texts(shown(TopData(rows=data_of(endpoint()).rows)))[0].endswith("not measured")


@pytest.mark.parametrize(
    ("report", "text", "style"),
    [
        (None, "monitor: state not known", "yellow"),
        (WELL, "monitor: healthy", "dim"),
        (MonitorReport(problems=("the store fails",), warnings=("w",)), "monitor: the store fails", "bold red"),
        (MonitorReport(warnings=("clock", "disk")), "monitor: clock; disk", "yellow"),
    ],
)
def test_the_second_line_is_about_the_monitor(report: MonitorReport | None, text: str, style: str) -> None:
    assert shown(replace(data_of(), report=report)).lines[1][0] == (text, style)


def test_of_a_daemon_that_does_not_answer_the_state_is_not_known() -> None:
    lost = replace(data_of(endpoint()), report=WELL, problem="refused")
    assert texts(shown(lost))[1].startswith("monitor: state not known")


def test_a_low_screen_has_the_monitor_only_if_it_is_not_well() -> None:
    assert not any("monitor" in line for line in lines(endpoint(), height=6))
    unwell = replace(data_of(endpoint()), report=MonitorReport(problems=("the store fails",)))
    assert "monitor: the store fails" in texts(shown(unwell, height=6))[1]


def test_a_lost_daemon_has_a_warning_with_the_age_of_the_figures() -> None:
    lost = replace(data_of(endpoint()), problem="cannot connect to 127.0.0.1:8780")
    found = shown(lost, later_s=42)
    warning = " ".join(text.strip() for text in texts(found)[2:4])
    assert warning.startswith("the daemon has not answered for 42 s; figures are that old. Retrying.")
    assert "cannot connect to 127.0.0.1:8780" in warning
    assert styles(found, "not answered") == {"bold white on red"}
    assert "for 3 min" in texts(shown(lost, later_s=185))[2]
    assert any("groq:llama" in line for line in texts(found))


def test_the_filter_keeps_rows_with_every_word_and_says_if_none_has() -> None:
    data = data_of(endpoint("groq:llama"), endpoint("groq:qwen", status="down"))
    found = texts(shown(data, TopView(filter="GROQ down")))
    assert [line.split()[2] for line in found[3:5] if line] == ["groq:qwen"]
    assert 'filter "GROQ down"' in found[1]
    assert texts(shown(data, TopView(filter="none")))[3] == 'no endpoint matches "none"; Esc clears the filter'
    assert texts(shown(data, TopView(filter="gr", editing=True)))[-1] == "/gr   Enter keeps it, Esc clears it"


def test_without_endpoints_the_screen_says_so() -> None:
    assert lines()[3] == "no endpoints: the daemon's configuration has none"


def test_groups_have_a_line_of_their_own_in_the_order_of_their_worst_endpoint() -> None:
    data = data_of(endpoint("a:x"), endpoint("b:x"), endpoint("b:y", status="down"))
    found = texts(shown(data, TopView(grouping=RowGrouping.PROVIDER)))
    assert [line.split()[:3] for line in found[3:8]] == [
        ["b", "1", "of"],
        ["✗", "down", "b:y"],
        ["●", "up", "b:x"],
        ["a", "1", "endpoint,"],
        ["●", "up", "a:x"],
    ]
    by_model = texts(shown(data, TopView(grouping=RowGrouping.MODEL)))
    assert by_model[3] == "meta-llama/llama-3.2-1b-instruct  1 of 3 endpoints down"
    assert by_model[1].endswith("grouped by model")


def test_scrolling_keeps_to_the_table_and_the_last_line_says_where() -> None:
    found = shown(data_of(*MANY), TopView(sort="endpoint", offset=1000))
    assert (found.place.offset, found.place.page, found.place.total) == (80, 20, 100)
    assert texts(found)[-1].endswith("81–100 of 100")
    assert texts(found)[-2].split()[2] == "p3:model-099"
    assert texts(shown(data_of(*MANY), TopView(offset=-5)))[-1].endswith("1–20 of 100")


def test_the_sorted_column_is_marked() -> None:
    assert "score▲" in texts(shown(data_of(endpoint()), TopView(sort="score", reverse=True)))[2]
    assert texts(shown(data_of(), TopView(sort="score", reverse=True)))[1].endswith("sorted by score, reversed")


def test_help_takes_the_place_of_the_table() -> None:
    found = texts(shown(data_of(*MANY), TopView(help=True)))
    assert any(line.startswith("PgUp PgDn") for line in found)
    assert not any("p1:model" in line or "of 100" in line for line in found[1:])


def test_everything_that_help_says_fits_80_by_24() -> None:
    found = texts(shown(data_of(*MANY), TopView(help=True)))
    assert any(line.startswith("age ") for line in found)


NAMES = st.text(alphabet="ab日本e\u0301مر\x1b\u202e😀:/", min_size=1, max_size=150)
VIEWS = st.builds(
    TopView,
    grouping=st.sampled_from(RowGrouping),
    help=st.booleans(),
    editing=st.booleans(),
    filter=st.sampled_from(["", "a", "日本" * 50]),
    offset=st.integers(0, 9),
)


@given(
    names=st.lists(NAMES, max_size=5),
    width=st.integers(1, 220),
    height=st.integers(1, 30),
    view=VIEWS,
    problem=st.sampled_from([None, "x " * 200]),
)
def test_no_line_is_wider_than_the_screen_and_all_of_them_fit_its_height(
    names: list[str], width: int, height: int, view: TopView, problem: str | None
) -> None:
    data = replace(data_of(*map(endpoint, names)), problem=problem, report=WELL)
    found = shown(data, view, width=width, height=height)
    assert len(found.lines) <= height
    for line in found.lines:
        text = "".join(text for text, _ in line)
        assert cell_len(text) <= width
        assert text.isprintable() or "\u0301" in text
        assert all(style == "" or Style.parse(style) for _, style in line)


def test_a_file_gets_every_row_whole_and_without_styles() -> None:
    data = replace(data_of(*MANY, endpoint("x" * 100)), report=WELL)
    text = plain(data, NOW_S, None, ascii_only=False)
    assert text.startswith("all well\nmeasured 12 s ago from fra1\nmonitor: healthy\n\nstatus ")
    assert "\x1b" not in text
    assert "x" * 100 in text
    assert len(text.splitlines()) == 5 + 101
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_file_for_a_width_or_in_ascii_has_that() -> None:
    data = replace(data_of(endpoint("日本:x")), problem="refused")
    text = plain(data, NOW_S + 3, 60, ascii_only=True)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 60
    assert "????:x" in text
    assert "has not answered for 3 s" in text
