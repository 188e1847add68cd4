"""A replay of a real store, hour by hour, from rows and blocks. The replay writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from monitor.backtest.policies import NAMES, UnknownPolicyError
from monitor.backtest.replay import Verdict
from monitor.backtest.run import Backtest, BacktestMisuseError, BacktestRequest, backtest, since_of
from monitor.config import load
from monitor.config.model import Config, EndpointSpec, ProbeSpec
from monitor.scheduler.jobs import all_jobs, tick_at
from monitor.store import Retention, Store, StoreError, create_store
from probes._model import ErrorClass, Sample, Task
from tests.support import outage
from tests.support.board_values import CHAT, make_config, make_spec, sample_at
from tests.support.daemon import write_config
from tests.support.memory_store import MemoryStore

NOW = datetime(2026, 11, 22, 7, 13, tzinfo=UTC)
DAY = timedelta(days=1)
NAME, OTHER = "groq:llama", "groq:qwen"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Of the history with an outage."""
    return load(write_config(tmp_path / "pw.yaml", outage.config("sqlite:unused.db")), {})


async def played(store: Store, config: Config, since: datetime = NOW - DAY, **wanted: Any) -> Backtest:
    wanted = {"policies": NAMES, **wanted}
    return await backtest(store, config, BacktestRequest(since=since, until=NOW, **wanted))


def verdict(found: Backtest, name: str) -> Verdict:
    (one,) = (each for each in found.report.verdicts if each.name == name)
    return one


async def kept(samples: Iterable[Sample]) -> Store:
    """A store in memory with these samples."""
    store = MemoryStore()
    await store.append([*samples], {})
    return store


def minutely(letters: str, name: str = NAME, **fields: Any) -> list[Sample]:
    """The newest of one sample a minute is from a minute ago; `f` failed."""
    found = []
    for place, letter in enumerate(reversed(letters)):
        error = ErrorClass.SERVER_ERROR if letter == "f" else None
        sample = sample_at(NOW - timedelta(minutes=place + 1), error, name, **fields)
        found.append(replace(sample, id=f"{crc32(f'{name} {place} {fields}'.encode()):016x}"))
    return found


# The history with an outage


async def test_the_outage_is_found_and_every_policy_is_held_against_it(store: Store, config: Config) -> None:
    await store.append(outage.samples(config, NOW), {})
    found = await played(store, config)
    assert (found.endpoints, found.report.outages) == (4, 2)
    assert 2 * 1500 < found.report.outage_s < 2 * 2100
    assert [each.name for each in found.report.verdicts] == [*NAMES]
    for each in found.report.verdicts:
        assert (each.detected, each.missed) == (2, 0)
    ours = verdict(found, "filter")
    assert ours.skill is not None
    assert ours.skill > max(each.skill or 0 for each in found.report.verdicts if each is not ours)
    assert verdict(found, "failures-1").false_alarms > ours.false_alarms


async def test_the_bill_tells_ticks_from_probes_beside_them(store: Store, config: Config) -> None:
    samples = outage.samples(config, NOW)
    await store.append(samples, {})
    bill = (await played(store, config)).bill
    jobs = {job.spec.endpoint.id: job for job in all_jobs(config)}
    beside = [each for each in samples if tick_at(jobs[each.endpoint], each.scheduled_at) != each.scheduled_at]
    assert bill.all.samples == len(samples)
    assert bill.beside.samples == len(beside) > 0
    assert bill.all.tokens == sum((each.prompt_tokens or 0) + (each.output_tokens or 0) for each in samples)
    assert bill.all.usd == pytest.approx(sum(sample.cost_usd or 0 for sample in samples))
    assert bill.unplanned.samples == 0


async def test_packed_samples_are_played_like_any_others(store: Store, path: Path, config: Config) -> None:
    await store.append(outage.samples(config, NOW), {})
    before = await played(store, config)
    again = create_store(f"sqlite:///{path}")
    await again.open()
    while await again.upkeep(NOW + 3 * DAY, Retention()):
        pass
    assert (await again.info()).rows["block"] > 0
    assert await played(again, config) == before


async def test_nothing_is_written(store: Store, path: Path, config: Config) -> None:
    await store.append(outage.samples(config, NOW), {})
    await store.close()
    before = path.read_bytes()
    await played(create_store(f"sqlite:///{path}"), config)
    assert path.read_bytes() == before


