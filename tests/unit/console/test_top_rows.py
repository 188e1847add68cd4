"""What `top` takes from the documents of a daemon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.console.top.rows import (
    MonitorReport,
    OpenIncident,
    TopData,
    monitor_report,
    newest,
    open_incidents,
    received,
    top_row,
)
from tests.unit.console.top_values import NOW_S, at, data_of, document, endpoint, make_row
from tests.unit.score.values import START


def test_a_snapshot_replaces_all_rows_and_a_change_only_its_own() -> None:
    data = data_of(endpoint("a:x"), endpoint("b:x"))
    changed = received(data, document(endpoint("b:x", status="down")), NOW_S, partial=True)
    assert {key: row.status for key, row in changed.rows.items()} == {"a:x": "up", "b:x": "down"}
    assert [*received(changed, document(endpoint("c:x")), NOW_S).rows] == ["c:x"]


def test_a_document_ends_the_problem_of_the_connection() -> None:
    lost = replace(data_of(), problem="refused")
    assert received(lost, document(), NOW_S + 5, partial=True).problem is None
    assert received(lost, document(), NOW_S + 5, partial=True).contact_s == NOW_S + 5


def test_ages_are_by_the_daemons_clock() -> None:
    assert data_of().daemon_time(NOW_S + 4) == START + timedelta(seconds=4)
    assert data_of().daemon_time(NOW_S - 4) == START
    assert TopData().daemon_time(NOW_S) is None


def test_a_row_of_nothing_has_nothing_measured() -> None:
    row = top_row({})
    assert (row.id, row.status, row.score, row.ttft_s, row.price) == ("–", "–", None, (None, None), (None, None))
    assert received(TopData(), {"endpoints": "none", "vantage": 7}, 0.0).vantage == "–"
    assert received(TopData(vantage="fra1"), {}, 0.0).vantage == "fra1"


def test_two_hostile_ids_that_look_alike_stay_two_rows() -> None:
    assert len(data_of(endpoint("a\x1b"), endpoint("a\x07")).rows) == 2


def test_only_open_incidents_are_taken() -> None:
    began = {"endpoint": "a:x", "worst": "down", "cause": "connect", "began_at": at(-60)}
    found = open_incidents({"data": [{**began, "ended_at": None}, {**began, "endpoint": "b", "ended_at": at(0)}, 7]})
    assert found["a:x"] == OpenIncident(worst="down", cause="connect", began_at=START - timedelta(seconds=60))
    assert "b" not in found


def test_the_monitor_reports_of_itself() -> None:
    report = monitor_report({"ready": False, "problems": ["the store\x1b fails"], "warnings": ["clock"]})
    assert report == MonitorReport(problems=("the store\N{REPLACEMENT CHARACTER} fails",), warnings=("clock",))
    assert monitor_report({"ready": True, "problems": []}) == MonitorReport()


def test_the_newest_sample_is_that_of_any_endpoint() -> None:
    assert newest([make_row(), make_row(measured_at=at(-3)), make_row(measured_at=None)]) == START - timedelta(
        seconds=3
    )
    assert newest([]) is None
