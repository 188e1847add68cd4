"""`/v1/endpoints/{id}/samples` of a real server on a real store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from monitor.store import Retention, Store
from probes._model import Sample, Task
from probes._serialize import sample_to_plain, timestamp
from tests.integration.history.serving import (
    NAME,
    NOW,
    ODD,
    SLASHED,
    Begin,
    Served,
    a_sample,
    fill,
    make_history,
    path_of,
    samples,
    tool_call,
)
from tests.integration.store.asking import settle
from tests.unit.store.samples import START

DAY = timedelta(days=1)


async def page(served: Served, query: str = "", name: str = NAME) -> Any:
    response, body = await served.get(path_of(name, f"samples?{query}"))
    assert response.status == 200, body
    return body


async def pages(served: Served, query: str = "", name: str = NAME) -> list[Any]:
    """All that there is, page by page."""
    body = await page(served, query, name)
    found = [*body["data"]]
    while body["next"] is not None:
        body = await page(served, f"{query}&cursor={body['next']}", name)
        found += body["data"]
    return found


def plain(samples: list[Sample]) -> list[dict[str, object]]:
    return [sample_to_plain(sample) for sample in samples]


async def test_samples_come_newest_first_with_all_their_fields(store: Store, begin: Begin) -> None:
    await fill(store, [*samples(20), a_sample(3, "my-vllm:other", id="f" * 16)])
    served = await begin(make_history(store))
    body = await page(served)
    assert body == {"data": plain(samples(20)[::-1]), "next": None}
    assert {"id", "endpoint", "vantage", "task", "started_at", "ttft_s", "error", "blame"} <= body["data"][0].keys()
    failed = body["data"][0]
    assert (failed["error"], failed["blame"], failed["status_code"]) == ("overloaded", "provider", 529)
    assert failed["ttft_s"] is None


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("sealed", [False, True])
async def test_pages_give_every_sample_once(store: Store, begin: Begin, limit: int, sealed: bool) -> None:
    kept = samples(20 if limit == 1 else 200)
    await fill(store, kept)
    if sealed:
        await settle(store, NOW + 30 * DAY)
    served = await begin(make_history(store))
    assert await pages(served, f"limit={limit}") == plain(kept[::-1])


async def test_what_arrives_meanwhile_is_neither_twice_nor_does_it_push_anything_out(
    store: Store, begin: Begin
) -> None:
    kept = samples(40)
    await fill(store, kept)
    served = await begin(make_history(store))
    body = await page(served, "limit=7")
    found = [*body["data"]]
    number = 100
    while body["next"] is not None:
        await fill(store, [a_sample(number), a_sample(number + 1)])
        number += 2
        body = await page(served, f"limit=7&cursor={body['next']}")
        found += body["data"]
    assert found == plain(kept[::-1])


async def test_what_is_packed_away_meanwhile_comes_all_the_same(store: Store, begin: Begin) -> None:
    kept = samples(200)
    await fill(store, kept)
    served = await begin(make_history(store))
    body = await page(served, "limit=30")
    found, now = [*body["data"]], START
    while body["next"] is not None:
        now += timedelta(hours=12)
        await settle(store, now)
        body = await page(served, f"limit=30&cursor={body['next']}")
        found += body["data"]
    assert found == plain(kept[::-1])


async def test_a_late_sample_is_where_it_began(store: Store, begin: Begin) -> None:
    kept = samples(20)
    await fill(store, [each for each in kept if each is not kept[5]])
    served = await begin(make_history(store))
    first = await page(served, "limit=10")
    await fill(store, [kept[5]])
    rest = await page(served, f"limit=100&cursor={first['next']}")
    assert [*first["data"], *rest["data"]] == plain(kept[::-1])


async def test_a_span_is_half_open(store: Store, begin: Begin) -> None:
    kept = samples(30)
    await fill(store, kept)
    served = await begin(make_history(store))
    since, until = timestamp(kept[10].started_at), timestamp(kept[20].started_at)
    assert await pages(served, f"since={since}&until={until}&limit=3") == plain(kept[19:9:-1])
    offset = quote((kept[10].started_at).isoformat(), safe="")
    assert await pages(served, f"since={offset}") == plain(kept[:9:-1])
    assert await pages(served, f"until={since}") == plain(kept[9::-1])


@pytest.mark.parametrize("sealed", [False, True])
async def test_one_task_is_found_among_many_of_another(store: Store, begin: Begin, sealed: bool) -> None:
    """Though a page looks back no more than a week, none is lost."""
    rare = [tool_call(number) for number in (0, 1, 1200, 1800, 1801)]
    await fill(store, [*samples(50), *rare])
    if sealed:
        await settle(store, NOW + 60 * DAY)
    served = await begin(make_history(store, now=START + 13 * DAY, retention=Retention(raw=30 * DAY)))
    assert await pages(served, "task=tool_call&limit=2") == plain(rare[::-1])
    assert await pages(served, "task=embedding") == []
    chat = await pages(served, "task=chat")
    assert {each["task"] for each in chat} == {Task.CHAT.value}
    assert len(chat) == 50


@pytest.mark.parametrize("name", [SLASHED, ODD])
async def test_ids_may_hold_anything(store: Store, begin: Begin, name: str) -> None:
    await fill(store, samples(3, name=name))
    served = await begin(make_history(store))
    assert await pages(served, name=name) == plain(samples(3, name=name)[::-1])


async def test_a_raw_id_is_fine(store: Store, begin: Begin) -> None:
    await fill(store, samples(2, name=SLASHED))
    served = await begin(make_history(store))
    response, body = await served.get(f"/v1/endpoints/{SLASHED}/samples")
    assert (response.status, len(body["data"])) == (200, 2)


async def test_an_endpoint_without_samples_has_an_empty_page(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store))
    assert await page(served) == {"data": [], "next": None}


@pytest.mark.parametrize("path", ["nobody:none/samples", "samples", "groq:llama/samples/", "groq:llama/sample"])
async def test_an_unknown_id_is_not_found(empty: Store, begin: Begin, path: str) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(f"/v1/endpoints/{path}")
    assert (response.status, body["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit must be a whole number from 1 to 1000, not '0'"),
        ("limit=1001", "limit must be a whole number from 1 to 1000, not '1001'"),
        ("limit=ten", "limit must be a whole number from 1 to 1000"),
        ("cursor=", "cursor must be the value of `next` from an earlier page; omit it to start over, not ''"),
        ("cursor=AAAA", "cursor must be the value of `next`"),
        ("cursor=" + "_" * 22, "cursor must be the value of `next`"),
        ("since=yesterday", "since must be a date and time with a zone"),
        ("since=2026-11-22T07:00:00", "since must be a date and time with a zone"),
        ("until=1", "until must be a date and time with a zone"),
        ("task=poem", "task must be one of chat, tool_call"),
        ("limit=1&limit=2", "the parameter limit is given twice"),
        ("offset=5", "unknown parameter 'offset'; known parameters: since, until, task, limit, cursor"),
    ],
)
async def test_an_invalid_query_is_refused_with_the_reason(
    empty: Store, begin: Begin, query: str, message: str
) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(path_of(NAME, f"samples?{query}"))
    assert (response.status, body["error"]["code"]) == (400, "bad_request")
    assert message in body["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "since=0001-01-01T00:00:00Z",
        "since=9999-12-31T23:59:59Z",
        "until=0001-01-01T00:00:00Z",
        "until=9999-12-31T23:59:59Z&task=chat",
        "since=9999-12-31T23:59:59Z&until=0001-01-01T00:00:00Z&task=reach",
    ],
)
async def test_the_ends_of_time_are_times(store: Store, begin: Begin, query: str) -> None:
    await fill(store, samples(3))
    served = await begin(make_history(store))
    response, _ = await served.get(path_of(NAME, f"samples?{query}"))
    assert response.status == 200


async def test_an_unchanged_page_is_answered_with_304(store: Store, begin: Begin) -> None:
    await fill(store, samples(3))
    served = await begin(make_history(store))
    response, _ = await served.get(path_of(NAME, "samples"))
    again, body = await served.ask(path_of(NAME, "samples"), If_None_Match=response.headers["ETag"])
    assert (again.status, body) == (304, b"")
    await fill(store, [a_sample(9)])
    changed, _ = await served.ask(path_of(NAME, "samples"), If_None_Match=response.headers["ETag"])
    assert changed.status == 200


async def test_history_is_for_who_has_the_token(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store), "t0ken")
    for path in (path_of(NAME, "samples"), path_of(NAME, "series"), "/v1/incidents", "/v1/incidents.atom"):
        assert (await served.ask(path))[0].status == 401
        assert (await served.ask(path, Authorization="Bearer t0ken"))[0].status == 200
