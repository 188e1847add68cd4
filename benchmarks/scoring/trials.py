"""Trials in one world: ours and the other rules side by side, alarms without trouble, schedules.

Trials run in processes of their own, so arguments and results are plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.scoring.detectors import OURS, RuleDetector, ScoreDetector, limits_of
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.measures import (
    Findings,
    Tally,
    endpoint_days,
    measure_figures,
    measure_flags,
    measure_requests,
    measure_routing,
)
from benchmarks.scoring.routed_requests import routed_requests
from benchmarks.scoring.rules import RIVALS, Calibration
from benchmarks.scoring.simulation import ProbeSchedule, Simulation, SimulationResult
from benchmarks.scoring.world import Climate, Size, World, staged, world

USUAL = ProbeSchedule(every_s=60.0, least_s=2.0)
"""`every: 60s`: a scheduled probe a minute, and extra probes as the daemon makes them."""
ASKED_EVERY_S = 120.0


def learned(seed: str, size: Size, climate: Climate) -> dict[str, Calibration]:
    """The calibration of each rival, learned in one world."""
    simulated = world(seed, size, climate)
    routed = routed_requests(simulated, seed, ASKED_EVERY_S)
    detector = RuleDetector(simulated, RIVALS)
    own_result = Simulation(simulated, detector, ProbeSchedule(every_s=USUAL.every_s), seed, routed.times_s).run()
    found = {name: Calibration() for name in detector.names}
    for place, name in enumerate(detector.names):
        for figures, requests in zip(own_result.figures, routed.requests, strict=True):
            found[name].learn(figures[place], requests.succeeded)
    return found


def compared(seed: str, size: Size, climate: Climate, calibrations: Mapping[str, Calibration]) -> Findings:
    """Ours and its rivals with the same number of probes and the same requests."""
    simulated = world(seed, size, climate)
    routed = routed_requests(simulated, seed, ASKED_EVERY_S)
    ours = ScoreDetector(simulated, limits_of(USUAL))
    own_result = Simulation(simulated, ours, USUAL, seed, routed.times_s).run()
    rivals = RuleDetector(simulated, RIVALS, calibrations)
    rival_result = Simulation(simulated, rivals, same_cost(simulated, own_result), seed, routed.times_s).run()
    found = Findings(endpoint_days=endpoint_days(simulated))
    measure_requests(found, routed)
    for detector, result in ((ours, own_result), (rivals, rival_result)):
        for place, name in enumerate(detector.names):
            tally = found.tallies[name] = Tally(probes=result.made)
            measure_figures(tally, place, result, routed)
            measure_flags(tally, name, simulated, detector.flags)
    measure_routing(found, simulated, ((ours.names, own_result), (rivals.names, rival_result)), routed)
    return found


def quiet(seed: str, size: Size) -> Findings:
    """False alarms of endpoints that have only single failures."""
    simulated = staged(size)
    ours = ScoreDetector(simulated, limits_of(USUAL))
    own_result = Simulation(simulated, ours, USUAL, seed).run()
    rivals = RuleDetector(simulated, RIVALS)
    rival_result = Simulation(simulated, rivals, same_cost(simulated, own_result), seed).run()
    found = Findings(endpoint_days=endpoint_days(simulated))
    for detector, result in ((ours, own_result), (rivals, rival_result)):
        for name in detector.names:
            found.tallies[name] = Tally(probes=result.made)
            measure_flags(found.tallies[name], name, simulated, detector.flags)
    return found


def same_cost(simulated: World, own_result: SimulationResult) -> ProbeSchedule:
    """The fixed interval with the same number of probes."""
    return ProbeSchedule(every_s=simulated.until_s * len(simulated.endpoints) / own_result.made)


@dataclass(slots=True, kw_only=True)
class Spent:
    """Probes of a schedule in one world, and its delays in detecting full outages."""

    probes: int = 0
    days: float = 0.0
    """Days of all endpoints."""
    delays_s: list[float] = field(default_factory=list)
    false_alarms: int = 0


def spent(seed: str, size: Size, climate: Climate, schedule: ProbeSchedule, name: str) -> Spent:
    """One schedule in one world, with ours or a rule as detector; a rule asks for no extra probes."""
    simulated = world(seed, size, climate)
    detector: ScoreDetector | RuleDetector = (
        ScoreDetector(simulated, limits_of(schedule)) if name == OURS else RuleDetector(simulated, {name: RIVALS[name]})
    )
    own_result = Simulation(simulated, detector, schedule, seed).run()
    tally = Tally()
    measure_flags(tally, name, simulated, detector.flags)
    return Spent(
        probes=own_result.made,
        days=len(simulated.endpoints) * size.days,
        delays_s=tally.delays_s[Flag.DOWN],
        false_alarms=tally.false_alarms[Flag.DOWN],
    )
