"""Reporting real traffic over HTTP, and reading the usage: a real server with a real recorder and store."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from monitor.metrics.metrics import Metrics
from monitor.pipeline.outcomes import OutcomeCallbacks, OutcomeReceiver, reader_of
from monitor.pipeline.recorder import Recorder, RecorderCallbacks, RecorderIntervals
from monitor.scoreboard.board import Board
from monitor.store import Store, StoreError, create_store
from monitor.traffic.calls import Call, Receipt, StoppingError
from monitor.traffic.counted import Activity, UsageKey
from monitor.traffic.known import KnownIds
from monitor.traffic.outcome import Outcome
from monitor.web.context import Context
from monitor.web.openapi import openapi
from monitor.web.routes import activity, outcomes
from monitor.web.store_reads import ReadLimits
from tests.integration.daemon.parts import PATIENT_S, end, until
from tests.integration.history.serving import make_history
from tests.integration.web.serving import SLASHED, SPECS, Serve, Served
from tests.support.board_values import make_board, make_config, make_spec
from tests.support.memory_store import MemoryStore

BOARD = make_board(*SPECS)
CONTEXT = Context(snapshot=lambda: BOARD.snapshot, problems=tuple, history=make_history(MemoryStore()))
CLOSED: Any = openapi([*outcomes.routes(CONTEXT), *activity.routes(CONTEXT)], "0", closed=True)
ONE, TOKEN = "groq:llama", "s3cret"
PATH = "/v1/outcomes"


@dataclass
class Desk:
    """A server that takes outcomes, and who reports to it."""

    served: Served
    store: Store
    metrics: Metrics

    async def post(self, body: object, *, token: str = TOKEN) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers of the answer, which are checked against the OpenAPI document."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://{self.served.host}:{self.served.port}{PATH}"
        async with self.served.session.post(url, data=io.BytesIO(data), headers=headers) as response:
            found = await response.json()
            hold_against_schema(PATH, "post", response.status, found)
            return response.status, found, response.headers

    async def report(self, *reported: object) -> Any:
        status, found, _ = await self.post({"outcomes": list(reported)})
        assert status == 200
        return found

    async def get(self, path: str) -> Any:
        response, found = await self.served.get(path, Authorization=f"Bearer {TOKEN}")
        hold_against_schema(path.partition("?")[0], "get", response.status, found)
        return found

    async def row(self, name: str = ONE) -> Any:
        response, found = await self.served.get(f"/v1/scores/{name}", Authorization=f"Bearer {TOKEN}")
        assert response.status == 200
        return found

    def total(self, result: str) -> float | None:
        return self.metrics.registry.get_sample_value("providerwatch_outcomes_total", {"result": result})


def hold_against_schema(path: str, method: str, status: int, found: Any) -> None:
    said = CLOSED["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    Draft202012Validator({"components": CLOSED["components"], **said}).validate(found)


def now(seconds: float = 0.0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def outcome(call_id: str = "chatcmpl-1", **fields: Any) -> dict[str, Any]:
    return {"id": call_id, "endpoint": ONE, "at": now(), "outcome": "ok", **fields}


@dataclass
class Recording:
    """A desk, and the recorder behind it."""

    desk: Desk
    recorder: Recorder
    running: asyncio.Task[None]


@pytest.fixture
async def recording(serve: Serve, tmp_path: Path) -> AsyncIterator[Recording]:
    store = create_store(f"sqlite:///{tmp_path / 'store.db'}")
    await store.open()
    served: list[Served] = []
    receivers: list[OutcomeReceiver] = []

    async def take(body: object) -> Receipt:
        return await receivers[0].take(body)

    served.append(await serve(TOKEN, outcomes=lambda: take, history=make_history(store, now=datetime.now(UTC))))
    metrics = Metrics("0", lambda: served[0].board.snapshot)
    board: Board = served[0].board

    def published(_: object) -> None:
        board.publish(datetime.now(UTC))

    callbacks = RecorderCallbacks(
        observe=lambda sample: None,
        published=published,
        due=lambda name, at: None,
        dropped=lambda n: None,
    )
    recorder = Recorder(board, store, callbacks, intervals=RecorderIntervals(longest_s=3600))
    outcome_callbacks = OutcomeCallbacks(
        now=lambda: datetime.now(UTC),
        take=recorder.take,
        count=lambda result, count: metrics.outcomes.labels(result).inc(count),
    )
    receivers.append(OutcomeReceiver(reader_of(make_config(*SPECS[:2])), outcome_callbacks, KnownIds(most=2_500)))
    running = asyncio.create_task(recorder.run())
    yield Recording(Desk(served[0], store, metrics), recorder, running)
    await end(running)
    await store.close()


@pytest.fixture
def desk(recording: Recording) -> Desk:
    return recording.desk


async def test_a_batch_is_answered_and_published_by_then(desk: Desk) -> None:
    found = await desk.report(
        outcome("a"),
        outcome("a"),
        outcome("b", outcome="overloaded", status_code=529, ttft_s=0.21, e2e_s=1.4),
        outcome("c", endpoint="groq:lama"),
    )
    reason = "endpoint: unknown endpoint 'groq:lama'"
    assert found == {"accepted": 2, "duplicates": 1, "rejected": [{"index": 3, "reason": reason}]}
    row = await desk.row()
    assert row["source"] in {"mixed", "traffic"}
    assert row["traffic"]["5m"] == {"ok": 1, "failed": 1, "rate_limited": 0, "account": 0}
    assert row["last_error"]["status_code"] == 529
    assert [desk.total(result) for result in ("accepted", "duplicate", "rejected")] == [2, 1, 1]


async def test_a_batch_that_is_sent_again_is_all_duplicates(desk: Desk) -> None:
    batch = [outcome(f"{n}", at=now(-n / 2)) for n in range(1000)]
    assert (await desk.report(*batch))["accepted"] == 1000
    assert await desk.report(*batch) == {"accepted": 0, "duplicates": 1000, "rejected": []}
    assert (await desk.row())["traffic"]["1d"]["ok"] == 1000


async def test_beyond_what_can_be_remembered_a_batch_is_put_off(desk: Desk) -> None:
    for first in (0, 1000):
        await desk.report(*(outcome(f"{first + n}") for n in range(1000)))
    status, found, headers = await desk.post({"outcomes": [outcome(f"{2000 + n}") for n in range(1000)]})
    assert (status, found["error"]["code"]) == (429, "too_many_requests")
    assert int(headers["Retry-After"]) > 0
    assert (await desk.row())["traffic"]["1d"]["ok"] == 2000


async def test_endpoints_are_found_by_what_routers_call_them(serve: Serve, desk: Desk) -> None:
    found = await desk.report(outcome("a", endpoint=None, router_id={"litellm": "dep-17"}))
    assert found["rejected"][0]["reason"].startswith("router_id: several endpoints have")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body must be an object"),
        ({"outcomes": 3}, "outcomes: must be a list"),
        ({"outcome": []}, "outcome: is not a known field"),
        ({"outcomes": [0] * 1001}, "at most 1000 are allowed"),
    ],
)
async def test_what_is_no_batch_is_a_bad_request_that_names_the_field(desk: Desk, body: object, told: str) -> None:
    status, found, _ = await desk.post(body)
    assert (status, found["error"]["code"]) == (400, "bad_request")
    assert told in found["error"]["message"]
    assert (await desk.row())["traffic"] is None


async def test_a_body_beyond_a_mebibyte_is_refused(desk: Desk) -> None:
    status, found, _ = await desk.post(b" " * (1 << 20) + b"{}")
    assert (status, found["error"]["code"]) == (413, "request_entity_too_large")


async def test_the_wrong_token_changes_nothing(desk: Desk) -> None:
    status, _, _ = await desk.post({"outcomes": [outcome()]}, token="guessed")
    assert (status, (await desk.row())["traffic"]) == (401, None)


async def test_a_monitor_that_stops_says_so_and_when_to_come_again(serve: Serve) -> None:
    async def stopping(_: object) -> Receipt:
        raise StoppingError

    served = await serve(TOKEN, outcomes=lambda: stopping)
    desk = Desk(served, MemoryStore(), Metrics("0", lambda: served.board.snapshot))
    status, found, headers = await desk.post({"outcomes": [outcome()]})
    assert (status, found["error"]["code"], headers["Retry-After"]) == (503, "service_unavailable", "5")


async def test_all_who_wait_while_the_monitor_stops_are_answered(recording: Recording) -> None:
    """Also when their turn is cut short and others arrive before the last one."""
    desk = recording.desk
    async with recording.recorder.judging_lock:
        cut = [asyncio.create_task(desk.report(outcome(f"cut-{number}"))) for number in range(3)]
        await until(lambda: desk.total("accepted") == 3)
        await end(recording.running)
        late = [asyncio.create_task(desk.report(outcome(f"late-{number}"))) for number in range(3)]
        await until(lambda: desk.total("accepted") == 6)
        assert not any(post.done() for post in (*cut, *late))
    await recording.recorder.flush(5)
    async with asyncio.timeout(PATIENT_S):
        assert [post["accepted"] for post in await asyncio.gather(*cut, *late)] == [1] * 6
    assert (await desk.post({"outcomes": [outcome("too-late")]}))[0] == 503


async def test_without_a_token_in_the_configuration_reports_are_refused(serve: Serve) -> None:
    served = await serve(outcomes=lambda: None)
    response, body = await served.ask(PATH, "POST")
    assert (response.status, json.loads(body)["error"]["code"]) == (403, "forbidden")
    assert "token" in json.loads(body)["error"]["message"]
    hold_against_schema(PATH, "post", response.status, json.loads(body))


async def test_reports_are_posted(served: Served) -> None:
    response, _ = await served.ask(PATH)
    assert (response.status, response.headers["Allow"]) == (405, "POST")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
spoiled = st.tuples(st.sampled_from(["id", "endpoint", "at", "outcome"]), anything).map(
    lambda field: outcome("x", **{field[0]: field[1] if not isinstance(field[1], str) or field[0] != "id" else 0})
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=anything
    | st.binary(max_size=30)
    | st.fixed_dictionaries({"outcomes": st.lists(anything | spoiled, max_size=4)})
)
async def test_an_invalid_body_changes_nothing(desk: Desk, body: object) -> None:
    before = await desk.row()
    status, found, _ = await desk.post(body)
    assert status == 400 or found["accepted"] == 0
    after = await desk.row()
    assert (after["traffic"], after["last_error"]) == (before["traffic"], before["last_error"]) == (None, None)


# Activity


class Asked(MemoryStore):
    """A store without activity, which keeps since when it was asked for, and may fail."""

    def __init__(self, error: StoreError | None = None) -> None:
        super().__init__()
        self.error = error
        self.since: list[date] = []

    async def activity(
        self,
        since: date,
        endpoints: Collection[str] | None = None,
        *,
        after: UsageKey | None = None,
        limit: int | None = None,
    ) -> list[Activity]:
        """See `Store.activity`."""
        if self.error is not None:
            raise self.error
        self.since.append(since)
        return []


async def test_activity_tells_requests_and_tokens_by_day_endpoint_and_application(desk: Desk) -> None:
    used = {"prompt_tokens": 812, "output_tokens": 96, "reasoning_tokens": 5}
    await desk.report(
        outcome("a", app="search", **used),
        outcome("b", app="search", outcome="server_error"),
        outcome("c", **used),
        outcome("d", endpoint=SLASHED, app="chat"),
    )
    found = await desk.get("/v1/activity")
    day = datetime.now(UTC).date().isoformat()
    assert found == {
        "data": [
            {"day": day, "endpoint": ONE, "app": None, "requests": 1, **used},
            {"day": day, "endpoint": ONE, "app": "search", "requests": 2, **used},
            {"day": day, "endpoint": SLASHED, "app": "chat", "requests": 1, **dict.fromkeys(used, 0)},
        ],
        "next": None,
    }
    of_one = found["data"][:2]
    assert (await desk.get("/v1/activity?endpoint=groq:llama"))["data"] == of_one
    assert (await desk.get("/v1/activity?model=meta-llama/llama-3.2-1b-instruct&days=1"))["data"] == of_one
    assert (await desk.get("/v1/activity?model=other/model&endpoint=groq:llama"))["data"] == []
    assert (await desk.get("/v1/activity?endpoint=nobody"))["data"] == []


async def test_activity_is_read_page_by_page(desk: Desk) -> None:
    await desk.report(*(outcome(str(number), app=f"app-{number}") for number in range(7)))
    whole = (await desk.get("/v1/activity"))["data"]
    pages: list[Any] = []
    cursor: str | None = ""
    for length in (3, 3, 1):
        page = await desk.get(f"/v1/activity?limit=3{cursor and f'&cursor={cursor}'}")
        assert len(page["data"]) == length
        pages, cursor = pages + page["data"], page["next"]
    assert (pages, len(whole)) == (whole, 7)
    assert cursor is None


@pytest.mark.parametrize("query", ["limit=0", "limit=5001", "cursor=%C3%A9", "cursor=AAAAA"])
async def test_pages_of_activity_are_asked_for_by_what_was_given_out(serve: Serve, query: str) -> None:
    served = await serve(history=make_history(MemoryStore()))
    response, found = await served.get(f"/v1/activity?{query}")
    assert (response.status, found["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("days", ["0", "401", "-1", "many"])
async def test_days_are_a_number_within_bounds(serve: Serve, days: str) -> None:
    served = await serve(history=make_history(MemoryStore()))
    response, found = await served.get(f"/v1/activity?days={days}")
    assert (response.status, "days must be a whole number from 1 to 400" in found["error"]["message"]) == (400, True)


async def test_activity_goes_back_as_many_days_as_are_asked_for(serve: Serve) -> None:
    store = Asked()
    served = await serve(history=make_history(store, now=datetime.now(UTC)))
    for query in ("", "?days=1", "?days=400"):
        await served.get(f"/v1/activity{query}")
    today = datetime.now(UTC).date()
    assert [today - since for since in store.since] == [timedelta(days=29), timedelta(days=0), timedelta(days=399)]


async def test_activity_is_kept_for_a_while_and_an_unchanged_answer_is_not_sent_again(serve: Serve) -> None:
    store = Asked()
    served = await serve(history=make_history(store, limits=ReadLimits(kept_s=PATIENT_S)))
    first, _ = await served.get("/v1/activity")
    again, body = await served.ask("/v1/activity", if_none_match=first.headers["ETag"])
    assert first.headers["Cache-Control"] == f"max-age={PATIENT_S:.0f}"
    assert (again.status, body, len(store.since)) == (304, b"", 1)
    await served.get("/v1/activity?limit=1")
    await served.get("/v1/activity?endpoint=groq:llama")
    await served.get("/v1/activity?model=other/model")
    assert len(store.since) == 4


async def test_a_store_that_does_not_answer_is_no_error_of_ours(serve: Serve) -> None:
    history = make_history(Asked(StoreError("store /x: database is locked")))
    response, found = await (await serve(history=history)).get("/v1/activity")
    assert (response.status, found["error"]["code"]) == (503, "service_unavailable")
    assert response.headers["Retry-After"] == "2"
    hold_against_schema("/v1/activity", "get", 503, found)


# The page


PAGE = (Path(__file__).parents[3] / "docs" / "traffic.md").read_text()


async def test_what_the_page_reports_is_taken(serve: Serve) -> None:
    """But for its times, which are long ago."""
    spec = make_spec("groq:llama-3.1-8b-instant", router_ids={"litellm": "dep-17"})
    taken: list[object] = []

    async def take(calls: Sequence[Call]) -> None:
        taken.extend(calls)

    callbacks = OutcomeCallbacks(now=lambda: datetime.now(UTC), take=take, count=lambda result, count: None)
    typed = re.findall(r"<<'END'\n(.*?)\nEND\n(.*?)\n```", PAGE, re.DOTALL)
    assert len(typed) == 1
    body, told = typed[0]
    written = re.sub(r'"at": "[^"]*"', f'"at": "{now()}"', body)
    receiver = OutcomeReceiver(reader_of(make_config(spec)), callbacks)
    served = await serve(TOKEN, outcomes=lambda: receiver.take)
    status, found, _ = await Desk(served, MemoryStore(), Metrics("0", lambda: served.board.snapshot)).post(
        written.encode()
    )
    assert (status, found) == (200, json.loads(told))
    assert len(taken) == 2


def test_the_page_describes_every_field() -> None:
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
    assert set(told) == set(Outcome.__annotations__)