async def test_a_daemon_may_write_meanwhile(store: Store, path: Path, config: Config) -> None:
    samples = outage.samples(config, NOW)
    await store.append(samples[:-200], {})
    writer = create_store(f"sqlite:///{path}")
    await writer.open()
    late = iter(samples[-200:])

    class Reader(MemoryStore):
        """Between two slices the daemon stores one sample more."""

        async def schema(self) -> Any:
            return await store.schema()

        async def first_seen(self) -> dict[str, datetime]:
            return await store.first_seen()

        async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
            await writer.append([next(late)], {})
            return await store.samples(since, until)

    found = await played(Reader(), config)
    assert found.bill.all.samples >= len(samples) - 200
    await writer.close()


async def test_history_is_read_an_hour_at_a_time_and_told_of(config: Config) -> None:
    asked: list[tuple[datetime, datetime | None]] = []

    class Noting(MemoryStore):
        async def samples(self, since: datetime, until: datetime | None = None) -> list[Sample]:
            asked.append((since, until))
            return await super().samples(since, until)

    store, told = Noting(), []
    await store.append(outage.samples(config, NOW), {})
    wanted = BacktestRequest(since=NOW - timedelta(days=4000), until=NOW, policies=["failures-2"])
    await backtest(store, config, wanted, lambda at, count: told.append((at, count)))
    assert asked[0][0] == min((await store.first_seen()).values()), "years before are not gone through"
    assert all(end is not None and end - since <= timedelta(hours=1) for since, end in asked)
    assert all(end == since for (_, end), (since, _) in pairwise(asked))
    assert [at for at, _ in told] == [end for _, end in asked]
    assert told[-1] == (NOW, len(await store.samples(NOW - DAY)))


# Whose samples


async def test_one_endpoint_is_judged_by_its_own_samples_and_siblings_count_as_evidence(config: Config) -> None:
    samples = outage.samples(config, NOW)
    one = await played(await kept(samples), config, ids=["near:large"])
    assert (one.endpoints, one.report.outages) == (1, 1)
    assert one.bill.all.samples == sum(sample.endpoint == "near:large" for sample in samples)
    alone = await played(
        await kept(each for each in samples if each.endpoint == "near:large"), config, ids=["near:large"]
    )
    assert verdict(one, "ratio-30") == verdict(alone, "ratio-30")
    assert verdict(one, "filter").brier != verdict(alone, "filter").brier


async def test_what_is_not_configured_is_passed_over(config: Config) -> None:
    samples = outage.samples(config, NOW)
    strange = [replace(sample, id=sample.id[::-1], endpoint="gone:x") for sample in samples]
    assert await played(await kept([*samples, *strange]), config) == await played(await kept(samples), config)


async def test_samples_under_a_name_of_before_are_the_endpoints_own() -> None:
    store = await kept(minutely("oofffffoo", "old:llama"))
    found = await played(store, make_config(make_spec(NAME, aliases=("old:llama",))))
    assert (found.bill.all.samples, found.report.outages) == (9, 1)


async def test_an_unknown_endpoint_is_refused_with_a_hint(config: Config) -> None:
    store = MemoryStore()
    with pytest.raises(
        BacktestMisuseError, match=r"no endpoint has the id 'near:lrge' \(did you mean 'near:large'\?\)"
    ):
        await played(store, config, ids=["near:lrge"])
    with pytest.raises(BacktestMisuseError, match=r"no endpoint has the id 'x'; there are: far:large, far:small"):
        await played(store, config, ids=["x"])


async def test_an_unknown_policy_is_refused(config: Config) -> None:
    with pytest.raises(UnknownPolicyError):
        await played(MemoryStore(), config, policies=["oracle"])


async def test_without_samples_it_says_of_whom_and_since_when(config: Config) -> None:
    with pytest.raises(StoreError, match=r"no samples of the endpoints that are configured since 2026-11-21 07:13 UTC"):
        await played(MemoryStore(), config)
    with pytest.raises(StoreError, match="no samples of near:large since"):
        await played(await kept(minutely("oo", "far:large")), config, ids=["near:large"])


