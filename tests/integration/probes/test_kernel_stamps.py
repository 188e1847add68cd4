"""Arrivals have the kernel's timestamps, however late the loop reads them; without these, the loop's time."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import uvloop

from probes._connection import ConnectionTimer
from probes._driver import _session, exchange
from probes._exchange import Exchange
from probes._model import Blame, Deadlines, ErrorClass, Sample, Timing
from probes._sample import sample
from probes._socket import SO_TIMESTAMPNS, StampingSocket, wall_offset_ns
from tests.integration.probes.asking import AMPLE_S, CODEC, probe, probe_elsewhere, run_to
from tests.integration.probes.loop_block import LoopBlock
from tests.integration.probes.provider import ANSWER, DONE, ROLE, STOP, STREAM, Act, Provider, delta, head, serving

BLOCK_S = 0.15


async def exchanged(provider: Provider) -> tuple[Exchange, Sample]:
    run = run_to(provider.base_url)
    seen = await exchange(run, CODEC)
    return seen, sample(run, CODEC, seen)


async def test_a_first_token_that_is_read_late_keeps_the_time_of_its_arrival() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, head(), 0.02, block.begin, ANSWER, block.end, STOP + DONE) as provider:
        seen, result = await exchanged(provider)
        sent_ns = provider.visit.sent_ns[1]
    assert result.error is None
    assert seen.t0_ns is not None
    assert result.ttft_s is not None
    assert result.rx_lag_s is not None
    assert result.rx_lag_s >= BLOCK_S, "our own error is told"
    kernel_error_s = abs(result.ttft_s - (sent_ns - seen.t0_ns) / 1e9)
    assert kernel_error_s < result.rx_lag_s / 2, "and is not in the figure"


async def test_a_head_that_is_read_late_keeps_the_time_of_its_arrival() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, block.begin, head(), block.end, STREAM) as provider:
        seen, result = await exchanged(provider)
        sent_ns = provider.visit.sent_ns[0]
    assert seen.t0_ns is not None
    assert result.headers_s is not None
    assert result.rx_lag_s is not None
    assert abs(result.headers_s - (sent_ns - seen.t0_ns) / 1e9) < result.rx_lag_s / 2


async def test_tokens_that_wait_together_for_a_late_reader_taint_the_sample() -> None:
    block = LoopBlock(BLOCK_S)
    script = (delta("1, 2"), 0.02, delta(", 3"))
    with serving(Act.ASKED, head(), 0.02, block.begin, *script, block.end, STOP + DONE) as provider:
        result = await probe(provider.base_url)
    assert (result.error, result.blame) == (ErrorClass.TAINTED, Blame.MONITOR)
    assert result.merged_reads == 1
    assert result.rx_lag_s is not None
    assert result.rx_lag_s >= BLOCK_S


async def test_what_comes_before_the_first_token_may_wait_with_it() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, head(), 0.02, block.begin, ROLE, 0.02, ANSWER, block.end, STOP + DONE) as provider:
        seen, result = await exchanged(provider)
        sent_ns = provider.visit.sent_ns[2]
    assert result.error is None
    assert seen.t0_ns is not None
    assert result.ttft_s is not None
    assert result.rx_lag_s is not None
    assert abs(result.ttft_s - (sent_ns - seen.t0_ns) / 1e9) < result.rx_lag_s / 2


async def test_tokens_that_were_sent_together_taint_nothing() -> None:
    with serving(Act.ASKED, head(), 0.02, delta("1, 2") + delta(", 3"), STOP + DONE) as provider:
        result = await probe(provider.base_url)
    assert result.error is None
    assert result.merged_reads == 1


async def test_a_late_reader_between_later_tokens_taints_nothing() -> None:
    block = LoopBlock(BLOCK_S)
    script = (delta(", 2"), 0.02, delta(", 3"))
    with serving(Act.ASKED, head(), delta("1"), 0.05, block.begin, *script, block.end, STOP + DONE) as provider:
        result = await probe(provider.base_url)
    assert result.error is None
    assert result.merged_reads == 1


class DeafSockets(ConnectionTimer):
    """Connections whose kernel stamps nothing."""

    def open_socket(self, address: object) -> StampingSocket:
        opened = super().open_socket(address)  # type: ignore[arg-type]
        assert isinstance(opened, StampingSocket)
        opened.setsockopt(1, SO_TIMESTAMPNS, 0)
        return opened


async def told_by(line: ConnectionTimer, provider: Provider) -> ConnectionTimer:
    """A line over which one request was sent and its whole answer read."""
    async with _session(line) as session:
        response = await session.post(provider.base_url)
        line.head_arrived(response.content)
        await response.content.read()
        line.snapshot()
        response.close()
    return line


def line_of(kind: type[ConnectionTimer], *, stepped_ns: int = 0) -> ConnectionTimer:
    """A line that was begun when the wall clock was ahead by so much."""
    deadlines = Deadlines(ttft_s=AMPLE_S, total_s=AMPLE_S)
    began_ns = time.monotonic_ns()
    return kind(deadlines=deadlines, began_ns=began_ns, tls=False, _began_offset_ns=wall_offset_ns() + stepped_ns)


async def test_a_kernel_that_stamps_nothing_leaves_the_loops_own_time() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        line = await told_by(line_of(DeafSockets), provider)
    clocks = line.clocks()
    assert clocks is not None
    assert (clocks.timing, clocks.clock_step, clocks.rx_lag_s) == (Timing.LOOP, False, None)
    assert in_order(line, provider)


@pytest.mark.parametrize("stepped_ns", [-3_600_000_000_000, -5_000_000, 5_000_000, 3_600_000_000_000])
async def test_a_step_of_the_wall_clock_leaves_the_loops_own_time(stepped_ns: int) -> None:
    with serving(Act.ASKED, head(), 0.02, STREAM) as provider:
        line = await told_by(line_of(ConnectionTimer, stepped_ns=stepped_ns), provider)
    clocks = line.clocks()
    assert clocks is not None
    assert (clocks.timing, clocks.clock_step, clocks.rx_lag_s) == (Timing.LOOP, True, None)
    assert in_order(line, provider)


async def test_a_clock_that_is_merely_slewed_is_no_step() -> None:
    with serving(Act.ASKED, head(), 0.02, STREAM) as provider:
        line = await told_by(line_of(ConnectionTimer, stepped_ns=50_000), provider)
    clocks = line.clocks()
    assert clocks is not None
    assert (clocks.timing, clocks.clock_step) == (Timing.KERNEL, False)
    assert in_order(line, provider, slewed_ns=50_000)


def in_order(line: ConnectionTimer, provider: Provider, *, slewed_ns: int = 0) -> bool:
    """What the line tells happened in this order, and no arrival before it was sent.

    Of a clock that was slewed each may be off by so much: an answer on loopback may come sooner than that.
    """
    arrivals = [arrival.at_ns for arrival in line.arrivals()]
    assert arrivals
    assert line.t0_ns is not None
    assert line.head_ns is not None
    slack_ns = 100_000 + slewed_ns
    times = [line.began_ns, line.t0_ns, line.head_ns, *arrivals, time.monotonic_ns()]
    assert provider.visit.sent_ns[0] <= line.head_ns + slack_ns
    assert provider.visit.sent_ns[-1] <= arrivals[-1] + slack_ns
    return all(earlier <= later + slewed_ns for earlier, later in pairwise(times))


@pytest.mark.parametrize("answer", ["0", "ENOPROTOOPT"])
def test_on_a_kernel_that_cannot_stamp_a_probe_succeeds_by_the_loops_time(answer: str) -> None:
    """One that takes the option and does nothing, and one that refuses it (gVisor, some containers)."""
    with serving(Act.ASKED, head(), 0.02, STREAM) as provider:
        (result,) = probe_elsewhere(run_to(provider.base_url), module="deaf_kernel", arguments=(answer,))
    assert (result.error, result.detail) == (None, None)
    assert (result.timing, result.clock_step, result.rx_lag_s) == (Timing.LOOP, False, None)
    assert result.ttft_s is not None
    assert result.e2e_s is not None
    assert 0 < result.ttft_s <= result.e2e_s


def test_on_a_loop_that_passes_the_socket_by_no_probe_is_made() -> None:
    loop = uvloop.new_event_loop()
    try:
        with serving(Act.ASKED, head(), STREAM) as provider:
            result = loop.run_until_complete(probe(provider.base_url))
            assert provider.visits == []
    finally:
        loop.close()
    assert (result.error, result.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert result.detail is not None
    assert "event loop" in result.detail
