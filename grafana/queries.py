"""The queries of a dashboard file, with its variables filled in as Grafana would."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DASHBOARD = Path(__file__).parent / "dashboards" / "providerwatch.json"

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelQuery:
    """One target of one panel."""

    panel: str
    ref: str
    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableQuery:
    """The query that lists a variable's choices."""

    name: str
    series: str
    label: str


def panel_queries(dashboard: Path = DASHBOARD) -> Iterator[PanelQuery]:
    """Yield every target, in reading order."""
    for panel in json.loads(dashboard.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield PanelQuery(
                panel=panel["title"],
                ref=target["refId"],
                expression=target["expr"],
                legend=target.get("legendFormat", ""),
            )


def variable_queries(dashboard: Path = DASHBOARD) -> Iterator[VariableQuery]:
    """Yield the query of every variable that asks Prometheus, in the order they depend on each other."""
    for variable in json.loads(dashboard.read_text(encoding="utf-8"))["templating"]["list"]:
        if variable["type"] == "query" and (asked := _LABEL_VALUES.fullmatch(variable["query"]["query"])):
            yield VariableQuery(name=variable["name"], series=asked["series"], label=asked["label"])


def filled(expression: str, values: Mapping[str, str]) -> str:
    """Replace every variable; an unknown one is an error."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], expression)


def chosen(value: str) -> str:
    """Escape a chosen value for a regular expression in a PromQL string, as Grafana's Prometheus plugin does."""
    return _SPECIAL.sub(lambda found: rf"\\{found[0]}" if found[0] != "\\" else r"\\\\", value)
