"""The benchmark of the score: its report has all its parts, and what must hold by construction holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from benchmarks.scoring import figures, score, trials
from benchmarks.scoring.daemon_detector import DaemonDetector, Setting
from benchmarks.scoring.detectors import RuleDetector, ScoreDetector, limits_of
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.measures import Findings
from benchmarks.scoring.rules import RIVALS, Calibration
from benchmarks.scoring.simulation import Due, FinishedProbe, ProbeSchedule, Simulation
from benchmarks.scoring.trials import Spent
from benchmarks.scoring.world import FULL, STORMY, Climate, Size, Timeline, World, staged, world

WORLD_SEED = "a world of a test"
SIZE = Size(providers=2, models=2, days=1.5)


def calibrations() -> Mapping[str, Calibration]:
    return trials.learned(f"{WORLD_SEED}, for learning", SIZE, FULL)


@pytest.fixture(scope="module")
def found() -> Findings:
    """Ours and its rivals in one world."""
    return trials.compared(WORLD_SEED, SIZE, FULL, calibrations())


# The report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("results")
    few = {"seeds": 1, "days": 1.1, "providers": 2, "models": 1, "workers": 1, "board": 5}
    words = [f"--{name}={value}" for name, value in few.items()]
    score.main(["--quick", *words, "--name=tiny", f"--out={folder}"])
    assert (folder / "tiny.md").read_text().startswith("# Score, status and schedule in simulated worlds\n")
    found: dict[str, Any] = json.loads((folder / "tiny.json").read_text())
    return found


@pytest.mark.slow
def test_the_report_has_a_verdict_on_every_promise(report: dict[str, Any]) -> None:
    bounds = [item["bound"] for item in report["verdicts"]]
    for words in (
        "remaining error, against true chances (full world",
        "within 0.03 of the observed share (full world)",
        "whole Brier score, of which",
        "the median full outage is called down within 46 s",
        "the median full outage of one endpoint is called down within 46 s",
        "at most 1 false alarm per endpoint and month (nothing but 0.3 % of lone failures)",
        "a router loses at most 0.67",
        "while the vantage is offline for 10 minutes no endpoint is called down",
        "within 2 of their probes of the first",
        "never passes its cap by more than one probe",
        "takes at most 50 % of the probes of a fixed schedule with the same delay (detector: fixed, ours)",
        "takes at most 50 % of the probes of a fixed schedule with the same delay (detector: fixed, 2 in a row)",
        "are recomputed after a restart in 5 s",
        "an update takes at most 100 µs",
    ):
        assert any(words in bound for bound in bounds), words
    assert all(isinstance(item["kept"], bool) for item in report["verdicts"])


@pytest.mark.slow
def test_the_report_has_a_row_for_every_rule_and_every_bin(report: dict[str, Any]) -> None:
    rules = {"ours", *RIVALS}
    tables = {table["title"]: table for table in report["tables"]}
    assert all(len(row) == len(table["head"]) for table in tables.values() for row in table["rows"])
    errors = tables["Scores, full world"]
    assert {row[0] for row in errors["rows"]} == rules | {"oracle"}
    assert {row[0] for row in tables["Detection of full outages of at least 3 minutes, full world"]["rows"]} == rules
    assert len(tables["Calibration of ours, full world"]["rows"]) == 10


# What holds by construction


@pytest.mark.slow
def test_the_same_seed_makes_the_same_figures(found: Findings) -> None:
    known = calibrations()
    assert trials.compared(WORLD_SEED, SIZE, FULL, known) == found
    assert trials.compared("another world", SIZE, FULL, known) != found


@pytest.mark.slow
def test_no_rule_is_nearer_to_the_chances_or_routes_better_than_the_oracle(found: Findings) -> None:
    for tally in found.tallies.values():
        assert tally.true_error > 0
        assert tally.lost >= 0
    assert found.best <= found.routed
    assert found.oracle_error <= found.requests


@pytest.mark.slow
def test_all_rules_are_asked_the_same_and_cost_the_same(found: Findings) -> None:
    for tally in found.tallies.values():
        assert sum(item.count for item in tally.bins) == found.requests == sum(found.moments.values())
        assert sum(item.succeeded for item in tally.bins) == found.succeeded
        assert tally.probes == pytest.approx(found.tallies["ours"].probes, abs=4)  # one for each endpoint


@pytest.mark.slow
def test_where_the_error_sits_adds_up_to_the_error(found: Findings) -> None:
    for tally in found.tallies.values():
        assert sum(tally.error_in.values()) == pytest.approx(tally.true_error)


def test_a_figure_is_taken_for_the_share_that_it_stood_for() -> None:
    calibration = Calibration()
    calibration.learn([0.0] * 1000 + [1.0] * 1000, [False] * 900 + [True] * 1100)
    assert calibration.chance(0.0) == pytest.approx(0.1, abs=0.01)
    assert calibration.chance(1.0) == pytest.approx(1.0, abs=0.01)
    assert calibration.chance(0.97) == calibration.chance(1.0)


def test_the_chance_of_an_unknown_figure_does_not_depend_on_what_was_looked_up_before() -> None:
    def learned() -> Calibration:
        calibration = Calibration()
        calibration.learn([0.0] * 1000 + [1.0] * 1000, [False] * 1000 + [True] * 1000)
        return calibration

    figures = [0.02, 0.2, 0.4, 0.6, 0.8, 0.98]
    chances = [learned().chance(figure) for figure in figures]
    for order in (figures, figures[::-1], [0.6, 0.02, 0.98, 0.4, 0.2, 0.8]):
        calibration = learned()
        looked_up = {figure: calibration.chance(figure) for figure in order}
        assert [looked_up[figure] for figure in figures] == chances


@pytest.mark.slow
def test_without_trouble_every_alarm_is_false_and_only_lone_failures_make_one() -> None:
    found = trials.quiet("quiet", SIZE)
    down = Flag.DOWN
    alarms = {name: tally.false_alarms[down] for name, tally in found.tallies.items()}
    assert alarms["1 failure"] > 0
    assert alarms["1 failure"] >= alarms["2 failures in a row"] >= alarms["3 failures in a row"]
    assert not any(item for tally in found.tallies.values() for item in tally.delays_s.values())


def test_more_never_stands_for_less() -> None:
    calibration = Calibration()
    calibration.learn(
        [0.1] * 100 + [0.5] * 100 + [0.9] * 100,
        [True] * 60 + [False] * 40 + [True] * 40 + [False] * 60 + [True] * 90 + [False] * 10,
    )
    assert calibration.chance(0.1) == calibration.chance(0.5) == pytest.approx(0.5, abs=0.01)
    assert calibration.chance(0.9) == pytest.approx(0.9, abs=0.01)


# The fast detector is the daemon's


@pytest.mark.slow
@pytest.mark.parametrize("least_s", [2.0, 15.0])
def test_the_endpoint_states_come_to_what_the_board_comes_to(least_s: float) -> None:
    schedule = ProbeSchedule(every_s=60.0 if least_s < 10 else 300.0, least_s=least_s)
    rates = tuple(replace(rate, per_day=4 * rate.per_day) for rate in STORMY.rates)
    made = world("both", Size(providers=2, models=2, days=0.4), Climate(rates=rates))
    made = World(size=made.size, endpoints=made.endpoints, offline=Timeline())
    asked = [[turn * 900.0 + model for turn in range(1, 38)] for model in range(2)]
    score_detector = ScoreDetector(made, limits_of(schedule))
    daemon = DaemonDetector(made, Setting(schedule=schedule, checks_network=False), "both")
    one = Simulation(made, score_detector, schedule, "both", asked).run()
    other = Simulation(made, daemon, schedule, "both", asked).run()
    assert one.made == other.made
    assert one.probes == other.probes
    assert one.figures == other.figures
    raised = {flag: _raised(score_detector, made, flag) for flag in (Flag.DOWN, Flag.RAISED)}
    assert raised == {flag: _raised(daemon, made, flag) for flag in raised}
    assert raised[Flag.DOWN]


# Schedules


class Eager(RuleDetector):
    """Wants the next probe at once, always."""

    def __init__(self, made: World) -> None:
        super().__init__(made, {})
        self.spans: dict[int, list[tuple[float, float]]] = {}

    def observe(self, number: int, finished: FinishedProbe) -> Due:
        self.spans.setdefault(number, []).append((finished.began_s, finished.ended_s))
        return {number: 0.0}


@pytest.mark.slow
def test_probes_are_never_under_way_twice_and_ticks_keep_their_phase() -> None:
    made = staged(SIZE)
    eager = Eager(made)
    result = Simulation(made, eager, ProbeSchedule(every_s=60.0, least_s=2.0), "eager").run()
    assert result.extra > result.made / 2
    for spans in eager.spans.values():
        assert all(one[1] <= two[0] for one, two in pairwise(spans))


def test_a_fixed_schedule_makes_its_ticks_and_nothing_else() -> None:
    made = staged(SIZE)
    result = Simulation(made, RuleDetector(made, {}), ProbeSchedule(every_s=100.0), "fixed").run()
    assert result.extra == 0
    assert result.made == pytest.approx(len(made.endpoints) * SIZE.days * 864, abs=len(made.endpoints))


def test_an_adaptive_schedule_as_dear_as_a_fixed_one_spends_all_of_it() -> None:
    fixed = [[Spent(probes=probes, days=1.0, delays_s=[delay_s])] for delay_s, probes in ((100.0, 800), (200.0, 400))]
    assert figures.share_spent([Spent(probes=400, days=1.0, delays_s=[200.0])], fixed) == pytest.approx(1.0)
    assert figures.share_spent([Spent(probes=283, days=1.0, delays_s=[141.42])], fixed) == pytest.approx(0.5, abs=0.01)


def _raised(detector: ScoreDetector | DaemonDetector, made: World, flag: Flag) -> list[tuple[int, float]]:
    return [
        (number, at_s) for number in range(len(made.endpoints)) for at_s in detector.flags.raised("ours", number, flag)
    ]
