"""The queries of the committed boards, with their variables filled in as Grafana would."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "provisioning" / "dashboards"
LANGUAGES = ("prometheus", "influxdb")

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelQuery:
    """One target of one panel, or one annotation of a board."""

    board: str
    panel: str
    ref: str
    expression: str
    legend: str
    now: bool = False
    """Whether it asks Prometheus for the value at the end of the range only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableQuery:
    """The query that lists a variable's choices."""

    board: str
    name: str
    expression: str
    """In PromQL the selector of series; in InfluxQL the whole query."""
    label: str
    """The label whose values are the choices; empty in InfluxQL, where the query names the tag."""


def boards(language: str) -> Sequence[Path]:
    """The files of a language."""
    return sorted((FOLDER / language).glob("*.json"))


def document(board: Path) -> dict[str, Any]:
    """What a file holds."""
    content: dict[str, Any] = json.loads(board.read_text(encoding="utf-8"))
    return content


def panel_queries(language: str) -> Iterator[PanelQuery]:
    """Yield every target, in reading order."""
    for board in boards(language):
        for panel in document(board)["panels"]:
            for target in panel.get("targets", []):
                yield PanelQuery(
                    board=board.stem,
                    panel=panel["title"],
                    ref=target["refId"],
                    expression=_asked(target),
                    legend=target.get("legendFormat", target.get("alias", "")),
                    now=target.get("instant", False),
                )


def annotation_queries(language: str) -> Iterator[PanelQuery]:
    """Yield the query of every annotation."""
    for board in boards(language):
        for mark in document(board).get("annotations", {}).get("list", []):
            yield PanelQuery(
                board=board.stem,
                panel=mark["name"],
                ref=mark["target"]["refId"],
                expression=_asked(mark["target"]),
                legend=mark.get("titleFormat", ""),
            )


def variable_queries(language: str) -> Iterator[VariableQuery]:
    """Yield the query of every menu, in the order they depend on each other."""
    for board in boards(language):
        for variable in document(board)["templating"]["list"]:
            if variable["type"] != "query":
                continue
            query = variable["query"]
            found = None if isinstance(query, str) else _LABEL_VALUES.fullmatch(query["query"])
            yield VariableQuery(
                board=board.stem,
                name=variable["name"],
                expression=query if found is None else found["series"],
                label="" if found is None else found["label"],
            )


def filled(expression: str, values: Mapping[str, str]) -> str:
    """Replace every variable; an unknown one is an error."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], expression)


def variables_in(expression: str) -> set[str]:
    """The names of the variables of a text, without Grafana's own."""
    names = {found[1] or found[2] for found in _VARIABLE.finditer(expression)}
    return {name for name in names if not name.startswith("__") and name != "timeFilter"}


def chosen(value: str) -> str:
    """Escape a chosen value for a regular expression in a PromQL string, as Grafana's Prometheus plugin does."""
    return _SPECIAL.sub(lambda found: rf"\\{found[0]}" if found[0] != "\\" else r"\\\\", value)


def chosen_tag(value: str) -> str:
    """Escape a chosen value for a regular expression of InfluxQL, as Grafana's InfluxDB plugin does."""
    return re.sub(r"[\\^$*+?.()|[\]{}/]", lambda found: rf"\{found[0]}", value)


def _asked(target: Mapping[str, Any]) -> str:
    return str(target["expr"] if "expr" in target else target["query"])
