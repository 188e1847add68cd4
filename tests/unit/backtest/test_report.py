"""The report of a backtest as text and as JSON."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from monitor.backtest.policies import NAMES
from monitor.backtest.replay import Replay, ReplayMember
from monitor.backtest.report import as_plain, as_tables
from monitor.backtest.run import Backtest, ReplayCost, SampleCost
from tests.unit.score.counted import ENDPOINT, minutes
from tests.unit.score.values import START


def found(letters: str = "o" * 200 + "f" + "o" * 200 + "f" * 10 + "oosooo", bill: ReplayCost | None = None) -> Backtest:
    replay = Replay({ENDPOINT: ReplayMember(provider="groq", stale_s=210)}, NAMES)
    replay.feed(minutes(letters), math.inf)
    cost = SampleCost(samples=len(letters), tokens=12_345, usd=0.0123)
    return Backtest(
        since=START,
        until=START + timedelta(days=1),
        endpoints=1,
        bill=bill or ReplayCost(all=cost, beside=SampleCost(samples=3, tokens=360, usd=0.0001)),
        report=replay.report(),
    )


def shown(backtest: Backtest, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(buffer := io.BytesIO(), encoding=encoding, write_through=True)
    Console(file=file, width=width, highlight=False).print(as_tables(backtest))
    return buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 130])
def test_every_policy_has_its_line_in_whole_words(width: int) -> None:
    text = shown(found(), width)
    assert "…" not in text
    for name in NAMES:
        lines = [line.split() for line in text.splitlines() if line.startswith(name)]
        assert [len(lines[0]), lines[1][1]] == [11, "said"], name
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_figures_stand_in_their_units() -> None:
    text = shown(found())
    (second,) = (line.split() for line in text.splitlines() if line.startswith("failures-2") and "said" not in line)
    assert second[3:8] == ["1", "0", "1.0m", "1.0m", "0"]
    assert second[9:] == ["9.0m", "2"]
    assert "1 outage of 10.0m together" in text
    assert "judged by 416 samples, 97.1% of them within SLO" in text
    assert "cost, the same for all policies: 417 samples, 12,345 tokens, $0.0123" in text
    assert "of which probes between ticks: 3 samples, 360 tokens, $0.0001" in text


def test_removed_probes_are_reported_only_if_there_were_any() -> None:
    assert "removed probes" not in shown(found())
    gone = ReplayCost(all=SampleCost(samples=9), unplanned=SampleCost(samples=9))
    assert "of which removed probes: 9 samples, 0 tokens, $0.0000" in shown(found(bill=gone))


def test_what_is_not_known_is_a_dash() -> None:
    text = shown(found("o"))
    (line,) = (line.split() for line in text.splitlines() if line.startswith("filter") and "said" not in line)
    assert line == ["filter", "-", "-", "0", "0", "-", "-", "0", "-", "0.0s", "0"]
    assert "judged by 0 samples\n" in text.replace(" \n", "\n").replace("  ", "")


def test_a_long_name_is_folded_and_nothing_is_lost() -> None:
    long = found()
    verdicts = (replace(long.report.verdicts[0], name="average-0.123456"), *long.report.verdicts[1:])
    text = shown(replace(long, report=replace(long.report, verdicts=verdicts)))
    assert "average-0.1" in text
    assert "…" not in text


def test_a_terminal_that_knows_only_ascii_gets_nothing_else() -> None:
    assert shown(found(), encoding="ascii").isascii()


def test_programs_get_one_document_with_everything() -> None:
    plain = json.loads(json.dumps(as_plain(found()), allow_nan=False))
    assert plain["schema"] == "providerwatch/backtest/v1"
    assert (plain["since"], plain["until"]) == ("2026-11-22T07:00:00.000000Z", "2026-11-23T07:00:00.000000Z")
    assert (plain["endpoints"], plain["judged"]) == (1, 416)
    assert plain["outages"] == {"count": 1, "total_s": 601.0}
    assert plain["cost"]["beside_ticks"] == {"samples": 3, "tokens": 360, "usd": 0.0001}
    assert [policy["name"] for policy in plain["policies"]] == [*NAMES]
    for policy in plain["policies"]:
        assert (policy["detected"], policy["missed"]) == ((0, 1) if policy["name"] == "ratio-30" else (1, 0))
        assert sum(each["count"] for each in policy["calibration"]) == plain["judged"]
        assert [tenth["from"] for tenth in policy["calibration"]] == [place / 10 for place in range(10)]


def test_programs_get_null_for_what_is_not_known() -> None:
    plain = json.loads(json.dumps(as_plain(found("o")), allow_nan=False))
    assert plain["success_ratio"] is None
    for name in ("brier", "skill", "delay_p50_s", "false_alarms_per_month"):
        assert plain["policies"][0][name] is None
    assert plain["policies"][0]["calibration"][0] == {
        "from": 0.0,
        "to": 0.1,
        "count": 0,
        "figure": None,
        "observed": None,
    }
