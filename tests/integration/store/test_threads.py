"""Store calls in threads: in the order of the calls, to their end, and with a limited queue."""

from __future__ import annotations

import asyncio
import gc
import threading
from functools import partial

import pytest

from monitor.store import StoreError
from monitor.store._threads import Threads


def held(threads: Threads) -> tuple[threading.Event, asyncio.Task[bool]]:
    """A call that lasts until the event is set."""
    gate = threading.Event()
    return gate, asyncio.create_task(threads.run(lambda: gate.wait(60)))


async def held_from_its_begin(threads: Threads) -> tuple[threading.Event, asyncio.Task[bool]]:
    """The same, once the thread is at it."""
    gate, begun = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return gate.wait(60)

    task = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait, 60)
    return gate, task


async def test_calls_are_made_in_the_order_in_which_they_were_asked_for() -> None:
    """So a frequent caller, such as housekeeping, delays others by one call at most."""
    threads, made = Threads("store test", 1, droppable=False), list[int]()
    gate, first = held(threads)
    await asyncio.sleep(0)
    calls = [asyncio.create_task(threads.run(partial(made.append, number))) for number in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *calls)
    assert made == list(range(50))
    await threads.end()


@pytest.mark.parametrize("droppable", [True, False])
async def test_a_call_that_was_cancelled_before_it_began_is_made_unless_it_only_reads(droppable: bool) -> None:
    threads, made = Threads("store test", 1, droppable=droppable), list[int]()
    gate, first = held(threads)
    call = asyncio.create_task(threads.run(lambda: made.append(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    gate.set()
    await first
    await threads.end()
    assert made == ([] if droppable else [1])


async def test_more_calls_than_may_wait_are_refused_and_the_others_are_made() -> None:
    threads = Threads("store test", 1, droppable=False, most=3)
    gate, first = await held_from_its_begin(threads)
    calls = [asyncio.create_task(threads.run(lambda: 1)) for _ in range(9)]
    await asyncio.sleep(0)
    gate.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert found.count(1) == 3
    assert {str(each) for each in found if each != 1} == {
        "store test: 3 calls are waiting: check why the database is slow"
    }
    await first
    await threads.end()


async def test_an_error_of_a_call_is_the_callers_and_of_a_cancelled_one_nobodys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise ValueError("odd")

    threads = Threads("store test", 1, droppable=False)
    with pytest.raises(ValueError, match="odd"):
        await threads.run(fail)
    gate, first = held(threads)
    call = asyncio.create_task(threads.run(fail))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    gate.set()
    await first
    await threads.end()
    gc.collect()
    assert caplog.records == []


async def test_dropped_calls_fail_and_the_thread_ends_after_the_one_that_it_is_at() -> None:
    threads, ended = Threads("store test", 1, droppable=False), asyncio.Event()
    gate, first = await held_from_its_begin(threads)
    waiting = asyncio.create_task(threads.run(lambda: 1))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    threads.drop(partial(_tell, loop, ended))
    with pytest.raises(StoreError, match="closed before this call ran"):
        await waiting
    gate.set()
    assert await first
    await ended.wait()
    assert await threads.run(lambda: 2) == 2
    await threads.end()


def _tell(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)
