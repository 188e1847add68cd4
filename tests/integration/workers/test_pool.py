"""Probes in worker processes: the same samples as in one process, and a fault affects only that worker's probes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from monitor.workers.pool import STREAMS_PER_WORKER, PoolSettings, WorkerPool
from monitor.workers.worker import LINE_BYTES, LocalProber
from probes._model import Blame, ErrorClass, Run, Sample, Secret, Task, Timing, TokensFrom
from probes._prompts import prompt_for
from probes._socket import is_stamping, keep_stamping
from probes._tokens import count_tokens
from tests.integration.all_tasks import SIZE, serving_all_tasks
from tests.integration.probes.asking import KEY, run_to
from tests.integration.probes.provider import ANSWER, DONE, ROLE, STOP, STREAM, USAGE, Act, Step, delta, head, serving
from tests.integration.probes.watching import children, is_alive, open_sockets, shown_by, until
from tests.integration.workers.pools import supervised

QUICK = PoolSettings(ping_s=0.1, silence_s=8.0, slowest_restart_s=0.2)
"""The silence is long enough for a process to start on a busy machine."""
GAP_S = 0.03
TALK: tuple[Step, ...] = (
    Act.ASKED,
    head(),
    GAP_S,
    ROLE + delta("1, 2"),
    GAP_S,
    delta(", 3"),
    GAP_S,
    STOP + USAGE + DONE,
)


def numbered(run: Run, count: int) -> list[Run]:
    return [replace(run, id=f"{number:016x}") for number in range(count)]


def told(sample: Sample) -> dict[str, object]:
    """What was measured, without the figures themselves."""
    values = {name.name: getattr(sample, name.name) for name in fields(sample)} | {"merged_reads": 0.0}
    return {
        name: value if isinstance(value, str | bool | int | None) else type(value) for name, value in values.items()
    }


async def test_a_probe_through_a_process_gives_the_sample_that_one_here_gives() -> None:
    with serving(*TALK) as provider, keep_stamping():
        run = run_to(provider.base_url)
        async with supervised() as watched:
            there = await watched.pool.measure(run)
        here = await LocalProber().measure(run)
    assert (there.error, there.timing, there.answer_ok) == (None, Timing.KERNEL, True)
    assert told(there) == told(here)


async def test_tokens_that_no_provider_told_are_counted_outside_of_the_process_that_times() -> None:
    no_usage = ROLE + ANSWER + STOP + DONE
    with serving(Act.ASKED, head(), no_usage) as provider:
        run = run_to(provider.base_url)
        async with supervised() as watched:
            sample = await watched.pool.measure(run)
            (pid,) = children()
            mapped = Path(f"/proc/{pid}/maps").read_text()
    assert sample.tokens_from is TokensFrom.COUNTED
    assert sample.output_tokens == count_tokens("1, 2, 3")
    assert sample.prompt_tokens == count_tokens(run.prompt.text)
    assert "_hashlib" in mapped
    assert "bpe_openai" not in mapped


@pytest.mark.parametrize("task", Task)
async def test_the_run_of_every_task_crosses_to_a_process_and_its_sample_back(task: Task) -> None:
    prompt = prompt_for(task, "abcdefgh", prompt_tokens=50, max_tokens=64, dimensions=SIZE)
    async with serving_all_tasks() as address, supervised() as watched:
        api = "openai_embeddings" if task is Task.EMBEDDING else "openai_chat"
        run = replace(run_to(f"{address}/v1", api=api), task=task, prompt=prompt)
        with keep_stamping():
            await until(is_stamping)
            here = await LocalProber().measure(run)
        there = await watched.pool.measure(run)
    assert (there.error, there.task, there.answer_ok) == (None, task, None if task is Task.REACH else True)
    assert told(there) == told(here)


async def test_a_hundred_probes_at_once_do_not_get_in_each_others_way() -> None:
    with serving(*TALK) as provider:
        runs = numbered(run_to(provider.base_url), 100)
        async with supervised(100) as watched:
            await watched.all_up()
            samples = await asyncio.gather(*map(watched.pool.measure, runs))
            assert watched.restarts == []
        assert len(provider.visits) == 100
    assert [sample.id for sample in samples] == [run.id for run in runs]
    assert {sample.error for sample in samples} <= {None, ErrorClass.TAINTED}, "this machine may be too slow for them"
    assert {sample.timing for sample in samples} == {Timing.KERNEL}


async def test_probes_are_spread_over_the_processes_before_they_are_up() -> None:
    with serving(*TALK) as provider:
        async with supervised(2 * STREAMS_PER_WORKER) as watched:
            assert [worker.is_up for worker in watched.pool.workers] == [False, False]
            probing = [
                asyncio.create_task(watched.pool.measure(run)) for run in numbered(run_to(provider.base_url), 10)
            ]
            await asyncio.sleep(0)
            assert [worker.busy for worker in watched.pool.workers] == [5, 5]
            samples = await asyncio.gather(*probing)
    assert {sample.error for sample in samples} == {None}


async def test_a_killed_process_is_replaced_and_only_its_probes_are_the_monitors_fault() -> None:
    with serving(Act.ASKED, head(), ROLE, Act.LEFT) as provider, serving(*TALK) as other:
        async with supervised() as watched:
            (pid,) = await watched.all_up()
            probing = [asyncio.create_task(watched.pool.measure(run)) for run in numbered(run_to(provider.base_url), 5)]
            await until(lambda: len(provider.visits) == 5)
            os.kill(pid, signal.SIGKILL)
            lost = await asyncio.gather(*probing)
            found = await watched.pool.measure(run_to(other.base_url))
            assert len(watched.restarts) == 1
            assert await watched.all_up() != [pid]
    assert [(sample.error, sample.blame) for sample in lost] == [(ErrorClass.INTERNAL, Blame.MONITOR)] * 5
    assert {sample.detail for sample in lost} == {"the worker process died"}
    assert [sample.id for sample in lost] == [f"{number:016x}" for number in range(5)]
    assert found.error is None


async def test_while_one_process_is_down_the_others_take_the_probes() -> None:
    with serving(*TALK) as provider:
        async with supervised(2 * STREAMS_PER_WORKER) as watched:
            first, second = await watched.all_up()
            os.kill(first, signal.SIGKILL)
            await until(lambda: not watched.pool.workers[0].is_up)
            probing = [asyncio.create_task(watched.pool.measure(run)) for run in numbered(run_to(provider.base_url), 5)]
            await asyncio.sleep(0)
            assert [worker.busy for worker in watched.pool.workers] == [0, 5]
            samples = await asyncio.gather(*probing)
            assert (await watched.all_up())[1] == second
    assert {sample.error for sample in samples} == {None}


async def test_a_process_that_is_killed_again_and_again_comes_back() -> None:
    with serving(*TALK) as provider:
        async with supervised(settings=QUICK) as watched:
            for _ in range(3):
                (pid,) = await watched.all_up()
                os.kill(pid, signal.SIGKILL)
                await until(lambda: not watched.pids)
            sample = await watched.pool.measure(run_to(provider.base_url))
            assert len(watched.restarts) == 3
    assert sample.error is None


@pytest.mark.slow
async def test_a_process_that_is_stuck_is_replaced() -> None:
    with serving(Act.ASKED, Act.LEFT) as provider, serving(*TALK) as other:
        async with supervised(settings=QUICK) as watched:
            (pid,) = await watched.all_up()
            probing = asyncio.create_task(watched.pool.measure(run_to(provider.base_url)))
            await until(lambda: provider.visits and provider.visit.asked_ns)
            os.kill(pid, signal.SIGSTOP)
            lost = await probing
            found = await watched.pool.measure(run_to(other.base_url))
            assert len(watched.restarts) == 1
            assert not is_alive(pid)
    assert (lost.error, lost.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert found.error is None


async def test_a_process_that_was_suspended_continues_without_blaming_a_provider() -> None:
    """The answer came in time, the machine did not: longer than the deadline, shorter than it takes to be replaced."""
    async with supervised() as watched:
        (pid,) = await watched.all_up()
        stop, go_on = (lambda: os.kill(pid, signal.SIGSTOP)), (lambda: os.kill(pid, signal.SIGCONT))
        script = (Act.ASKED, stop, head() + ANSWER, 0.8, go_on, 0.2, STOP + DONE)
        with serving(*script) as provider:
            sample = await watched.pool.measure(run_to(provider.base_url, ttft_s=0.4))
        assert watched.restarts == []
    assert (sample.error, sample.timing) == (None, Timing.KERNEL)
    assert sample.ttft_s is not None
    assert sample.rx_lag_s is not None
    assert sample.ttft_s < 0.4 < sample.rx_lag_s


@pytest.mark.slow
async def test_a_daemon_that_was_itself_suspended_does_not_take_its_processes_for_stuck() -> None:
    async with supervised(settings=QUICK) as watched:
        (pid,) = await watched.all_up()
        await until(lambda: watched.lags_s)
        time.sleep(1.5 * QUICK.silence_s)  # nothing at all happens on this loop meanwhile
        await asyncio.sleep(3 * QUICK.ping_s)
        assert watched.restarts == []
        assert await watched.all_up() == [pid]


async def test_a_process_leaves_the_terminals_signals_to_the_daemon() -> None:
    with serving(*TALK) as provider:
        async with supervised() as watched:
            (pid,) = await watched.all_up()
            assert os.getpgid(pid) == pid != os.getpgid(0), "Ctrl-C does not reach it"
            await until(lambda: watched.lags_s)
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(pid, number)
            sample = await watched.pool.measure(run_to(provider.base_url))
            assert await watched.all_up() == [pid]
            assert watched.restarts == []
    assert sample.error is None


@pytest.mark.parametrize("turns", range(0, 24, 6))
async def test_supervision_that_is_cancelled_while_a_process_starts_leaves_none_behind(turns: int) -> None:
    before, had = open_sockets(), children()
    supervision = asyncio.create_task(WorkerPool(1, lambda: None, lambda _: None).supervise())
    for _ in range(turns):
        await asyncio.sleep(0)
    supervision.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervision
    await until(lambda: open_sockets() == before)
    assert children() == had


async def test_an_api_that_does_not_exist_is_the_monitors_fault_and_is_named() -> None:
    with serving(*TALK) as provider:
        async with supervised() as watched:
            unknown = await watched.pool.measure(run_to(provider.base_url, api="telepathy"))
            odd = await watched.pool.measure(run_to(provider.base_url, options={"temprature": 0.0}))
            found = await watched.pool.measure(run_to(provider.base_url))
            assert watched.restarts == []
    assert (unknown.error, unknown.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert unknown.detail is not None
    assert "'telepathy'" in unknown.detail
    assert odd.error is ErrorClass.INTERNAL
    assert odd.detail is not None
    assert "'temprature'" in odd.detail
    assert found.error is None


async def test_a_process_shows_no_key_to_those_who_look_at_processes() -> None:
    with serving(*TALK) as provider:
        async with supervised() as watched:
            (pid,) = await watched.all_up()
            run = run_to(provider.base_url, headers=(("X-Other", Secret("another-key")),))
            assert (await watched.pool.measure(run)).error is None
            seen = shown_by(pid)
    assert ("x-other", "another-key") in provider.visit.headers
    assert b"monitor.workers.worker" in seen
    assert KEY.encode() not in seen
    assert b"another-key" not in seen


async def test_a_prompt_too_long_for_a_process_does_not_end_it() -> None:
    with serving(*TALK) as provider:
        run = run_to(provider.base_url)
        async with supervised() as watched:
            (pid,) = await watched.all_up()
            long = replace(run, prompt=replace(run.prompt, text="x" * LINE_BYTES))
            refused = await watched.pool.measure(long)
            found = await watched.pool.measure(run)
            assert await watched.all_up() == [pid]
            assert watched.restarts == []
    assert (refused.error, refused.blame) == (ErrorClass.INTERNAL, Blame.MONITOR)
    assert refused.detail is not None
    assert "too long" in refused.detail
    assert found.error is None


async def test_a_folder_named_as_the_package_where_the_daemon_starts_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "monitor").mkdir()
    (tmp_path / "monitor" / "__init__.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    with serving(*TALK) as provider:
        async with supervised() as watched:
            sample = await watched.pool.measure(run_to(provider.base_url))
            assert watched.restarts == []
    assert sample.error is None


async def test_an_abandoned_probe_does_not_affect_other_probes() -> None:
    with serving(Act.ASKED, 0.2, head(), STREAM) as provider:
        async with supervised() as watched:
            (pid,) = await watched.all_up()
            dropped = asyncio.create_task(watched.pool.measure(run_to(provider.base_url)))
            await until(lambda: provider.visits)
            dropped.cancel()
            sample = await watched.pool.measure(run_to(provider.base_url))
            assert [worker.busy for worker in watched.pool.workers] == [0]
            assert await watched.all_up() == [pid]
    assert dropped.cancelled()
    assert sample.error is None


async def test_a_pool_reports_the_time_of_its_last_answer_and_the_lag_of_its_loops() -> None:
    clock = asyncio.get_running_loop().time
    with serving(*TALK) as provider:
        async with supervised(2 * STREAMS_PER_WORKER, QUICK) as watched:
            told_s = [watched.pool.last_answer_s, clock()]
            await watched.pool.measure(run_to(provider.base_url))
            told_s += [watched.pool.last_answer_s, clock()]
            await until(lambda: len(watched.lags_s) > 3)
    assert told_s[0] is None
    times_s = [at_s for at_s in told_s if at_s is not None]
    assert len(times_s) == 3
    assert times_s == sorted(times_s)
    assert all(lag_s >= 0 for lag_s in watched.lags_s)


async def test_more_concurrency_brings_more_processes_while_the_others_go_on() -> None:
    with serving(*TALK) as provider:
        async with supervised(1) as watched:
            first = await watched.all_up()
            watched.pool.apply(2 * STREAMS_PER_WORKER)
            both = await watched.all_up()
            assert (both[:1], len(both)) == (first, 2)
            watched.pool.apply(1)
            assert await watched.all_up() == both
            assert (await watched.pool.measure(run_to(provider.base_url))).error is None
            assert watched.restarts == []
