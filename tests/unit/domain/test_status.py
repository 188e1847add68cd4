"""Statuses and incidents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from monitor.domain.incident import Incident, incident_id
from monitor.domain.status import Status

START = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
ONE = "groq:llama"


def incident(causes: Mapping[str, int] = {"connect": 2}, ended_at: datetime | None = None) -> Incident:
    return Incident(
        id=incident_id(ONE, START),
        endpoint=ONE,
        worst=Status.DOWN,
        began_at=START,
        last_at=START + timedelta(minutes=1),
        ended_at=ended_at,
        causes=causes,
    )


def test_routers_fail_open() -> None:
    assert {status: status.usable for status in Status} == {
        Status.UP: True,
        Status.DEGRADED: True,
        Status.DOWN: False,
        Status.UNKNOWN: None,
        Status.MAINTENANCE: None,
        Status.PAUSED: None,
    }


def test_an_incident_rests_on_all_samples_of_all_its_causes() -> None:
    assert incident({"connect": 2, "slo": 3, "habit": 1}).samples == 6


def test_the_cause_is_what_most_samples_showed() -> None:
    assert incident({"connect": 2, "slo": 3, "habit": 1}).cause == "slo"


def test_of_causes_that_showed_equally_often_the_first_seen_is_named() -> None:
    assert incident({"slo": 1, "overloaded": 3, "connect": 3}).cause == "overloaded"


def test_an_open_incident_lasts_until_now() -> None:
    assert incident().lasted(START + timedelta(hours=2)) == timedelta(hours=2)


def test_an_incident_that_ended_lasts_no_longer_whatever_the_time() -> None:
    ended = incident(ended_at=START + timedelta(minutes=7))
    assert ended.lasted(START + timedelta(days=2)) == timedelta(minutes=7)


def test_an_id_is_16_hex_digits_and_always_the_same() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", incident_id(ONE, START))
    assert incident_id(ONE, START) == "2a0e17017990741f"


def test_an_id_does_not_depend_on_the_time_zone_that_the_beginning_is_written_in() -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert incident_id(ONE, elsewhere) == incident_id(ONE, START)


def test_other_endpoints_and_other_beginnings_have_other_ids() -> None:
    ids = {incident_id(name, at) for name in (ONE, "groq:llam") for at in (START, START + timedelta(microseconds=1))}
    assert len(ids) == 4


def test_an_endpoint_named_in_what_is_not_unicode_text_has_an_id_too() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", incident_id("groq:\ud800", START))
