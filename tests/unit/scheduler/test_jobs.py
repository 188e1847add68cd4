"""Jobs of a configuration: phases that never move, ticks that never drift, prompts that no cache answers."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.config.model import Config, EndpointSpec, ProbeSpec
from monitor.domain.epoch import EPOCH
from monitor.scheduler.jobs import (
    Job,
    all_jobs,
    confirming_probe,
    enabled_jobs,
    headline_task,
    run_for,
    tick_at,
    ticks_between,
)
from probes._model import Endpoint, Task
from tests.support.examples import examples

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CHAT = ProbeSpec(name="chat", task=Task.CHAT, every_s=60, ttft_timeout_s=7, timeout_s=21)
LONG = ProbeSpec(name="long", task=Task.CHAT, every_s=1800, prompt_tokens=5000, max_tokens=16)
unhurried = settings(deadline=None, max_examples=examples(200))


def make_spec(
    name: str, model: str = "m/one", probes: tuple[str, ...] = ("chat",), *, enabled: bool = True
) -> EndpointSpec:
    provider, _, its_model = name.partition(":")
    endpoint = Endpoint(id=name, provider=provider, model=its_model, api="openai_chat", base_url="http://h/v1")
    return EndpointSpec(endpoint=endpoint, model=model, probes=probes, enabled=enabled)


def make_config(*specs: EndpointSpec, vantage: str = "fra1", every_s: float = 60) -> Config:
    probes = {"chat": replace(CHAT, every_s=every_s), "long": LONG}
    return Config(vantage=vantage, providers={}, endpoints=specs, probes=probes)


def make_job(name: str = "groq:llama", vantage: str = "fra1", every_s: float = 60, model: str = "m/one") -> Job:
    (job,) = enabled_jobs(make_config(make_spec(name, model), vantage=vantage, every_s=every_s))
    return job


# Jobs


def test_each_probe_of_each_enabled_endpoint_is_a_job() -> None:
    config = make_config(
        make_spec("a:one", probes=("chat", "long")), make_spec("b:one"), make_spec("c:one", enabled=False)
    )
    found = [(job.spec.endpoint.id, job.probe.name, job.vantage) for job in enabled_jobs(config)]
    assert found == [("a:one", "chat", "fra1"), ("a:one", "long", "fra1"), ("b:one", "chat", "fra1")]
    assert [job.spec.endpoint.id for job in all_jobs(config)] == ["a:one", "a:one", "b:one", "c:one"]


@pytest.mark.parametrize(
    ("tasks", "headline"),
    [
        ((Task.REACH, Task.CHAT), Task.CHAT),
        ((Task.EMBEDDING, Task.REACH), Task.EMBEDDING),
        ((Task.TOOL_CALL,), Task.TOOL_CALL),
    ],
)
def test_an_endpoint_is_judged_by_its_chat_or_else_its_first_probe(tasks: tuple[Task, ...], headline: Task) -> None:
    assert headline_task([replace(CHAT, task=task) for task in tasks]) is headline


REACH = ProbeSpec(name="reach", task=Task.REACH, every_s=5)


@pytest.mark.parametrize(
    ("probes", "settles"),
    [
        ((CHAT,), CHAT),
        ((LONG, CHAT), CHAT),
        ((REACH, LONG), LONG),
        ((REACH, LONG, CHAT), CHAT),
        ((REACH, replace(REACH, name="rare", every_s=60)), REACH),
        ((CHAT, replace(CHAT, name="second")), CHAT),
    ],
    ids=lambda each: each.name if isinstance(each, ProbeSpec) else None,
)
def test_a_doubt_is_settled_by_the_most_frequent_probe_that_asks_for_tokens(
    probes: tuple[ProbeSpec, ...], settles: ProbeSpec
) -> None:
    """And where none does by the most frequent one."""
    assert confirming_probe(probes) is settles


def test_no_endpoints_no_jobs() -> None:
    assert enabled_jobs(make_config()) == ()


def test_jobs_have_ids_of_their_own() -> None:
    config = make_config(*(make_spec(f"p{number}:m", probes=("chat", "long")) for number in range(50)))
    assert len({job.id for job in enabled_jobs(config)}) == 100


# Phases


@pytest.mark.parametrize(
    ("name", "vantage", "every_s", "phase_s"),
    [
        ("groq:llama", "fra1", 60, 13.319728),
        ("my-vllm:meta-llama/llama-3.2-1b", "fra1", 60, 7.927785),
        ("groq:llama", "nyc3", 60, 17.169595),
        ("groq:llama", "fra1", 3600, 799.183683),
        ("日本:模型", "fra1", 60, 52.197003),
    ],
)
def test_phases_are_these_for_ever(name: str, vantage: str, every_s: float, phase_s: float) -> None:
    """An update that moved them would move every tick of every user's history."""
    assert make_job(name, vantage, every_s).phase_s == phase_s


