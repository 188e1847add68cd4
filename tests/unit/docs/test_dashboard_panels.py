"""The panels of the committed boards: what Grafana's schema has, the grid, units, limits, colours, columns."""

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model

from grafana.queries import LANGUAGES, boards, document
from probes._model import ErrorClass

ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "grafana" / "provisioning"
FILES = [board for language in LANGUAGES for board in boards(language)]
ONLY_FULL = {
    "providerwatch_probe_duration_seconds_sum",
    "providerwatch_probe_duration_seconds_count",
    "providerwatch_e2e_seconds_bucket",
    "providerwatch_inter_token_seconds_bucket",
    "providerwatch_stalls_total",
    'window="1h"',
}
"""Those that are published with ``metrics: full`` only."""
ANNOTATION_KEYS = {
    "prometheus": {"step", "tagKeys", "textFormat", "titleFormat"},
    "influxdb": {"query", "tagsColumn", "textColumn"},
}
"""Keys that Grafana's data sources read from an annotation, and that the SDK's schema does not have."""
GREY = "#808080"


def pictures(board: Path) -> list[dict[str, Any]]:
    """Every panel of a board but titles and texts."""
    return [panel for panel in document(board)["panels"] if panel["type"] not in {"row", "text"}]


def of_file(board: Path) -> str:
    return f"{board.parent.name}-{board.stem}"


def test_own_providers_and_another_address_can_be_written_elsewhere(tmp_path: Path) -> None:
    own = ["--providers", "own-a,own-b", "--base", "https://watch.example/", "--target", str(tmp_path)]
    subprocess.run([sys.executable, str(ROOT / "grafana" / "generate.py"), *own], timeout=60, check=True)
    found = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.json")}
    assert found == {file.relative_to(PROVISIONING / "dashboards").as_posix() for file in FILES}
    text = (tmp_path / "prometheus" / "model.json").read_text("utf-8")
    assert '"query": "https://watch.example"' in text
    assert {"own-a", "own-b"} <= colours_of_names(json.loads(text)).keys()


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_schema_has_every_key_of_a_board(board: Path) -> None:
    register_default_plugins()
    content = document(board)
    for mark in content.get("annotations", {}).get("list", []):
        for key in ANNOTATION_KEYS[board.parent.name]:
            assert key in mark
            del mark[key]
        del mark["target"]  # a query of the data source; the schema has Grafana's own only
    known = json.loads(JSONEncoder().encode(model.Dashboard.from_json(content)))
    assert known == content


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_schema_has_every_property_of_an_override(board: Path) -> None:
    register_default_plugins()
    for panel in pictures(board):
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["id"] == "byName"
            for wanted in override["properties"]:
                assert known_setting(panel["type"], wanted["id"], wanted["value"]) == wanted["value"], wanted["id"]


def known_setting(panel_type: str, name: str, value: object) -> object:
    """The value as the schema reads it, or None when the schema has no such setting."""
    own = name.removeprefix("custom.")
    if own == name:
        kept = model.FieldConfig.from_json({name: value})
    else:
        kept = runtime.panelcfg_field_config_from_json({own: value}, panel_type)
    return json.loads(JSONEncoder().encode(kept)).get(own)


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_panels_fill_the_grid_without_overlap(board: Path) -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in document(board)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        taken.update(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
    height = max(y for _, y in taken) + 1
    assert set(taken.values()) == {1}
    assert len(taken) == 24 * height


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_panel_numbers_and_titles_are_unique(board: Path) -> None:
    for key in ("id", "title"):
        assert max(Counter(panel[key] for panel in document(board)["panels"]).values()) == 1


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_every_panel_explains_itself_and_asks_the_chosen_data_source(board: Path) -> None:
    for panel in pictures(board):
        source = {"type": panel["datasource"]["type"], "uid": "${datasource}"}
        assert source["type"] in LANGUAGES
        assert panel["description"].endswith((".", ". "))
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_a_panel_that_shows_nothing_by_default_says_what_it_needs(board: Path) -> None:
    for panel in pictures(board):
        needed = any(name in target.get("expr", "") for target in panel["targets"] for name in ONLY_FULL)
        assert ("publish: {metrics: full}" in panel["description"]) is needed


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_every_panel_has_a_unit_and_limits_and_is_grey_without_data(board: Path) -> None:
    for panel in pictures(board):
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        base, *steps = defaults["thresholds"]["steps"]
        assert base == {"color": GREY, "value": None}
        assert steps
        if panel["type"] == "stat":
            assert defaults["noValue"] == "no data"
        for override in panel["fieldConfig"]["overrides"]:
            for setting in override["properties"]:
                if setting["id"] == "thresholds":
                    assert setting["value"]["steps"][0] == base


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_lines_never_cross_a_gap_and_status_is_coloured_by_its_name(board: Path) -> None:
    for panel in pictures(board):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "timeseries":
            assert defaults["custom"]["spanNulls"] is False
        if panel["type"] == "state-timeline":
            assert defaults["color"]["mode"] == "fixed"


def colours_of_names(content: dict[str, Any]) -> dict[str, set[str]]:
    """The fixed colours of each name on a board, of panels that are not about phases."""
    found: dict[str, set[str]] = {}
    for panel in content["panels"]:
        if panel["title"] in {"Phases", "Where the time goes"}:
            continue
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            for setting in override["properties"]:
                if setting["id"] == "color" and setting["value"]["mode"] == "fixed":
                    found.setdefault(override["matcher"]["options"], set()).add(setting["value"]["fixedColor"])
    return found


def test_a_provider_and_an_error_class_have_one_colour_on_every_board_and_no_other_has_it() -> None:
    catalogue = set(yaml.safe_load((ROOT / "monitor" / "config" / "catalogue.yaml").read_text("utf-8"))["providers"])
    found: dict[str, set[str]] = {}
    for board in FILES:
        for name, colours in colours_of_names(document(board)).items():
            found.setdefault(name, set()).update(colours)
    for names in (catalogue, {*map(str, ErrorClass)}):
        assert names <= found.keys()
        assert all(len(found[name]) == 1 for name in names)
        assert len({colour for name in names for colour in found[name]}) == len(names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_columns_are_fields_of_its_queries(language: str) -> None:
    (table,) = (
        panel
        for board in boards(language)
        for panel in document(board)["panels"]
        if panel["type"] == "table" and len(panel["targets"]) > 1
    )
    steps = {step["id"]: step["options"] for step in table["transformations"]}
    if language == "prometheus":
        names = {f"Value #{target['refId']}" for target in table["targets"]} - {"Value #info"}
    else:
        names = {name for target in table["targets"] for name in re.findall(r'AS "(\w+)"', target["query"])}
    assert set(steps["filterFieldsByName"]["include"]["names"]) == {"endpoint", "provider", "model"} | names
    columns = set(steps["organize"]["renameByName"].values())
    formatted = {override["matcher"]["options"] for override in table["fieldConfig"]["overrides"]}
    assert columns <= formatted  # each has its width
    assert {order["displayName"] for order in table["options"]["sortBy"]} <= columns


def test_transformations_are_known_to_grafana() -> None:
    steps = {
        step["id"]
        for board in FILES
        for panel in document(board)["panels"]
        for step in panel.get("transformations", [])
    }
    assert steps <= {"joinByField", "filterFieldsByName", "organize", "groupingToMatrix"}
