"""Incidents for clients: rows with durations, and a valid Atom feed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.history.incidents import IncidentList, IncidentRow, feed, incident_row, span
from monitor.schema.json_schema import document_schema
from tests.unit.store.incidents import ended, incidents, make_incident
from tests.unit.store.samples import START

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = START + timedelta(hours=5)


def parsed(found: list[Incident], vantage: str = "fra1") -> ET.Element:
    return ET.fromstring(feed(found, vantage))


def text(element: ET.Element, name: str) -> str:
    (found,) = element.findall(ATOM + name)
    return found.text or ""


# Rows


def test_an_incident_that_is_over_says_how_long_it_was() -> None:
    incident = ended(0, causes={"connect": 2, "timeout_ttft": 5})
    assert incident_row(incident, NOW) == {
        "id": "0" * 16,
        "endpoint": "steady:smollm2",
        "worst": "down",
        "cause": "timeout_ttft",
        "causes": {"connect": 2, "timeout_ttft": 5},
        "samples": 7,
        "began_at": "2026-11-22T07:00:00.000000Z",
        "last_at": "2026-11-22T07:01:00.000000Z",
        "ended_at": "2026-11-22T07:30:00.000000Z",
        "duration_s": 1800.0,
    }


def test_an_open_one_lasts_until_now_and_never_less_than_no_time() -> None:
    assert incident_row(make_incident(0), NOW)["duration_s"] == 5 * 3600
    assert incident_row(make_incident(0), NOW)["ended_at"] is None
    assert incident_row(make_incident(9), NOW)["duration_s"] == 0


@given(incidents)
def test_every_row_is_what_the_schema_says(incident: Incident) -> None:
    schema = document_schema(IncidentList, "incidents", closed=True)
    jsonschema.validate({"data": [incident_row(incident, NOW)], "next": None}, schema)
    assert set(incident_row(incident, NOW)) == set(IncidentRow.__annotations__)


# The feed


@given(st.lists(incidents, max_size=4, unique_by=lambda each: each.id), st.text(min_size=1))
def test_whatever_words_are_in_it_the_feed_has_all_that_atom_asks_for(found: list[Incident], vantage: str) -> None:
    root = parsed(found, vantage)
    assert root.tag == ATOM + "feed"
    entries = root.findall(ATOM + "entry")
    for each in (root, *entries):
        assert text(each, "id").startswith("tag:providerwatch,2026:")
        assert text(each, "id").isascii()
        assert " " not in text(each, "id")
        assert text(each, "title")
        assert datetime.fromisoformat(text(each, "updated")).tzinfo is not None
    assert len({text(each, "id") for each in (root, *entries)}) == len(found) + 1
    assert text(root.find(ATOM + "author") or root, "name") == "Providerwatch"
    assert all(text(entry, "content") for entry in entries)


def test_an_entry_tells_the_story() -> None:
    (entry,) = parsed([ended(0, causes={"connect": 2, "timeout_ttft": 1})]).findall(ATOM + "entry")
    assert text(entry, "title") == "steady:smollm2 down: connect, ended"
    assert text(entry, "published") == "2026-11-22T07:00:00.000000Z"
    assert text(entry, "updated") == "2026-11-22T07:30:00.000000Z"
    assert text(entry, "content") == (
        "steady:smollm2 was down since 2026-11-22 07:00:00 UTC. 3 samples show a problem: connect (2), timeout_ttft "
        "(1); the newest began at 2026-11-22 07:01:00 UTC. It ended at 2026-11-22 07:30:00 UTC, after 30 min 0 s."
    )
    assert [element.get("term") for element in entry.findall(ATOM + "category")] == ["steady:smollm2", "down"]


def test_an_open_incident_is_the_same_entry_later_and_says_that_it_is_not_over() -> None:
    before = make_incident(0, causes={"slo": 1}, worst=Status.DEGRADED)
    (entry,) = parsed([before]).findall(ATOM + "entry")
    assert text(entry, "title") == "steady:smollm2 degraded: slo"
    assert text(entry, "content").endswith(
        "1 sample shows a problem: slo (1); the newest began at 2026-11-22 07:01:00 UTC. It is open."
    )
    (later,) = parsed([ended(0, causes={"slo": 1})]).findall(ATOM + "entry")
    assert text(later, "id") == text(entry, "id")
    assert text(later, "updated") > text(entry, "updated")


def test_the_feed_is_as_new_as_its_newest_entry_and_the_same_while_nothing_changes() -> None:
    found = [make_incident(3), ended(2, hours=9.0), ended(1)]
    assert text(parsed(found), "updated") == "2026-11-22T18:00:00.000000Z"
    assert feed(found, "fra1") == feed(list(found), "fra1")
    assert text(parsed([]), "updated") == "1970-01-01T00:00:00.000000Z"


def test_markup_and_what_xml_cannot_hold_stays_text() -> None:
    wicked = make_incident(0, endpoint='<script>&"\x00\x1f\ud800', causes={"]]><x/>": 1})
    root = parsed([wicked], '<b a="1">')
    assert text(root, "title") == 'Incidents seen from <b a="1">'
    (entry,) = root.findall(ATOM + "entry")
    assert text(entry, "title").startswith('<script>&"\ufffd\ufffd\ufffd down: ]]><x/>')
    tags: set[Any] = {element.tag.removeprefix(ATOM) for element in root.iter()}
    assert tags <= {
        "feed",
        "id",
        "title",
        "updated",
        "author",
        "name",
        "link",
        "entry",
        "published",
        "category",
        "content",
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
        (86_400 * 100, "100 d 0 h"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words