def test_other_endpoints_do_not_move_a_phase() -> None:
    alone = make_job().phase_s
    crowd = make_config(make_spec("a:a"), make_spec("groq:llama", probes=("long", "chat")), make_spec("z:z", "m/two"))
    assert [job.phase_s for job in enabled_jobs(crowd) if job.probe.name == "chat"][1] == alone


def test_probes_and_vantages_of_one_endpoint_have_phases_of_their_own() -> None:
    config = make_config(make_spec("a:one", probes=("chat", "long")))
    chat, long = enabled_jobs(config)
    assert chat.phase_s / CHAT.every_s != long.phase_s / LONG.every_s
    assert make_job(vantage="nyc3").phase_s != make_job(vantage="fra1").phase_s


def test_a_longer_interval_keeps_the_share_of_it() -> None:
    assert make_job(every_s=600).phase_s == pytest.approx(10 * make_job(every_s=60).phase_s, abs=1e-5)


@pytest.mark.parametrize("pattern", ["p{}:m", "groq:llama-{}", "p:{0:05d}", "vllm-{0}:org/m{0}"])
def test_phases_of_many_endpoints_are_even(pattern: str) -> None:
    """Chi-square over 100 bins; with 99 degrees of freedom 1 in 1000 is above 148.2, and 1 in 1000 below 60.3."""
    number, bins = 10_000, 100
    config = make_config(*(make_spec(pattern.format(each)) for each in range(number)))
    phases = [job.phase_s for job in enabled_jobs(config)]
    assert all(0 <= phase < 60 for phase in phases)
    tally = Counter(int(phase / 60 * bins) for phase in phases)
    expected = number / bins
    chi_square = sum((tally[each] - expected) ** 2 / expected for each in range(bins))
    assert 60.3 < chi_square < 148.2
    assert len(set(phases)) > number * 0.99


# Ticks

intervals = st.one_of(
    st.sampled_from([0.5, 1.0, 7.0, 60.0, 3600.0]), st.integers(100_000, 10**10).map(lambda us: us / 1e6)
)
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
offsets = st.tuples(st.integers(-50, 50), st.sampled_from([-1, 0, 1]))
"""So many intervals and microseconds from a tick."""
names = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=10).map("p:{}".format)


@unhurried
@given(names, intervals, moments)
def test_a_tick_is_a_whole_number_of_intervals_after_the_first(name: str, every_s: float, now: datetime) -> None:
    job = make_job(name, every_s=every_s)
    tick = tick_at(job, now)
    assert tick <= now < tick + job.every
    assert (tick - job.first_tick) % job.every == timedelta(0)
    assert job.first_tick == EPOCH + timedelta(seconds=job.phase_s)
    assert tick_at(job, tick) == tick
    assert tick_at(job, tick - MICROSECOND) == tick - job.every


def test_ticks_never_drift() -> None:
    """The millionth tick is where the first one said, to the microsecond."""
    job = make_job(every_s=0.1)
    start = tick_at(job, NOW)
    assert tick_at(job, start + 1_000_000 * job.every + MICROSECOND) == start + timedelta(seconds=100_000)


