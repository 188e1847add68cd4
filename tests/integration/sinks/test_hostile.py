"""The sink `influx` with a faulty server: no sample is lost, nothing loops, no bad line blocks others."""

from __future__ import annotations

import logging
import math
import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from monitor.sinks import SinkError
from monitor.sinks._influx_client import _why
from monitor.sinks._lines import line
from monitor.store import create_store
from tests.integration.sinks.delivering import ORIGINS, TOKEN, Waits, delivering, empty, filled, influx, made, until
from tests.integration.sinks.hostile import (
    CLOSED,
    ENDLESS,
    HALF_BODY,
    HALF_HEAD,
    LOST_ANSWER,
    NO_HTTP,
    SILENT,
    TAKEN,
    Answer,
    Hostile,
    hostile,
    http,
    refusal,
)
from tests.support.daemon import free_port


@pytest.fixture
async def server() -> AsyncIterator[Hostile]:
    async with hostile() as server:
        yield server


@pytest.fixture
def waits() -> Waits:
    return Waits()


def picky(lines: Sequence[str]) -> Answer:
    """Refuses every batch that holds a bad line, as a whole."""
    bad = [each for each in lines if "probe=bad" in each]
    return refusal(400, f"unable to parse '{bad[0][:30]}'") if bad else TAKEN


async def test_all_that_waits_is_written_once_in_batches_with_the_token(server: Hostile, waits: Waits) -> None:
    samples = made(range(1100))
    store = await filled(samples)
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 1100)
        await until(lambda: (runner.backlog, runner.last_error) == (0, None), "no backlog and no error")
    assert [len(lines) for _, lines in server.requests] == [500, 500, 100]
    told = [each for _, lines in server.requests for each in lines]
    assert told == [line(sample, ORIGINS[sample.endpoint]) for sample in samples]
    head = server.requests[0][0]
    assert head.startswith("POST /api/v2/write?org=o&bucket=b&precision=us ")
    assert f"Authorization: Token {TOKEN}" in head
    assert "Content-Encoding: gzip" in head


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500, 502])
async def test_a_server_that_refuses_the_request_gets_everything_once_it_is_well(
    server: Hostile, waits: Waits, status: int
) -> None:
    server.script.extend([refusal(status, f"no, {TOKEN}")] * 3)
    store = await filled(made(range(20)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 20)
    assert len(server.points) == 20
    assert [failures for failures, _ in waits] == [1, 2, 3]
    assert len(server.requests) == 4
    assert store.set_aside == {}


async def test_the_reason_is_shown_without_the_token(
    server: Hostile, waits: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.habit = lambda _: refusal(401, f"unauthorized: {TOKEN}")
    store = await filled(made(range(3)))
    async with delivering(influx(server.url), store, waits) as runner:
        await until(lambda: len(waits) > 2, "three failures")
        assert runner.last_error == "the server rejected the token: 401: unauthorized: ***"
        await until(lambda: runner.backlog == 3, "a count of what waits")
    told = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert [record for record in caplog.records if getattr(record, "action", "") == "sink_failed"]
    assert not [each for each in told if TOKEN in each]
    assert TOKEN not in f"{runner.last_error} {vars(runner)}"


@pytest.mark.parametrize("bad", [[0], [99], [41, 42], [7, 50, 93], list(range(0, 100, 9))])
async def test_a_bad_line_is_set_aside_with_the_servers_words_and_all_others_arrive(
    server: Hostile, waits: Waits, bad: list[int]
) -> None:
    server.habit = picky
    store = await filled(made(range(100), bad))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 100)
        assert (runner.delivered_total, runner.dropped_total) == (100 - len(bad), len(bad))
    assert store.set_aside == {f"{n:016x}": "400: unable to parse 'providerwatch_probe,endpoint=s'" for n in bad}
    server.points.pop("providerwatch_sink", None)
    assert len(server.points) == 100 - len(bad)
    assert waits == []
    assert len(server.requests) <= 2 * len(bad) * math.ceil(math.log2(100)) + 1


async def test_a_line_that_is_set_aside_lies_in_the_database_with_its_reason(
    server: Hostile, waits: Waits, tmp_path: Path
) -> None:
    server.habit = picky
    store = create_store(f"sqlite:///{tmp_path}/pw.db")
    await store.open()
    await store.append(made(range(5), [3]), {})
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 5)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "pw.db")) as database:
        rows = database.execute("SELECT sink.name, set_aside.id, reason FROM set_aside, sink").fetchall()
    assert rows == [("influx", 3, "400: unable to parse 'providerwatch_probe,endpoint=s'")]


