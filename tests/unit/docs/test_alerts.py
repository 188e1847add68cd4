"""The alerts: real promtool plays scenes to them, and each has its metrics, its runbook and its twin in Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import alerting

from monitor.config.model import MetricsDetail
from probes._model import ErrorClass
from tests.support.board_values import sample_at
from tests.support.promtool import promtool
from tests.unit.docs.alert_scenes import MINUTES, SCENES, WELL, Fired, Scene
from tests.unit.metrics.test_metrics import MINUTE, TICK, all_kinds, families, make_metrics

ROOT = Path(__file__).parents[3]
CONFIG, PAGE = ROOT / "config", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
RULES = CONFIG / "prometheus-rules.yml"
GRAFANA = ROOT / "grafana" / "provisioning" / "alerting" / "providerwatch.yaml"


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


GROUPS: list[dict[str, Any]] = loaded(RULES)["groups"]
ALL_RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in ALL_RULES if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
GRAFANA_RULES = [rule for group in loaded(GRAFANA)["groups"] for rule in group["rules"]]


def titled(rule: Mapping[str, Any]) -> str:
    """The name of an alert, with the window if several have that name."""
    return " ".join(filter(None, (rule["alert"], rule["labels"].get("window"))))


# Scenes


@pytest.mark.slow
def test_exactly_the_expected_alerts_fire_in_each_scene_with_labels_and_texts(tmp_path: Path) -> None:
    """One run of promtool for all scenes, since its start takes the most time. Its report names the scene."""
    tests = [played(name, scene) for name, scene in SCENES.items()]
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_every_alert_fires_in_a_scene() -> None:
    """Those of error budgets have scenes of their own, in `test_burn_rates`."""
    assert sorted({fired.name for scene in SCENES.values() for fired in scene.fired}) == [
        name for name in NAMES if name != "ErrorBudgetBurn"
    ]


def played(name: str, scene: Scene) -> dict[str, Any]:
    """The scene as a test of promtool: every alert is asked for at the end."""
    series = [{"series": of, "values": values} for of, values in {**WELL, **scene.series}.items()]
    asked = [
        {
            "eval_time": f"{MINUTES}m",
            "alertname": alert,
            "exp_alerts": [expected(fired) for fired in scene.fired if fired.name == alert],
        }
        for alert in NAMES
    ]
    return {"name": name, "interval": "1m", "input_series": series, "alert_rule_test": asked}


def expected(fired: Fired) -> dict[str, Any]:
    (rule,) = (rule for rule in ALERTS if rule["alert"] == fired.name)
    texts = {name: filled(text, fired.labels, fired.value) for name, text in rule["annotations"].items()}
    return {"exp_labels": {**fired.labels, **rule["labels"]}, "exp_annotations": texts}


def filled(text: str, labels: Mapping[str, str], value: Mapping[str, str]) -> str:
    """A template with its labels and its value. A label or value that a text names and the scene lacks is an error."""
    named = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
    return re.sub(r"{{ \$value(?: \| (\w+))? }}", lambda found: value[found[1] or ""], named)


# Rules


def test_prometheus_accepts_the_rules_and_the_configuration_that_names_them() -> None:
    assert f"{len(ALL_RULES)} rules found" in promtool("check", "rules", str(RULES))
    assert "1 rule files found" in promtool("check", "config", str(CONFIG / "prometheus.yml"))


def test_every_alert_has_a_severity_a_summary_and_a_description() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert len(rule["annotations"]["summary"]) <= 100
        assert rule["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("rule", ALERTS, ids=titled)
def test_a_description_says_how_long_it_has_lasted_as_the_rule_does(rule: dict[str, Any]) -> None:
    said = re.search(r"\b[Ff]or (\d+) minutes", rule["annotations"]["description"])
    assert said is None or rule["for"] == f"{said[1]}m"


@pytest.mark.parametrize("rule", ALERTS, ids=titled)
def test_every_runbook_is_a_section_of_the_page(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
    assert page == "docs/alerts.md"
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings


def test_every_section_is_of_an_alert_and_says_what_it_means_and_what_to_do() -> None:
    sections = re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert sorted(name for name, _ in sections) == NAMES
    for name, text in sections:
        parts = re.findall(r"^\*\*([\w ]+)\.\*\*", text, re.MULTILINE)
        assert parts == ["Means", "Look first", "Likely causes", "Do"], name


@cache
def published() -> dict[str, set[str]]:
    """The labels of each series that the code makes; of all details."""
    found: dict[str, set[str]] = {"up": set()}
    refused = sample_at(TICK + 9.5 * MINUTE, ErrorClass.AUTH)
    for detail in MetricsDetail:
        for family in families(make_metrics([*all_kinds(), refused], detail)):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metric and the label names of each selector."""
    for name, matchers in re.findall(r"(?<![\w:])(providerwatch_\w+|process_\w+|up)\b(?:{([^}]*)})?", expression):
        if name != "up" or matchers:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.get("record") or titled(rule))
