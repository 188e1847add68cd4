"""The committed dashboard is the generated one, says only what Grafana's schema knows, and asks only for
metrics that the daemon publishes.
"""

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model

from grafana.queries import DASHBOARD, PanelQuery, chosen, filled, panel_queries, variable_queries
from tests.support.promtool import promtool

ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "grafana" / "provisioning"
VALUES = {
    "instance": "127.0.0.1:8780",
    "model": chosen("meta-llama/llama-3.2-1b-instruct"),
    "endpoint": f"({chosen('groq:llama-3.2-1b')}|{chosen('vllm-1b')})",
    "task": "chat",
    "window": "30m",
    "__rate_interval": "1m",
    "__range": "6h",
}
PROBE = {"endpoint", "task"}
PUBLISHED: dict[str, set[str]] = {
    "providerwatch_endpoint_info": {"endpoint", "provider", "model", "api", "vantage"},
    "providerwatch_up": {"endpoint"},
    "providerwatch_status": {"endpoint", "status"},
    "providerwatch_score": {"endpoint"},
    "providerwatch_uptime_ratio": {"endpoint", "window"},
    "providerwatch_account_refused": {"endpoint", "class"},
    "providerwatch_last_sample_timestamp_seconds": {"endpoint"},
    "providerwatch_vantage_online": set(),
    "providerwatch_store_failing": set(),
    "providerwatch_budget_spent_ratio": {"provider", "unit"},
    "providerwatch_sink_failing": {"sink"},
    "providerwatch_probes_total": PROBE | {"error", "blame"},
    "providerwatch_probe_duration_seconds_sum": PROBE | {"phase"},
    "providerwatch_probe_duration_seconds_count": PROBE | {"phase"},
    "providerwatch_ttft_seconds_bucket": PROBE | {"le"},
    "providerwatch_e2e_seconds_bucket": PROBE | {"le"},
    "providerwatch_e2e_seconds_sum": PROBE,
    "providerwatch_e2e_seconds_count": PROBE,
    "providerwatch_stall_seconds": PROBE,
    "providerwatch_output_tokens_per_second": PROBE,
    "providerwatch_cost_usd_total": {"provider"},
    "providerwatch_tokens_total": {"provider", "direction"},
    "providerwatch_schedule_lag_seconds_bucket": {"le"},
    "providerwatch_loop_lag_seconds_bucket": {"le"},
    "providerwatch_rx_lag_seconds_bucket": {"le"},
    "providerwatch_skipped_total": {"reason"},
    "providerwatch_store_queue_length": set(),
    "providerwatch_worker_restarts_total": set(),
    "providerwatch_build_info": {"version"},
    "up": {"job"},  # Prometheus' own word on its last scrape
}
"""Series that a query may name, and the labels each has besides Prometheus' ``instance``."""
ONLY_FULL = {
    "providerwatch_probe_duration_seconds_sum",
    "providerwatch_probe_duration_seconds_count",
    "providerwatch_e2e_seconds_bucket",
    'window="1h"',
}
"""Those that are published with ``metrics: full`` only."""


def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


def pictures() -> list[dict[str, Any]]:
    return [panel for panel in document()["panels"] if panel["type"] != "row"]


def every_expression() -> list[str]:
    lists = [f"{variable.series}" for variable in variable_queries()]
    return [query.expression for query in panel_queries()] + lists


def named(query: PanelQuery) -> str:
    return f"{query.panel} / {query.ref}"


def titled(panel: dict[str, Any]) -> str:
    return str(panel["title"])