async def test_a_batch_of_bad_lines_is_set_aside_in_bounded_turns(server: Hostile, waits: Waits) -> None:
    server.habit = picky
    store = await filled(made(range(300), range(300)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 300)
    assert len(store.set_aside) == 300
    assert len(server.requests) <= 2 * 300 + 100
    assert server.points == {"providerwatch_sink": "ok=1i"}


async def test_lines_that_the_server_says_it_left_out_are_not_asked_for_one_by_one(
    server: Hostile, waits: Waits
) -> None:
    def retention(lines: Sequence[str]) -> Answer:
        dropped = sum("probe=bad" in each for each in lines)
        told = f"partial write: points beyond retention policy dropped={dropped}"
        return refusal(422, told) if dropped else TAKEN

    server.habit = retention
    store = await filled(made(range(400), range(200)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 400)
    assert len(store.set_aside) == 200
    assert len(server.points) >= 200
    assert len(server.requests) <= 5


@pytest.mark.parametrize("status", [400, 422])
async def test_a_server_that_takes_nothing_at_all_is_misconfigured_and_everything_is_kept(
    server: Hostile, waits: Waits, status: int
) -> None:
    server.habit = lambda _: refusal(status, "please provide either orgID or org")
    store = await filled(made(range(500)))
    async with delivering(influx(server.url), store, waits) as runner:
        await until(lambda: len(waits) > 2, "three failures")
        assert runner.last_error == (
            f"the server rejects every line; check `org` and `bucket`: {status}: please provide either orgID or org"
        )
        assert (runner.dropped_total, store.set_aside) == (0, {})
        assert len(server.requests) <= 12 * (len(waits) + 1)
        server.habit = lambda _: TAKEN
        await empty(runner, 500)
    assert store.set_aside == {}
    assert len(server.points) == 500


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_asks_for_time_gets_it(server: Hostile, waits: Waits, status: int) -> None:
    server.script.extend([refusal(status, "slow down", Retry_After="17"), refusal(status, "slow down")])
    store = await filled(made(range(20)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 20)
    assert waits == [(1, 17.0), (2, None)]
    assert len(server.points) == 20


async def test_what_was_dealt_with_before_a_failure_is_not_sent_again(server: Hostile, waits: Waits) -> None:
    store = await filled(made(range(64), [10, 60]))
    answers = 0

    def tired(lines: Sequence[str]) -> Answer:
        nonlocal answers
        answers += 1
        return refusal(429, "slow down", Retry_After="3") if answers == 12 else picky(lines)

    server.habit = tired
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 64)
    assert waits == [(1, 3.0)]
    assert set(store.set_aside) == {f"{10:016x}", f"{60:016x}"}
    first = next(lines for _, lines in server.requests[12:])[0]
    assert int(first.rsplit(" ", 1)[1]) > 1795330800000000
    assert len(server.points) == 62


@pytest.mark.parametrize(
    "fault", [CLOSED, LOST_ANSWER, HALF_HEAD, HALF_BODY, NO_HTTP, ENDLESS], ids=lambda fault: str(fault.raw[:20])
)
async def test_a_broken_answer_is_no_answer(server: Hostile, waits: Waits, fault: Answer) -> None:
    server.script.extend([fault] * 3)
    store = await filled(made(range(20)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 20)
    assert len(server.points) == 20
    assert len(server.requests) == 4
    assert len(waits) == 3
    assert store.set_aside == {}


async def test_a_server_that_says_nothing_is_given_up_in_time(server: Hostile, waits: Waits) -> None:
    server.script.extend([SILENT] * 2)
    store = await filled(made(range(20)))
    async with delivering(influx(server.url, timeout_s=0.3), store, waits) as runner:
        await until(lambda: runner.last_error == "no answer within 0.3 s", "a time-out")
        await empty(runner, 20)
    assert len(server.points) == 20


async def test_a_server_that_does_not_listen_is_reported(waits: Waits) -> None:
    store = await filled(made(range(3)))
    async with delivering(influx(f"http://127.0.0.1:{free_port()}"), store, waits) as runner:
        await until(lambda: len(waits) > 1, "failures")
        assert runner.last_error == "connection failed: Connection refused"
    assert store.set_aside == {}


def test_a_name_that_cannot_be_resolved_has_a_message_of_its_own() -> None:
    assert _why(OSError(-2, "Name or service not known")) == "Name or service not known"
    assert _why(OSError()) == "OSError"


async def test_the_token_is_not_carried_to_where_a_redirect_leads(server: Hostile, waits: Waits) -> None:
    async with hostile() as elsewhere:
        server.habit = lambda _: Answer(raw=http(307, b"", Location=f"{elsewhere.url}/api/v2/write"))
        store = await filled(made(range(3)))
        async with delivering(influx(server.url), store, waits) as runner:
            await until(lambda: len(waits) > 1, "failures")
            assert runner.last_error == "the server answered 307 Temporary Redirect"
        assert elsewhere.requests == []


async def test_a_200_is_no_proof_that_anything_was_written(server: Hostile, waits: Waits) -> None:
    server.habit = lambda _: Answer(raw=http(200, b"<html>Welcome</html>"))
    store = await filled(made(range(3)))
    async with delivering(influx(server.url), store, waits) as runner:
        await until(lambda: len(waits) > 1, "failures")
        assert runner.last_error == "the server did not answer with HTTP 204; check `url`"


async def test_batches_shrink_to_what_the_server_takes(server: Hostile, waits: Waits) -> None:
    server.habit = lambda lines: TAKEN if len(lines) <= 70 else refusal(413, "too large")
    store = await filled(made(range(1000)))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 1000)
    assert len(server.points) == 1000
    assert (waits, store.set_aside) == ([], {})
    assert sum(len(lines) > 70 for _, lines in server.requests) <= 12


async def test_a_single_line_that_is_too_large_is_set_aside(server: Hostile, waits: Waits) -> None:
    server.habit = lambda lines: refusal(413, "too large") if any("probe=bad" in each for each in lines) else TAKEN
    store = await filled(made(range(4), [2]))
    async with delivering(influx(server.url), store, waits) as runner:
        await empty(runner, 4)
    assert store.set_aside == {f"{2:016x}": "413: too large"}
    assert len(server.points) == 3


async def test_no_mixture_of_faults_loses_a_sample_or_loops(server: Hostile, waits: Waits) -> None:
    chance = random.Random(11)
    faults = [
        CLOSED,
        LOST_ANSWER,
        HALF_HEAD,
        HALF_BODY,
        SILENT,
        refusal(401, "x"),
        refusal(503, "x"),
        refusal(413, "x"),
    ]
    bad = chance.sample(range(1500), 12)
    failed = 0

    def moody(lines: Sequence[str]) -> Answer:
        nonlocal failed
        if failed < 60 and chance.random() < 0.3:
            failed += 1
            fault = chance.choice(faults)
            return CLOSED if fault.keep and picky(lines) is not TAKEN else fault
        return picky(lines)

    server.habit = moody
    samples = made(range(1500), bad)
    store = await filled(samples)
    async with delivering(influx(server.url, timeout_s=0.5), store, waits) as runner:
        await empty(runner, 1500)
        assert runner.delivered_total + runner.dropped_total == 1500
    assert set(store.set_aside) == {f"{n:016x}" for n in bad}
    good = {line(sample, ORIGINS[sample.endpoint]) for sample in samples if sample.probe != "bad"}
    server.points.pop("providerwatch_sink", None)
    assert {f"{key.split()[0]} {fields} {key.split()[1]}" for key, fields in server.points.items()} == good
    assert len(server.requests) < 3000


async def test_closing_and_going_on_is_possible(server: Hostile) -> None:
    sink = influx(server.url)
    store = await filled(made(range(2)))
    await store.subscribe(["influx"])
    batch = await store.waiting("influx", 2)
    assert (await sink.deliver(batch)).seq == 2
    await sink.close()
    await sink.close()
    assert (await sink.deliver(batch)).seq == 2
    await sink.close()
    server.script.append(CLOSED)
    with pytest.raises(SinkError):
        await sink.deliver(batch)
    await sink.close()
