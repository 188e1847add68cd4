"""An answer that arrives while the event loop is busy counts as in time."""

from __future__ import annotations

import asyncio
import time

from monitor.pipeline.loop_time import Alarm, within
from tests.integration.daemon.parts import PATIENT_S, breathe

SHORT_S = 0.02


async def test_an_event_that_is_set_is_not_waited_for() -> None:
    event = asyncio.Event()
    event.set()
    assert await within(PATIENT_S, event)


async def test_an_event_that_never_comes_is_waited_for_no_longer_than_that() -> None:
    assert not await within(SHORT_S, asyncio.Event())


async def test_an_event_that_comes_while_the_loop_is_busy_came_in_time() -> None:
    """The answer lies ready while the loop is held up for many times as long."""
    event = asyncio.Event()
    waiting = asyncio.create_task(within(SHORT_S, event))
    await breathe(3)
    asyncio.get_running_loop().call_soon(event.set)
    time.sleep(10 * SHORT_S)
    assert await waiting


async def test_an_alarm_goes_off_once_when_its_time_is_over() -> None:
    rung = asyncio.Event()
    count = 0

    def ring() -> None:
        nonlocal count
        count += 1
        rung.set()

    with Alarm(SHORT_S, ring):
        await rung.wait()
        await asyncio.sleep(2 * SHORT_S)
    assert count == 1


async def test_an_alarm_that_is_left_in_time_is_silent_though_the_loop_was_busy() -> None:
    rung: list[None] = []
    with Alarm(SHORT_S, lambda: rung.append(None)):
        time.sleep(10 * SHORT_S)
        await breathe(3)
    await asyncio.sleep(2 * SHORT_S)
    assert rung == []
