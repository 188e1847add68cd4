"""Rollups of a store in memory, computed from its samples at each request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.domain.epoch import EPOCH
from monitor.store._protocol import RollupTier
from monitor.store.rollup import Rollup, fuller, merged, rolled
from probes._model import Sample, Task

Rolled: TypeAlias = dict[tuple[str, Task, str, datetime], Rollup]
"""Rollups by endpoint, task, vantage and start."""


def hourly(before: Rolled, samples: Iterable[Sample]) -> Rolled:
    """Rollups of every hour: from samples where there are any, else the rollup from before."""
    groups: dict[tuple[str, Task, str, datetime], list[Sample]] = {}
    for sample in samples:
        key = (sample.endpoint, sample.task, sample.vantage, floor(sample.started_at, RollupTier.HOUR.value))
        groups.setdefault(key, []).append(sample)
    fresh = {key: rolled(group) for key, group in groups.items()}
    return before | {key: fuller(rollup, before.get(key)) for key, rollup in fresh.items()}


def daily(before: Rolled, hours: Rolled) -> Rolled:
    """Rollups of every day: from its hours where there are any, else the rollup from before."""
    groups: dict[tuple[str, Task, str, datetime], list[Rollup]] = {}
    for (name, task, vantage, hour), rollup in hours.items():
        groups.setdefault((name, task, vantage, floor(hour, RollupTier.DAY.value)), []).append(rollup)
    return before | {key: merged(rollups) for key, rollups in groups.items()}


def since_start(kept: Rolled, at: datetime) -> Rolled:
    """The rollups that start at `at` or later."""
    return {key: rollup for key, rollup in kept.items() if key[3] >= at}


def renamed(kept: Rolled, alias: str, name: str) -> Rolled:
    """The rollups of `alias` merged into those of `name`."""
    groups: dict[tuple[str, Task, str, datetime], list[Rollup]] = {}
    for (endpoint, task, vantage, start), rollup in kept.items():
        groups.setdefault((name if endpoint == alias else endpoint, task, vantage, start), []).append(rollup)
    return {key: merged(rollups) for key, rollups in groups.items()}


def with_sketches(rollup: Rollup, figures: Sequence[str]) -> Rollup:
    """A copy that holds the sketches of these figures alone."""
    only = merged([rollup])
    only.sketches = {name: sketch for name, sketch in only.sketches.items() if name in figures}
    return only


def floor(at: datetime, seconds: int) -> datetime:
    """The start of the bucket of so many seconds that holds a moment."""
    return at - (at - EPOCH) % timedelta(seconds=seconds)
