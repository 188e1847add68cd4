"""`/v1/incidents` and its feed of a real server on a real store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from monitor.domain.incident import Incident
from monitor.history.incidents import incident_row
from monitor.store import Store
from probes._serialize import timestamp
from tests.integration.history.serving import NOW, SLASHED, Begin, Served, fill, make_history
from tests.unit.store.incidents import ended, make_incident

ATOM = "{http://www.w3.org/2005/Atom}"
HOUR = timedelta(hours=1)


def row_of_incidents(count: int) -> list[Incident]:
    """Of two endpoints by turns, the newest two open."""
    names = ("groq:llama", SLASHED)
    over = [ended(number, endpoint=names[number % 2]) for number in range(count - 2)]
    return [*over, *(make_incident(number, endpoint=names[number % 2]) for number in range(count - 2, count))]


def plain(incidents: list[Incident]) -> list[Any]:
    return [dict(incident_row(incident, NOW)) for incident in incidents]


async def pages(served: Served, query: str = "") -> list[Any]:
    found, cursor = [], ""
    while True:
        response, body = await served.get(f"/v1/incidents?{query}{cursor}")
        assert response.status == 200, body
        found += body["data"]
        if body["next"] is None:
            return found
        cursor = f"&cursor={body['next']}"


@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_pages_give_every_incident_once_newest_first(store: Store, begin: Begin, limit: int) -> None:
    kept = row_of_incidents(13)
    await fill(store, [], kept)
    served = await begin(make_history(store))
    assert await pages(served, f"limit={limit}") == plain(kept[::-1])


async def test_an_incident_says_what_why_and_how_long(store: Store, begin: Begin) -> None:
    await fill(store, [], row_of_incidents(3))
    served = await begin(make_history(store))
    newest, _, oldest = await pages(served)
    assert oldest == {
        "id": "0" * 16,
        "endpoint": "groq:llama",
        "worst": "down",
        "cause": "connect",
        "causes": {"connect": 2},
        "samples": 2,
        "began_at": "2026-11-22T07:00:00.000000Z",
        "last_at": "2026-11-22T07:01:00.000000Z",
        "ended_at": "2026-11-22T07:30:00.000000Z",
        "duration_s": 1800.0,
    }
    assert newest["ended_at"] is None
    assert newest["duration_s"] == (NOW - datetime.fromisoformat(newest["began_at"])).total_seconds()


async def test_they_are_those_of_an_endpoint_and_those_that_were_not_over(store: Store, begin: Begin) -> None:
    kept = row_of_incidents(12)
    await fill(store, [], kept)
    served = await begin(make_history(store))
    mine = [each for each in kept if each.endpoint == SLASHED]
    assert await pages(served, f"endpoint={SLASHED}&limit=2") == plain(mine[::-1])
    since = kept[4].began_at + 0.25 * HOUR
    assert await pages(served, f"since={timestamp(since)}&limit=3") == plain(kept[:3:-1])
    assert await pages(served, f"since={timestamp(NOW)}") == plain(kept[:9:-1])
    assert await pages(served, "endpoint=nobody:none") == []


async def test_what_begins_meanwhile_pushes_nothing_out(store: Store, begin: Begin) -> None:
    kept = row_of_incidents(9)
    await fill(store, [], kept)
    served = await begin(make_history(store))
    _, first = await served.get("/v1/incidents?limit=4")
    await fill(store, [], [make_incident(50), ended(7, endpoint="groq:llama")])
    _, second = await served.get(f"/v1/incidents?limit=1000&cursor={first['next']}")
    assert [*first["data"], *second["data"]] == plain(kept[::-1])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit must be a whole number from 1 to 1000"),
        ("cursor=x", "cursor must be the value of `next`"),
        ("since=now", "since must be a date and time with a zone"),
        ("status=open", "unknown parameter 'status'; known parameters: since, endpoint, limit, cursor"),
    ],
)
async def test_an_invalid_query_is_refused_with_the_reason(
    empty: Store, begin: Begin, query: str, message: str
) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(f"/v1/incidents?{query}")
    assert (response.status, body["error"]["code"]) == (400, "bad_request")
    assert message in body["error"]["message"]


async def test_the_feed_is_atom_with_the_newest_hundred(store: Store, begin: Begin) -> None:
    kept = row_of_incidents(120)
    await fill(store, [], kept)
    served = await begin(make_history(store))
    response, body = await served.ask("/v1/incidents.atom")
    assert (response.status, response.content_type) == (200, "application/atom+xml")
    root = ET.fromstring(body)
    assert root.tag == ATOM + "feed"
    ids = [entry.findtext(ATOM + "id") or "" for entry in root.findall(ATOM + "entry")]
    assert [name.rpartition("/")[2] for name in ids] == [each.id for each in kept[:19:-1]]
    assert root.findtext(ATOM + "id") == "tag:providerwatch,2026:local/incidents"
    assert len(set(ids)) == 100


async def test_a_feed_without_news_is_the_same_bytes_and_is_not_sent_again(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store))
    response, empty = await served.ask("/v1/incidents.atom")
    assert ET.fromstring(empty).findall(ATOM + "entry") == []
    await fill(store, [], [make_incident(1)])
    changed, _ = await served.ask("/v1/incidents.atom", If_None_Match=response.headers["ETag"])
    assert changed.status == 200
    again, nothing = await served.ask("/v1/incidents.atom", If_None_Match=changed.headers["ETag"])
    assert (again.status, nothing) == (304, b"")
    refused, _ = await served.ask("/v1/incidents.atom?limit=3")
    assert refused.status == 400
