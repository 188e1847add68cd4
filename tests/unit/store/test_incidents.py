"""Incidents as rows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from monitor.domain.incident import Incident
from monitor.domain.status import Status
from monitor.store._incidents import to_row
from monitor.store._tables import incident as table
from tests.support.stored_values import incident_as_stored
from tests.unit.store.incidents import incidents, make_incident
from tests.unit.store.samples import START


def test_every_field_of_an_incident_has_a_column() -> None:
    assert {name.removesuffix("_id") or name for name in to_row(make_incident(1))} == {*table.columns.keys()}


def test_causes_are_text_in_the_order_in_which_they_were_seen() -> None:
    found = make_incident(1, causes={"slo": 3, "connect": 1})
    assert json.loads(str(to_row(found)["causes"]), object_pairs_hook=list) == [("slo", 3), ("connect", 1)]


@given(found=incidents)
def test_a_database_gives_back_what_it_was_given(found: Incident) -> None:
    assert incident_as_stored(found) == found
    assert [*incident_as_stored(found).causes] == [*found.causes]


def test_times_come_back_in_utc() -> None:
    east = timezone(timedelta(hours=9))
    kept = incident_as_stored(make_incident(1, began_at=START.astimezone(east)))
    assert (kept.began_at, kept.began_at.tzinfo) == (START, UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        make_incident(1, id="no id"),
        make_incident(1, began_at=datetime(2026, 11, 22)),  # noqa: DTZ001
        make_incident(1, ended_at=datetime(2026, 11, 22)),  # noqa: DTZ001
    ],
    ids=["id", "beginning", "end"],
)
def test_what_no_database_takes_is_refused(wrong: Incident) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|no time zone"):
        incident_as_stored(wrong)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DEGRADED, Status.DOWN}))
def test_what_was_up_or_not_known_was_no_incident(status: Status) -> None:
    with pytest.raises(ValueError, match=f"'{status}' cannot be the worst status of an incident"):
        incident_as_stored(replace(make_incident(1), worst=status))