def test_committed_dashboard_is_what_the_generator_writes() -> None:
    check = [sys.executable, str(ROOT / "grafana" / "generate.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_schema_knows_every_key_of_the_dashboard() -> None:
    register_default_plugins()
    known = json.loads(JSONEncoder().encode(model.Dashboard.from_json(document())))
    assert known == document()


@pytest.mark.parametrize("panel", pictures(), ids=titled)
def test_schema_knows_every_property_of_an_override(panel: dict[str, Any]) -> None:
    register_default_plugins()
    for override in panel["fieldConfig"]["overrides"]:
        assert override["matcher"]["id"] in {"byName", "byRegexp"}
        for wanted in override["properties"]:
            assert known_setting(panel["type"], wanted["id"], wanted["value"]) == wanted["value"], wanted["id"]


def known_setting(panel_type: str, name: str, value: object) -> object:
    """Return the value as the schema reads it, or None when the schema has no such setting."""
    own = name.removeprefix("custom.")
    if own == name:
        kept = model.FieldConfig.from_json({name: value})
    else:
        kept = runtime.panelcfg_field_config_from_json({own: value}, panel_type)
    return json.loads(JSONEncoder().encode(kept)).get(own)


def test_panels_fill_the_grid_without_overlap() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in document()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        taken.update(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
    height = max(y for _, y in taken) + 1
    assert set(taken.values()) == {1}
    assert len(taken) == 24 * height


def test_panel_numbers_and_titles_are_unique() -> None:
    for key in ("id", "title"):
        assert max(Counter(panel[key] for panel in document()["panels"]).values()) == 1


@pytest.mark.parametrize("panel", pictures(), ids=titled)
def test_every_panel_explains_itself_and_asks_the_chosen_data_source(panel: dict[str, Any]) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["description"].endswith((".", ". "))
    assert panel["datasource"] == source
    assert all(target["datasource"] == source for target in panel["targets"])
    references = [target["refId"] for target in panel["targets"]]
    assert references
    assert len(set(references)) == len(references)


@pytest.mark.parametrize("panel", pictures(), ids=titled)
def test_a_panel_that_shows_nothing_by_default_says_what_it_needs(panel: dict[str, Any]) -> None:
    needed = any(name in target["expr"] for target in panel["targets"] for name in ONLY_FULL)
    assert ("publish: {metrics: full}" in panel["description"]) is needed


@pytest.mark.parametrize("panel", pictures(), ids=titled)
def test_lines_never_cross_a_gap_and_every_number_has_a_unit(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "timeseries":
        assert defaults["custom"]["spanNulls"] is False
    if panel["type"] not in {"state-timeline", "table"}:
        assert defaults["unit"]


def test_table_columns_are_fields_of_its_queries() -> None:
    (table,) = (panel for panel in pictures() if panel["type"] == "table")
    steps = {step["id"]: step["options"] for step in table["transformations"]}
    fields = {f"Value #{target['refId']}" for target in table["targets"]} - {"Value #info"}
    assert set(steps["filterFieldsByName"]["include"]["names"]) == {"endpoint", "provider", "model"} | fields
    columns = set(steps["organize"]["renameByName"].values())
    formatted = {override["matcher"]["options"] for override in table["fieldConfig"]["overrides"]}
    assert formatted <= columns
    assert {order["displayName"] for order in table["options"]["sortBy"]} <= columns


def test_transformations_are_known_to_grafana() -> None:
    steps = {step["id"] for panel in pictures() for step in panel.get("transformations", [])}
    assert steps <= {"joinByField", "filterFieldsByName", "organize", "groupingToMatrix"}


@pytest.mark.parametrize("expression", every_expression())
def test_expressions_name_only_published_metrics_and_their_labels(expression: str) -> None:
    selectors = list(selectors_of(expression))
    words = set(re.findall(r"\bproviderwatch_\w+", expression))
    assert words <= {name for name, _ in selectors}
    for name, labels in selectors:
        assert name in PUBLISHED, name
        assert labels <= PUBLISHED[name] | {"instance"}, name


def selectors_of(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the metric and the label names of each selector."""
    for name, matchers in re.findall(r"\b(providerwatch_\w+|up)\b(?:\{([^}]*)\})?", expression):
        if name != "up" or matchers:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def test_prometheus_can_parse_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:query_{number}", "expr": filled(expression, VALUES)}
        for number, expression in enumerate(every_expression())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    output = promtool("check", "rules", str(file))
    assert f"{len(rules)} rules found" in output


def test_chosen_values_are_escaped_as_grafana_escapes_them() -> None:
    assert chosen("a.b/c:d-e") == r"a\\.b/c:d-e"
    assert chosen("a\\b") == r"a\\\\b"


def test_unknown_variable_is_an_error() -> None:
    with pytest.raises(KeyError, match="widow"):
        filled("rate(x[$widow])", VALUES)


def test_scrape_example_is_valid_and_the_data_source_knows_its_interval() -> None:
    example = ROOT / "config" / "prometheus.yml"
    promtool("check", "config", str(example))
    scrape = yaml.safe_load(example.read_text(encoding="utf-8"))["global"]["scrape_interval"]
    (source,) = provisioned("datasources")["datasources"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scrape


def test_dashboard_is_provisioned_from_the_folder_that_the_documentation_copies_to() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] in (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")


def provisioned(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROVISIONING / kind / "providerwatch.yaml").read_text("utf-8"))
    assert content["apiVersion"] == 1
    return content