def test_a_rule_names_only_metrics_and_labels_of_the_code(rule: dict[str, Any]) -> None:
    series, recorded = published(), {other["record"] for other in ALL_RULES if "record" in other}
    found = list(selectors(rule["expr"]))
    assert found or any(name in rule["expr"] for name in recorded)
    for name, labels in found:
        assert name in series, name
        assert labels <= series[name] | {"job", "instance"}, name


def test_the_file_of_recording_rules_has_those_of_the_whole_file() -> None:
    assert loaded(CONFIG / "prometheus-recording-rules.yml")["groups"] == [
        group for group in GROUPS if any("record" in rule for rule in group["rules"])
    ]


# Grafana


def test_grafana_has_the_same_alerts_as_prometheus() -> None:
    def of_grafana(rule: Mapping[str, Any]) -> tuple[Any, ...]:
        texts = {name: text.replace("$values.query.Value", "$value") for name, text in rule["annotations"].items()}
        return rule["title"], rule["for"], rule["labels"], texts, rule["data"][0]["model"]["expr"]

    def of_prometheus(rule: Mapping[str, Any]) -> tuple[Any, ...]:
        return titled(rule), rule.get("for", "0m"), rule["labels"], rule["annotations"], rule["expr"]

    assert [of_grafana(rule) for rule in GRAFANA_RULES] == [of_prometheus(rule) for rule in ALERTS]


@pytest.mark.parametrize("rule", GRAFANA_RULES, ids=lambda rule: str(rule["title"]))
def test_grafana_knows_every_key_of_a_rule_and_its_condition_is_a_query(rule: dict[str, Any]) -> None:
    # The file's name of a key that is `missingSeriesEvalsToResolve` in Grafana's API.
    plain = {
        name.replace("missing_series_evals_to_resolve", "missingSeriesEvalsToResolve"): rule[name] for name in rule
    }
    del plain["data"]
    known = json.loads(JSONEncoder().encode(alerting.Rule.from_json(plain)))
    assert {name: known.get(name) for name in plain} == plain
    references = [query["refId"] for query in rule["data"]]
    assert references == [query["model"]["refId"] for query in rule["data"]]
    assert rule["condition"] == references[-1]
    for before, query in zip(references, rule["data"][1:], strict=False):
        assert before in query["model"]["expression"]


def test_names_of_rules_in_grafana_are_unique_and_uids_are_short() -> None:
    for key in ("uid", "title"):
        values = [rule[key] for rule in GRAFANA_RULES]
        assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", rule["uid"]) for rule in GRAFANA_RULES)


def test_rules_of_grafana_ask_the_provisioned_data_source() -> None:
    sources = loaded(ROOT / "grafana" / "provisioning" / "datasources" / "providerwatch.yaml")["datasources"]
    (source,) = (source for source in sources if source["type"] == "prometheus")
    for rule in GRAFANA_RULES:
        query, *others = rule["data"]
        assert query["datasourceUid"] == query["model"]["datasource"]["uid"] == source["uid"]
        assert {other["datasourceUid"] for other in others} == {"__expr__"}
