"""Known mistakes of other monitors, on the wire or between probes: one test for each."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes._driver import measure
from probes._model import ErrorClass
from tests.integration.probes.asking import CODEC, probe, run_to
from tests.integration.probes.provider import ANSWER, ROLE, STREAM, Act, Step, delta, head, serving

REFUSED = b'{"error":{"message":"no"}}'


def failing(status: str) -> tuple[Step, ...]:
    return (Act.ASKED, head(status, {"Content-Type": "application/json", "Content-Length": str(len(REFUSED))}), REFUSED)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(failing("500 Internal Server Error"), id="500"),
        pytest.param(failing("429 Too Many Requests"), id="429"),
        pytest.param(failing("503 Service Unavailable"), id="503"),
        pytest.param((Act.ASKED, Act.RESET), id="reset"),
        pytest.param((Act.ASKED,), id="closed without an answer"),
        pytest.param((Act.ASKED, head(), ROLE, ANSWER), id="truncated"),
    ],
)
async def test_a_failure_is_not_tried_again_inside_the_measurement(script: tuple[Step, ...]) -> None:
    with serving(*script) as provider:
        sample = await probe(provider.base_url)
        assert sample.error is not None
        assert len(provider.visits) == 1
        assert provider.visit.head.count("POST ") == 1


async def test_probes_are_not_made_one_after_another() -> None:
    """Each of eight providers waits until all eight were asked: one after another none would ever answer."""
    asked = [asyncio.Event() for _ in range(8)]
    loop = asyncio.get_running_loop()
    all_asked = asyncio.Event()

    async def watch() -> None:
        await asyncio.gather(*(event.wait() for event in asked))
        all_asked.set()

    watching = asyncio.create_task(watch())

    def told(number: int) -> Step:
        return lambda: loop.call_soon_threadsafe(asked[number].set)

    def together() -> None:
        asyncio.run_coroutine_threadsafe(all_asked.wait(), loop).result(15)

    async def one(number: int) -> ErrorClass | None:
        with serving(Act.ASKED, told(number), together, head(), STREAM) as provider:
            return (await probe(provider.base_url)).error

    assert await asyncio.gather(*map(one, range(8))) == [None] * 8
    await watching


async def test_one_silent_provider_holds_up_no_other() -> None:
    with serving(Act.ASKED, Act.LEFT) as silent, serving(Act.ASKED, head(), STREAM) as lively:
        waiting = asyncio.create_task(probe(silent.base_url, ttft_s=30.0, total_s=30.0))
        while not silent.visits or silent.visits[0].asked_ns is None:
            await asyncio.sleep(0.01)
        for _ in range(3):
            assert (await probe(lively.base_url)).error is None
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_waiting_for_a_place_is_not_the_providers_time() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        late = replace(run_to(provider.base_url), scheduled_at=datetime.now(UTC) - timedelta(seconds=5))
        began_s = time.monotonic()
        sample = await measure(late, CODEC)
        took_s = time.monotonic() - began_s
    assert sample.lag_s is not None
    assert sample.lag_s >= 5
    assert sample.e2e_s is not None
    assert sample.e2e_s <= took_s


async def test_the_first_token_is_not_the_whole_answer_on_the_wire() -> None:
    with serving(Act.ASKED, head(), ROLE, 0.1, delta("1, 2"), 0.1, delta(", 3"), 0.1, STREAM[-60:]) as provider:
        sample = await probe(provider.base_url)
    assert sample.headers_s is not None
    assert sample.ttft_s is not None
    assert sample.e2e_s is not None
    assert sample.headers_s + 0.05 < sample.ttft_s < sample.e2e_s - 0.1


async def test_a_reasoning_model_is_given_more_than_one_token() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        await probe(provider.base_url)
        assert json.loads(provider.visit.body)["max_tokens"] >= 16
