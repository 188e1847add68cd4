"""The rules in docs/alerts.md: promtool plays a provider's outage, a revoked key and a silent monitor to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docs.test_dashboards import promtool

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")
(RULES,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
NAMES = [rule["alert"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]

A, B = 'instance="m:8780", endpoint="groq:llama"', 'instance="m:8780", endpoint="vllm:llama"'
UP = {f"providerwatch_up{{{A}}}": "1x60", f"providerwatch_up{{{B}}}": "1x60"}
INFO = {
    f'providerwatch_endpoint_info{{{A}, model="llama"}}': "1x60",
    f'providerwatch_endpoint_info{{{B}, model="llama"}}': "1x60",
}
SCENES = {
    "all is well": ({}, set()),
    "one endpoint is down": ({f"providerwatch_up{{{A}}}": "0x60"}, {"EndpointDown"}),
    "every endpoint is down": (
        {f"providerwatch_up{{{A}}}": "0x60", f"providerwatch_up{{{B}}}": "0x60"},
        {"EndpointDown", "ModelDown"},
    ),
    "an outage of one minute": ({f"providerwatch_up{{{A}}}": "1x18 0 1x40"}, set()),
    "a paused endpoint": ({f"providerwatch_up{{{A}}}": "_x60"}, set()),
    "a low score": ({f"providerwatch_score{{{A}}}": "0.7x60"}, {"ScoreLow"}),
    "a key is revoked": ({f'providerwatch_account_refused{{{A}, class="auth"}}': "1x60"}, {"AccountRefused"}),
    "a rate limit": (
        {f'providerwatch_account_refused{{{A}, class="rate_limited"}}': "1x60"},
        {"AccountRateLimited"},
    ),
    "a budget": ({'providerwatch_budget_spent_ratio{provider="groq", unit="usd"}': "0.95x60"}, {"BudgetNearlySpent"}),
    "the monitor is away": ({'up{job="providerwatch", instance="m:8780"}': "0x60"}, {"MonitorUnreachable"}),
    "no probes": ({f"providerwatch_last_sample_timestamp_seconds{{{A}}}": "0x60"}, {"EndpointNotProbed"}),
    "no network": ({'providerwatch_vantage_online{instance="m:8780"}': "0x60"}, {"LocalNetworkOffline"}),
    "a full disk": ({'providerwatch_store_failing{instance="m:8780"}': "1x60"}, {"StoreFailing"}),
    "a sink fails": ({'providerwatch_sink_failing{instance="m:8780", sink="influx"}': "1x60"}, {"SinkFailing"}),
}


def test_every_alert_is_explained_and_played() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == NAMES
    assert set().union(*(expected for _, expected in SCENES.values())) == set(NAMES)


@pytest.mark.parametrize("scene", SCENES)
def test_what_fires(tmp_path: Path, scene: str) -> None:
    series, expected = SCENES[scene]
    (tmp_path / "rules.yml").write_text(RULES, encoding="utf-8")
    (tmp_path / "test.yml").write_text(yaml.safe_dump(_played({**UP, **INFO, **series}, expected)), encoding="utf-8")
    promtool("test", "rules", str(tmp_path / "test.yml"))


def _played(series: dict[str, str], expected: set[str]) -> dict[str, Any]:
    """Half an hour of these series; whether an alert fires at its end, whatever its labels and words."""
    asked = [
        {
            "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0',
            "eval_time": "30m",
            "exp_samples": [{"labels": "{}", "value": 1}] if name in expected else [],
        }
        for name in NAMES
    ]
    played = [{"series": name, "values": values} for name, values in series.items()]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "30s",
        "tests": [{"interval": "1m", "input_series": played, "promql_expr_test": asked}],
    }
