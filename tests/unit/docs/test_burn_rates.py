"""The alerts on error budgets: promtool plays the probes of a schedule, a tick a minute and more after a failure."""

from __future__ import annotations

import re
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.promtool import promtool
from tests.unit.docs.alert_scenes import A
from tests.unit.docs.test_alerts import ALERTS, GROUPS, PAGE, RULES

SCRAPE_S: Final = 15
MINUTE, HOUR, DAY = 60, 3600, 86_400
EXTRA_S: Final = (2, 6, 14, 30)
"""After a failure, the endpoint is probed again after these times until one succeeds or the next tick comes."""
BURNS = {rule["labels"]["window"]: rule for rule in ALERTS if rule["alert"] == "ErrorBudgetBurn"}
LENGTH_S: Mapping[str, int] = {"1h": HOUR, "6h": 6 * HOUR, "1d": DAY, "3d": 3 * DAY}

Failing = Callable[[int], bool]
"""Whether a probe fails that runs at this second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe."""

    at_s: int
    failed: bool


def probes(failing: Failing, *, until_s: int, every_s: int = MINUTE) -> Iterator[Probe]:
    """The probes of a schedule that confirms failures between its ticks."""
    for tick_s in range(7, until_s, every_s):
        for later_s in (0, *(extra for extra in EXTRA_S if extra < every_s)):
            failed = failing(tick_s + later_s)
            yield Probe(at_s=tick_s + later_s, failed=failed)
            if not failed:
                break


def counter(times_s: Sequence[int], until_s: int) -> str:
    """How many of the times have passed at each scrape, in promtool's notation."""
    counts = [bisect_right(times_s, at_s) for at_s in range(0, until_s + 1, SCRAPE_S)]
    runs: list[list[int]] = []
    for count in counts:
        if runs and runs[-1][0] == count:
            runs[-1][1] += 1
        else:
            runs.append([count, 0])
    return " ".join(f"{count}x{more}" for count, more in runs)


def outage(begin_s: int, length_s: int) -> Failing:
    return lambda at_s: begin_s <= at_s < begin_s + length_s


def each(nth: int) -> Failing:
    """The tick of each nth minute fails; its confirmation succeeds."""
    return lambda at_s: at_s % MINUTE == 7 and at_s // MINUTE % nth == 0