async def test_a_store_that_holds_nothing_or_has_another_schema_is_refused(tmp_path: Path, config: Config) -> None:
    with pytest.raises(StoreError, match="is empty"):
        await played(create_store(f"sqlite:///{tmp_path}/new.db"), config)


# What counts


async def test_an_accounts_trouble_is_paid_for_and_judges_nothing() -> None:
    refused = [replace(sample, error=ErrorClass.RATE_LIMITED, id=sample.id[::-1]) for sample in minutely("ooooo")]
    found = await played(await kept([*minutely("ooo"), *refused]), make_config(make_spec()))
    assert (found.bill.all.samples, found.report.judged) == (8, 2)


async def test_a_slow_answer_is_no_success() -> None:
    found = await played(await kept(minutely("oooo", ttft_s=2.5)), make_config(make_spec()))
    assert found.report.share == 0


def reaching(*probes: str) -> tuple[Config, EndpointSpec]:
    both = {"chat": CHAT, "reach": ProbeSpec(name="reach", task=Task.REACH, every_s=60, timeout_s=10)}
    spec = make_spec(probes=probes)
    return make_config(spec, probes={name: both[name] for name in probes}), spec


async def test_a_reach_success_does_not_count_for_an_endpoint_with_token_probes() -> None:
    """An outage of chat is one although the provider can be reached all the time."""
    reached = minutely("ooooooooo", task=Task.REACH, probe="reach")
    config, _ = reaching("chat", "reach")
    found = await played(await kept([*minutely("oofffffoo"), *reached]), config)
    assert (found.report.outages, found.bill.all.samples) == (1, 18)
    assert verdict(found, "failures-3").detected == 1


async def test_an_endpoint_that_is_only_reached_for_is_judged_by_that() -> None:
    config, _ = reaching("reach")
    found = await played(await kept(minutely("oofffffoo", task=Task.REACH, probe="reach")), config)
    assert (found.report.outages, found.report.judged) == (1, 8)


async def test_probes_that_are_gone_are_paid_for_apart() -> None:
    found = await played(await kept(minutely("oooo", probe="gone")), make_config(make_spec()))
    assert (found.bill.all.samples, found.bill.unplanned.samples, found.bill.beside.samples) == (4, 4, 0)


# When a sample was known


@pytest.mark.parametrize(
    ("error", "fields", "lasted_s"),
    [
        (None, {"e2e_s": 1.2}, 1.2),
        (ErrorClass.WRONG_ANSWER, {"e2e_s": 3.5}, 3.5),
        (ErrorClass.TIMEOUT_TTFT, {"headers_s": 0.1}, 10.0),
        (ErrorClass.TIMEOUT_TOTAL, {"ttft_s": 0.4}, 30.0),
        (ErrorClass.STALLED, {"ttft_s": 0.4}, 30.0),
        (ErrorClass.SERVER_ERROR, {"headers_s": 0.7}, 0.7),
        (ErrorClass.TRUNCATED, {"headers_s": 0.1, "ttft_s": 0.4, "ttat_s": 0.9}, 0.9),
        (ErrorClass.DNS, {}, 0.0),
    ],
)
async def test_a_failure_delays_an_alarm_by_as_long_as_it_took(
    error: ErrorClass | None, fields: dict[str, Any], lasted_s: float
) -> None:
    """The third of them is when it is proved, and so an alarm of the first one's is known so long after it began."""
    at = [NOW - timedelta(minutes=9 - number) for number in range(8)]
    errors = [None, *[error or ErrorClass.SERVER_ERROR] * 5, None, None]
    measured: dict[str, Any] = fields if error else {"e2e_s": lasted_s}
    samples = [
        replace(sample_at(moment, each), id=f"{number:016x}", **(measured if each else {}))
        for number, (moment, each) in enumerate(zip(at, errors, strict=True))
    ]
    found = await played(await kept(samples), make_config(make_spec()), policies=["failures-1"])
    assert verdict(found, "failures-1").delay_p50_s == pytest.approx(lasted_s, abs=1e-5)


def test_no_span_goes_back_before_time() -> None:
    assert since_of(NOW, 3600) == NOW - timedelta(hours=1)
    assert since_of(NOW, 1e15) == datetime(1970, 1, 1, tzinfo=UTC)
