"""Runs and samples as JSON, there and back."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes._model import (
    Blame,
    Deadlines,
    Endpoint,
    ErrorClass,
    Form,
    Pricing,
    Prompt,
    Run,
    Sample,
    Secret,
    Task,
    Timing,
    TokensFrom,
)
from probes._prompts import prompt_for
from probes._serialize import run_from_plain, run_to_plain, sample_from_plain, sample_to_plain, timestamp
from tests.contract.exchanges import BEGAN_AT, KEY, run_to

texts = st.text(st.characters(codec="utf-8"))
moments = st.datetimes(timezones=st.just(UTC))
reals = st.floats(allow_nan=False)
secrets = texts.map(Secret)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | reals | texts
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "str": texts,
    "datetime": moments,
    "Task": st.sampled_from(Task),
    "str | None": st.none() | texts,
    "int | None": st.none() | st.integers(0, 2**63),
    "float | None": st.none() | reals,
    "bool | None": st.none() | st.booleans(),
    "ErrorClass | None": st.none() | st.sampled_from(ErrorClass),
    "Blame | None": st.none() | st.sampled_from(Blame),
    "Timing | None": st.none() | st.sampled_from(Timing),
    "TokensFrom | None": st.none() | st.sampled_from(TokensFrom),
}
samples = st.builds(Sample, **{field.name: BY_TYPE[str(field.type)] for field in dataclasses.fields(Sample)})
runs = st.builds(
    Run,
    id=texts,
    endpoint=st.builds(
        Endpoint,
        id=texts,
        provider=texts,
        model=texts,
        api=texts,
        base_url=texts,
        api_key=st.none() | secrets,
        headers=st.lists(st.tuples(texts, secrets), max_size=3).map(tuple),
        options=st.dictionaries(texts, leaves, max_size=3),
        pricing=st.none() | st.builds(Pricing, prompt=reals, completion=reals, cached=st.none() | reals),
    ),
    vantage=texts,
    probe=texts,
    task=st.sampled_from(Task),
    prompt=st.builds(
        Prompt,
        text=texts,
        max_tokens=st.integers(),
        expected=st.lists(st.integers()).map(tuple),
        tokens=st.none() | st.integers(),
        form=st.none() | st.builds(Form, name=texts, description=texts, fields=st.lists(texts).map(tuple)),
        dimensions=st.none() | st.integers(),
    ),
    deadlines=st.builds(Deadlines, ttft_s=reals, total_s=reals),
    scheduled_at=moments,
)


def over_json(plain: dict[str, object]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(json.dumps(plain))
    return decoded


@given(samples)
def test_a_sample_comes_back_from_json_as_it_was(sample: Sample) -> None:
    assert sample_from_plain(over_json(sample_to_plain(sample))) == sample


@given(samples)
def test_words_and_times_come_back_as_their_types(sample: Sample) -> None:
    back = sample_from_plain(over_json(sample_to_plain(sample)))
    assert [type(getattr(back, field.name)) for field in dataclasses.fields(Sample)] == [
        type(getattr(sample, field.name)) for field in dataclasses.fields(Sample)
    ]


@given(runs)
def test_a_run_comes_back_from_json_as_it_was(run: Run) -> None:
    assert run_from_plain(over_json(run_to_plain(run))) == run


@pytest.mark.parametrize("task", Task)
def test_the_run_of_every_task_comes_back_as_it_was(task: Task) -> None:
    prompt = prompt_for(task, "abcdefgh", prompt_tokens=100, max_tokens=8, dimensions=384)
    run = dataclasses.replace(run_to(task=task), prompt=prompt)
    assert run_from_plain(over_json(run_to_plain(run))) == run


def test_a_plain_sample_has_every_field_in_order_and_null_for_what_was_not_measured() -> None:
    run = run_to()
    sample = Sample(
        id=run.id,
        endpoint=run.endpoint.id,
        vantage="here",
        probe="chat",
        task=Task.CHAT,
        scheduled_at=BEGAN_AT,
        started_at=BEGAN_AT,
        error=ErrorClass.DNS,
    )
    plain = over_json(sample_to_plain(sample))
    assert list(plain) == [field.name for field in dataclasses.fields(Sample)]
    assert plain["error"] == "dns"
    assert plain["started_at"] == "2026-11-22T07:00:00.000000Z"
    assert plain["ttft_s"] is None
    assert 0 not in plain.values()


@given(moments, st.integers(-23 * 60, 23 * 60))
def test_a_timestamp_is_utc_whatever_zone_it_came_in(at: datetime, minutes: int) -> None:
    try:
        abroad = at.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        abroad = at
    assert timestamp(abroad) == timestamp(at)
    assert timestamp(at).endswith("Z")
    assert datetime.fromisoformat(timestamp(at)) == at


def test_a_plain_run_holds_its_secrets_in_the_clear() -> None:
    plain = over_json(run_to_plain(run_to(headers=(("X-Key", Secret("s")),))))
    assert plain["endpoint"]["api_key"] == KEY
    assert plain["endpoint"]["headers"] == [["X-Key", "s"]]


@pytest.mark.parametrize(
    "damage",
    [
        {"error": "nonsense"},
        {"task": "nonsense"},
        {"started_at": "yesterday"},
        {"started_at": None},
        {"scheduled_at": 5},
        {"surprise": 1},
    ],
)
def test_what_is_no_sample_is_refused(damage: dict[str, object]) -> None:
    plain = sample_to_plain(
        Sample(id="a", endpoint="b", vantage="c", probe="d", task=Task.CHAT, scheduled_at=BEGAN_AT, started_at=BEGAN_AT)
    )
    with pytest.raises((KeyError, TypeError, ValueError)):
        sample_from_plain({**plain, **damage})


@pytest.mark.parametrize("missing", ["id", "error", "scheduled_at"])
def test_a_sample_with_a_field_missing_is_refused(missing: str) -> None:
    plain = sample_to_plain(
        Sample(id="a", endpoint="b", vantage="c", probe="d", task=Task.CHAT, scheduled_at=BEGAN_AT, started_at=BEGAN_AT)
    )
    with pytest.raises((KeyError, TypeError)):
        sample_from_plain({name: value for name, value in plain.items() if name != missing})


@pytest.mark.parametrize("damage", [{"task": "nonsense"}, {"deadlines": {}}, {"prompt": None}, {"endpoint": {}}])
def test_what_is_no_run_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        run_from_plain({**run_to_plain(run_to()), **damage})
