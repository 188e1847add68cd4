"""CPU time of a restart's recomputation and of one update, with the real board and many endpoints.

CPU time and not wall-clock time, since other programs use the machine too.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from random import Random

from benchmarks.scoring.daemon_detector import Setting, configuration
from benchmarks.scoring.detectors import START, moment, sample_of
from benchmarks.scoring.simulation import FinishedProbe, ProbeSchedule
from benchmarks.scoring.world import Size, staged
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from probes._model import ErrorClass, Sample
from probes._quantiles import quantile

_FAILS = 0.01
_TENTHS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Timings of one board."""

    endpoints: int
    restore_s: float
    """From serialized states to endpoint states."""
    publish_s: float
    """From endpoint states to all rows and the document."""
    update_least_us: float
    """Mean of the fastest tenth of consecutive updates: the one that other programs slowed down least."""
    update_mean_us: float
    update_p50_us: float
    update_p99_us: float
    """An update is one sample, with the state to be stored."""


def board_times(providers: int, models: int, updates: int) -> Times:
    """Times a board of `providers` with `models` each; all endpoints of a provider are siblings."""
    made = staged(Size(providers=providers, models=models, days=1))
    config = configuration(made, Setting(schedule=ProbeSchedule(every_s=60.0)))
    jobs = enabled_jobs(config)
    names = [spec.endpoint.id for spec in config.endpoints]
    first = Board(config, jobs, START)
    states = dict(first.absorb(_sample(name, 60.0, None) for name in names).states)
    board = Board(config, jobs, START)
    began = time.process_time()
    board.restore_states(states, dict.fromkeys(names, START))
    restored = time.process_time()
    board.publish(moment(120.0), sweep=True)
    published = time.process_time()
    gc.freeze()  # as the daemon does
    in_turn_us = list(_updates(board, names, updates))
    took_us = sorted(in_turn_us)
    tenth = len(in_turn_us) // _TENTHS
    tenths = (in_turn_us[place * tenth : (place + 1) * tenth] for place in range(_TENTHS))
    return Times(
        endpoints=len(names),
        restore_s=restored - began,
        publish_s=published - restored,
        update_least_us=min(sum(item) / tenth for item in tenths),
        update_mean_us=sum(took_us) / len(took_us),
        update_p50_us=quantile(took_us, 0.5),
        update_p99_us=quantile(took_us, 0.99),
    )


def _updates(board: Board, names: list[str], count: int) -> list[float]:
    chance, found = Random(1), []
    for turn in range(count):
        error = ErrorClass.SERVER_ERROR if chance.random() < _FAILS else None
        sample = _sample(names[turn * 7919 % len(names)], 120.0 + turn * 0.01, error)
        began = time.process_time()
        board.absorb((sample,))
        found.append((time.process_time() - began) * 1e6)
    return found


def _sample(name: str, at_s: float, error: ErrorClass | None) -> Sample:
    return sample_of(name, FinishedProbe(began_s=at_s, ended_s=at_s + 1.5, error=error, slow=False, offline=False))