def series(run: Sequence[Probe], until_s: int) -> list[dict[str, str]]:
    """What a daemon publishes. An error has no series before it occurs."""
    of = f'{A}, task="chat"'
    good = [probe.at_s for probe in run if not probe.failed]
    bad = [probe.at_s for probe in run if probe.failed]
    found = {f'providerwatch_probes_total{{{of}, error="", blame=""}}': counter(good, until_s)}
    if bad:
        absent = -(-bad[0] // SCRAPE_S)
        rest = counter([at_s - absent * SCRAPE_S for at_s in bad], until_s - absent * SCRAPE_S)
        found[f'providerwatch_probes_total{{{of}, error="server_error", blame="provider"}}'] = f"_x{absent - 1} {rest}"
    info = f'providerwatch_endpoint_info{{{A}, provider="groq", model="meta/llama", vantage="fra1"}}'
    found[info] = f"1x{until_s // SCRAPE_S}"
    return [{"series": name, "values": values} for name, values in found.items()]


def fires(windows: set[str], until_s: int, scene: str) -> list[dict[str, Any]]:
    """Exactly the alerts of these windows fire in the end. The comment names the scene in promtool's report."""
    return [
        {
            "expr": f'count(ALERTS{{window="{window}", alertstate="firing"}}) or vector(0) # {scene}',
            "eval_time": f"{until_s}s",
            "exp_samples": [{"labels": "{}", "value": int(window in windows)}],
        }
        for window in BURNS
    ]


HISTORY_S = 7 * HOUR
SCENES: Mapping[str, tuple[Failing, int, int, set[str]]] = {
    # name: failing, end, interval of the ticks, windows that fire at the end
    "all is well": (lambda _: False, HISTORY_S, MINUTE, set()),
    "an outage of ten minutes": (outage(HISTORY_S - 11 * MINUTE, 10 * MINUTE), HISTORY_S, MINUTE, {"1h"}),
    "an outage of five minutes": (outage(HISTORY_S - 6 * MINUTE, 5 * MINUTE), HISTORY_S, MINUTE, set()),
    "an outage that ended twenty minutes ago": (
        outage(HISTORY_S - 32 * MINUTE, 12 * MINUTE), HISTORY_S, MINUTE, set(),
    ),
    "an outage of half a minute": (outage(HISTORY_S - 5 * MINUTE, MINUTE // 2), HISTORY_S, MINUTE, set()),
    "a failure every fifteen minutes": (each(15), HISTORY_S, MINUTE, {"1d", "3d"}),
    "a failure every six minutes": (each(6), HISTORY_S, MINUTE, {"6h", "1d", "3d"}),
    "a monitor that has run for twenty minutes": (outage(5 * MINUTE, HOUR), 20 * MINUTE, MINUTE, set()),
    "an outage of a monitor that has run for an hour": (
        outage(50 * MINUTE, HOUR), HOUR, MINUTE, {"1h", "6h"},
    ),
    "a tick every five minutes and two failures": (
        lambda at_s: at_s in {HISTORY_S - 15 * MINUTE + 7, HISTORY_S - 5 * MINUTE + 7}, HISTORY_S, 5 * MINUTE, set(),
    ),
    "a tick every five minutes and an outage": (outage(HISTORY_S - HOUR, HOUR), HISTORY_S, 5 * MINUTE, {*BURNS}),
}  # fmt: skip
QUICK_SCENES = {
    name: SCENES[name]
    for name in ("an outage of a monitor that has run for an hour", "a monitor that has run for twenty minutes")
}
LONG_SCENES: Mapping[str, tuple[Failing, int, int, set[str]]] = {
    "an hour of outage an hour ago, in three good days": (
        outage(3 * DAY - 2 * HOUR, HOUR), 3 * DAY, MINUTE, {"1d", "3d"},
    ),
    "a tick every hour and a failure each day": (
        lambda at_s: at_s % DAY == 20 * HOUR + 7, 3 * DAY, HOUR, set(),
    ),
}  # fmt: skip


def play(tmp_path: Path, scenes: Mapping[str, tuple[Failing, int, int, set[str]]]) -> None:
    tests = [
        {
            "name": name,
            "interval": f"{SCRAPE_S}s",
            "input_series": series([*probes(failing, until_s=until_s, every_s=every_s)], until_s),
            "promql_expr_test": fires(windows, until_s, name),
        }
        for name, (failing, until_s, every_s, windows) in scenes.items()
    ]
    budget = [group for group in GROUPS if group["name"] in {"providerwatch-recording", "providerwatch-error-budget"}]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": budget}), encoding="utf-8")
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_an_outage_fires_and_a_new_monitor_waits_for_more_samples(tmp_path: Path) -> None:
    play(tmp_path, QUICK_SCENES)


@pytest.mark.slow
def test_a_budget_that_is_spent_too_fast_fires_and_a_few_failures_do_not(tmp_path: Path) -> None:
    play(tmp_path, SCENES)


@pytest.mark.slow
def test_an_hour_of_outage_is_a_ticket_for_days_and_lone_failures_are_not(tmp_path: Path) -> None:
    play(tmp_path, LONG_SCENES)


def test_extra_probes_would_overstate_an_outage_as_the_page_says() -> None:
    run = [*probes(outage(50 * MINUTE, 10 * MINUTE), until_s=HOUR)]
    assert sum(probe.failed for probe in run) / len(run) == pytest.approx(0.5, abs=0.01)
    assert "An outage of ten minutes is 17 % of an hour" in PAGE
    assert "50 % of the hour's probes" in PAGE


def test_the_page_has_the_arithmetic_of_the_rules() -> None:
    rows = re.findall(
        r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) % \| (\d+) of (\d+) \| (\w+) \| (\d+) \| (\w+) \|$", PAGE, re.MULTILINE
    )
    assert [tuple(row) for row in rows] == [arithmetic(window, rule) for window, rule in BURNS.items()]


def arithmetic(window: str, rule: Mapping[str, Any]) -> tuple[str, ...]:
    """A row of the page's table, computed from a rule."""
    numbers = re.search(
        r"\[(\w+)\]\) > ([\d.]+) \* ([\d.]+)\n.*\[(\w+)\]\) > ([\d.]+)\n.*>= 30\n.*>= (\d+)\n", rule["expr"]
    )
    assert numbers is not None
    long, factor, budget, short, least_burn, least = numbers.groups()
    assert (long, least_burn) == (window, budget)
    share, minutes = float(factor) * float(budget), LENGTH_S[long] // MINUTE
    failed = ceil(round(share * minutes, 6))
    assert int(least) == round(share * minutes / 3)
    return long, factor, f"{share * 100:.4g}", str(failed), str(minutes), short, least, rule["labels"]["severity"]


def test_the_page_says_what_other_objectives_would_mean() -> None:
    """At 99.9 % a single failed minute would page."""
    rows = re.findall(r"^\| ([\d.]+) % \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (
            f"{objective:g}",
            str(round((1 - objective / 100) * 30 * 24 * 60)),
            str(ceil(round(14.4 * (1 - objective / 100) * 60, 6))),
        )
        for objective in (95, 99, 99.5, 99.9)
    ]


def test_another_objective_is_one_command(tmp_path: Path) -> None:
    (command,) = re.findall(r"^sed -i '(s/0[^']*)' prometheus-rules\.yml$", PAGE, re.MULTILINE)
    rules = tmp_path / "prometheus-rules.yml"
    rules.write_bytes(RULES.read_bytes())
    subprocess.run(["sed", "-i", command, str(rules)], check=True)
    promtool("check", "rules", str(rules))
    before, after = (yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for path in (RULES, rules))
    changed = [one["name"] for one, other in zip(before, after, strict=True) if one != other]
    assert changed == ["providerwatch-error-budget"]
    assert rules.read_text(encoding="utf-8").count("0.005") == 2 * len(BURNS)