@unhurried
@given(intervals, moments, st.tuples(offsets, offsets))
def test_ticks_between_counts_the_start_and_not_the_end(
    every_s: float, now: datetime, bounds: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    job = make_job(every_s=every_s)
    base = tick_at(job, now)
    after, until = (base + ticks * job.every + micros * MICROSECOND for ticks, micros in bounds)
    ticks = [base + number * job.every for number in range(-60, 60)]
    assert ticks_between(job, after, until) == sum(after <= tick < until for tick in ticks)


@unhurried
@given(intervals, st.lists(moments, min_size=2, max_size=6).map(sorted))
def test_spans_that_meet_count_each_tick_once(every_s: float, bounds: list[datetime]) -> None:
    job = make_job(every_s=every_s)
    parts = [ticks_between(job, after, until) for after, until in pairwise(bounds)]
    assert sum(parts) == ticks_between(job, bounds[0], bounds[-1])


# Runs


def test_a_run_carries_what_was_configured() -> None:
    (job,) = enabled_jobs(make_config(make_spec("groq:llama", probes=("chat",))))
    run = run_for(job, tick_at(job, NOW))
    assert (run.endpoint, run.vantage, run.probe, run.task) == (job.spec.endpoint, "fra1", "chat", Task.CHAT)
    assert (run.deadlines.ttft_s, run.deadlines.total_s) == (7, 21)
    assert run.scheduled_at == tick_at(job, NOW)
    assert run.prompt.max_tokens == CHAT.max_tokens


def test_a_longer_prompt_is_longer() -> None:
    chat, long = enabled_jobs(make_config(make_spec("a:one", probes=("chat", "long"))))
    assert len(run_for(long, NOW).prompt.text) > 20 * len(run_for(chat, NOW).prompt.text)
    assert run_for(long, NOW).prompt.max_tokens == 16


def test_run_ids_are_these_for_ever() -> None:
    """The store knows a repeated sample by its id, also after an update."""
    assert run_for(make_job(), datetime(2026, 11, 22, 7, 0, 0, 5, tzinfo=UTC)).id == "d0f2f6b7b15f2bf9"


def test_a_repeat_has_the_same_id_and_prompt() -> None:
    tick = tick_at(make_job(), NOW)
    assert run_for(make_job(), tick) == run_for(make_job(), tick)


def test_run_ids_are_of_the_endpoint_the_probe_and_the_moment() -> None:
    specs = [make_spec(f"p{number}:m", probes=("chat", "long")) for number in range(12)]
    jobs = [*enabled_jobs(make_config(*specs)), *enabled_jobs(make_config(*specs, vantage="nyc3"))]
    moments = [NOW + place * timedelta(seconds=7) for place in range(50)] + [NOW + MICROSECOND]
    ids = {run_for(job, at).id for job in jobs for at in moments}
    assert len(ids) == len(jobs) * len(moments)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)


# Prompts


@unhurried
@given(st.integers(0, 10**6), intervals)
def test_all_endpoints_of_a_model_are_asked_the_same_in_one_round(number: int, every_s: float) -> None:
    """A round is one interval, counted from the epoch; each endpoint's tick lies somewhere in it."""
    jobs = [make_job(name, every_s=every_s) for name in ("a:one", "b:two", "c:three", "d:four")]
    assume(all(job.phase_s < every_s for job in jobs))
    texts = {run_for(job, job.first_tick + number * job.every).prompt.text for job in jobs}
    assert len(texts) == 1


def test_every_round_asks_anew() -> None:
    job = make_job()
    texts = {run_for(job, job.first_tick + number * job.every).prompt.text for number in range(2000)}
    assert len(texts) == 2000


def test_another_model_and_another_probe_are_asked_something_else() -> None:
    one, two = make_job(model="m/one"), make_job(model="m/two")
    assert run_for(one, one.first_tick).prompt != run_for(two, two.first_tick).prompt
    short, renamed = make_job(), replace(make_job(), probe=replace(CHAT, name="chat2"))
    assert run_for(short, short.first_tick).prompt != run_for(renamed, renamed.first_tick).prompt


def test_a_probe_beside_the_schedule_is_asked_something_of_its_own() -> None:
    job = make_job()
    tick = tick_at(job, NOW)
    beside = [run_for(job, tick + number * MICROSECOND).prompt.text for number in range(1, 100)]
    assert len({run_for(job, tick).prompt.text, *beside}) == 100


def test_the_nonce_comes_first_and_holds_no_digit() -> None:
    text = run_for(make_job(), NOW).prompt.text
    word = text[1 : text.index("]")]
    assert text[0] == "["
    assert word.isalpha()
    assert len(word) * math.log2(26) > 32
