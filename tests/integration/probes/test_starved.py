"""A monitor without CPU time: late reads do not count against the provider."""

from __future__ import annotations

import asyncio
import time

import pytest

from probes._driver import measure
from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import CODEC, probe, run_to
from tests.integration.probes.loop_block import LoopBlock
from tests.integration.probes.provider import ANSWER, DONE, ROLE, STOP, STREAM, Act, black_hole, delta, head, serving

pytestmark = pytest.mark.alone

SHORT_S = 0.3
BLOCK_S = 2 * SHORT_S


async def test_a_token_that_came_in_time_counts_though_it_was_read_after_the_deadline() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, head(), ROLE, 0.02, block.begin, ANSWER, block.end, STOP + DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert sample.error is None
    assert sample.ttft_s is not None
    assert sample.ttft_s < SHORT_S


async def test_a_head_and_token_that_came_in_time_count_though_read_after_the_deadline() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, block.begin, head() + ANSWER, block.end, STOP + DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert sample.error is None
    assert sample.ttft_s is not None
    assert sample.ttft_s < SHORT_S


async def test_an_end_that_came_in_time_counts_though_it_was_read_after_the_deadline() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, head(), ANSWER, 0.05, block.begin, STOP + DONE, block.end, Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S, total_s=SHORT_S)
    assert sample.error is None
    assert sample.e2e_s is not None
    assert sample.e2e_s < SHORT_S


async def test_silence_is_the_providers_own_however_late_it_is_noticed() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, block.begin, block.end, Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER)
    block = LoopBlock(BLOCK_S)
    with serving(Act.ASKED, head(), ROLE, 0.02, block.begin, block.end, Act.LEFT) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER)


async def test_a_token_of_which_it_is_not_known_whether_it_came_in_time_taints_the_sample() -> None:
    block = LoopBlock(BLOCK_S)
    script = (delta("1"), BLOCK_S, delta(", 2, 3"))
    with serving(Act.ASKED, head(), ROLE, 0.02, block.begin, *script, block.end, STOP + DONE) as provider:
        sample = await probe(provider.base_url, ttft_s=SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.TAINTED, Blame.MONITOR)


async def test_a_monitor_that_had_no_time_to_connect_blames_itself() -> None:
    with serving(Act.ASKED, head(), STREAM) as provider:
        probing = asyncio.create_task(measure(run_to(provider.base_url, ttft_s=SHORT_S), CODEC))
        asyncio.get_running_loop().call_soon(time.sleep, BLOCK_S)
        sample = await probing
    assert sample.blame is not Blame.PROVIDER
    assert sample.error in {None, ErrorClass.TAINTED}


async def test_a_monitor_that_had_no_time_for_the_handshake_blames_itself() -> None:
    block = LoopBlock(BLOCK_S)
    with serving(block.begin, block.end, Act.LEFT) as provider:
        sample = await probe(provider.base_url.replace("http:", "https:"), ttft_s=SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.TAINTED, Blame.MONITOR)


async def test_a_monitor_that_was_only_a_little_late_still_tells_who_did_not_answer() -> None:
    """Else a provider that is gone would never be down for a busy monitor."""
    with black_hole() as base_url:
        asyncio.get_running_loop().call_later(0.95, time.sleep, 0.1)
        sample = await probe(base_url, ttft_s=1.0)
    assert (sample.error, sample.blame) == (ErrorClass.CONNECT, Blame.PROVIDER)
