"""The committed boards are the generated ones, say only what Grafana's schema has, and ask only for metrics that the
daemon publishes and for fields that the sink writes.
"""

import itertools
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model

from grafana.queries import (
    LANGUAGES,
    annotation_queries,
    boards,
    chosen,
    chosen_tag,
    document,
    filled,
    panel_queries,
    variable_queries,
    variables_in,
)
from monitor.config.model import MetricsDetail
from monitor.sinks._lines import MEASUREMENT, line
from monitor.sinks._protocol import SampleOrigin
from probes._model import Blame, ErrorClass, Sample, Timing, TokensFrom
from tests.support.board_values import sample_at
from tests.unit.metrics.test_metrics import TICK, all_kinds, families, make_metrics
from tests.unit.store.samples import make_sample

ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "grafana" / "provisioning"
FILES = [board for language in LANGUAGES for board in boards(language)]
ANY = {"vantage": "v", "instance": "127.0.0.1:8780", "task": "chat", "percentile": "95", "objective": "99.5"}
VALUES = {
    **ANY,
    "model": chosen("meta-llama/llama-3.2-1b-instruct"),
    "provider": ".*",
    "endpoint": f"({chosen('groq:llama-3.2-1b')}|{chosen('vllm-1b')})",
    "window": "30m",
    "__rate_interval": "1m",
    "__range": "6h",
}
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


def published() -> dict[str, set[str]]:
    """Every series that the daemon can publish, with its labels besides Prometheus' own."""
    refused = sample_at(TICK, ErrorClass.AUTH)
    found: dict[str, set[str]] = {"up": {"job"}}  # Prometheus' own word on its last scrape
    for family in families(make_metrics([*all_kinds(), refused], MetricsDetail.FULL)):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def written() -> tuple[set[str], set[str]]:
    """Every tag and every field that the sink `influx` can write."""
    whole: dict[str, Any] = dict.fromkeys(("cold", "answer_ok", "clock_step"), True)
    whole |= {field.name: 1 for field in fields(Sample) if str(field.type) in {"int | None", "float | None"}}
    sample = make_sample(
        0, timing=Timing.KERNEL, tokens_from=TokensFrom.USAGE, error=ErrorClass.EMPTY, blame=Blame.PROVIDER, **whole
    )
    head, written_fields, _ = line(sample, SampleOrigin(provider="p", model="m")).split(" ")
    name, *tags = head.split(",")
    assert name == MEASUREMENT
    return {tag.partition("=")[0] for tag in tags}, {field.partition("=")[0] for field in written_fields.split(",")}


PUBLISHED = published()
TAGS, FIELDS = written()


def pictures(board: Path) -> list[dict[str, Any]]:
    """Every panel of a board but titles and texts."""
    return [panel for panel in document(board)["panels"] if panel["type"] not in {"row", "text"}]


def every_expression() -> list[str]:
    """In PromQL."""
    menus = [menu.expression for menu in variable_queries("prometheus")]
    queries = itertools.chain(panel_queries("prometheus"), annotation_queries("prometheus"))
    return sorted({*menus, *(query.expression for query in queries)})


def every_influx_query() -> list[str]:
    menus = [menu.expression for menu in variable_queries("influxdb")]
    queries = itertools.chain(panel_queries("influxdb"), annotation_queries("influxdb"))
    return sorted({*menus, *(query.expression for query in queries)})


def of_file(board: Path) -> str:
    return f"{board.parent.name}-{board.stem}"


def test_committed_boards_are_what_the_generator_writes() -> None:
    check = [sys.executable, str(ROOT / "grafana" / "generate.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_own_providers_and_another_address_can_be_written_elsewhere(tmp_path: Path) -> None:
    own = ["--providers", "own-a,own-b", "--base", "https://watch.example/", "--target", str(tmp_path)]
    subprocess.run([sys.executable, str(ROOT / "grafana" / "generate.py"), *own], timeout=60, check=True)
    found = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.json")}
    assert found == {file.relative_to(PROVISIONING / "dashboards").as_posix() for file in FILES}
    text = (tmp_path / "prometheus" / "model.json").read_text("utf-8")
    assert '"query": "https://watch.example"' in text
    assert {"own-a", "own-b"} <= colours_of_names(json.loads(text)).keys()


def test_there_are_four_boards_for_each_data_source() -> None:
    for language in LANGUAGES:
        assert {board.stem for board in boards(language)} == {"overview", "model", "endpoint", "monitor"}


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
def test_every_variable_that_a_board_uses_is_one_of_its_menus(board: Path) -> None:
    content = document(board)
    defined = {variable["name"] for variable in content["templating"]["list"]}
    built_in = {"col"}  # of the alias of an InfluxQL query
    used = variables_in(board.read_text("utf-8"))
    assert {name for name in used - built_in if not name.startswith("tag_")} <= defined
    asked = {name for menu in content["templating"]["list"] for name in variables_in(str(menu.get("query", "")))}
    assert asked <= defined


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_a_variable_is_a_regular_expression_only_where_it_may_have_several_values(board: Path) -> None:
    """Grafana escapes the special characters of a value only there."""
    text = json.dumps([*document(board)["panels"], document(board).get("annotations")])
    several = {menu["name"] for menu in document(board)["templating"]["list"] if menu.get("multi")}
    matched = {*re.findall(r'=~\\"\$(\w+)\\"', text), *re.findall(r"=~ /\^\$(\w+)\$/", text)}
    equal = {*re.findall(r'[^~]=\\"\$(\w+)\\"', text), *re.findall(r"= '\$(\w+)'", text)}
    assert matched | equal
    assert matched <= several
    assert not equal & several


@pytest.mark.parametrize("board", FILES, ids=of_file)
def test_the_boards_of_a_data_source_link_to_each_other_and_to_our_pages(board: Path) -> None:
    uids = {document(other)["uid"] for other in boards(board.parent.name)}
    content = document(board)
    linked = {found for link in content["links"] for found in re.findall(r"^/d/(.+)$", link["url"])}
    assert linked == uids - {content["uid"]}
    pages = {
        "overview": "${base}/",
        "model": "${base}/models/${model:raw}",
        "endpoint": "${base}/endpoints/${endpoint:percentencode}",
        "monitor": "${base}/",
    }
    assert content["links"][-1]["url"] == pages[board.stem]
    assert set(re.findall(r'"/d/([\w-]+)', board.read_text("utf-8"))) <= uids
    (base,) = (menu for menu in content["templating"]["list"] if menu["name"] == "base")
    assert base["type"] == "constant"


def test_the_ids_of_boards_are_unique() -> None:
    assert len({document(board)["uid"] for board in FILES}) == len(FILES)


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


def test_expressions_name_only_published_metrics_and_their_labels() -> None:
    for expression in every_expression():
        assert_published(expression)


def assert_published(expression: str) -> None:
    selectors = list(selectors_of(expression))
    words = set(re.findall(r"\b(?:providerwatch|process)_\w+", expression))
    assert words <= {name for name, _ in selectors}
    for name, labels in selectors:
        assert name in PUBLISHED, name
        assert labels <= PUBLISHED[name] | {"instance"}, name


def selectors_of(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metric and the label names of each selector."""
    for name, matchers in re.findall(r"\b(providerwatch_\w+|process_\w+|up)\b(?:\{([^}]*)\})?", expression):
        if name != "up" or matchers:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def test_influx_queries_name_only_fields_and_tags_that_the_sink_writes() -> None:
    for query in every_influx_query():
        named = set(re.findall(r'"(\w+)"', query)) - set(re.findall(r'AS "([\w ]+)"', query))
        assert named <= TAGS | FIELDS | {MEASUREMENT}, query
        assert MEASUREMENT in named, query
        grouped = " ".join(re.findall(r"GROUP BY ((?:time\(\$?\w+\)|[\w\", ])+)", query))
        assert set(re.findall(r'"(\w+)"', grouped)) <= TAGS, query
        assert set(re.findall(r'"(\w+)" =~', query)) <= TAGS, query


def test_the_sink_writes_what_the_boards_were_made_for() -> None:
    assert {"endpoint", "provider", "model", "vantage", "task", "error", "blame"} <= TAGS
    assert {"ok", "ttft_s", "e2e_s", "itl_max_s", "output_tps", "cost_usd", "lag_s", "rx_lag_s"} <= FIELDS


def test_prometheus_can_parse_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:query_{number}", "expr": filled(expression, VALUES)}
        for number, expression in enumerate(every_expression())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    output = promtool("check", "rules", str(file))
    assert f"{len(rules)} rules found" in output


def test_the_alerts_of_the_documentation_are_valid_and_name_published_metrics(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "rules.yml"
    file.write_text(rules, encoding="utf-8")
    promtool("check", "rules", str(file))
    for rule in yaml.safe_load(rules)["groups"][0]["rules"]:
        assert_published(rule["expr"])


def test_chosen_values_are_escaped_as_grafana_escapes_them() -> None:
    assert chosen("a.b/c:d-e") == r"a\\.b/c:d-e"
    assert chosen("a\\b") == r"a\\\\b"
    assert chosen_tag("a.b/c:d-e") == r"a\.b\/c:d-e"


def test_unknown_variable_is_an_error() -> None:
    with pytest.raises(KeyError, match="widow"):
        filled("rate(x[$widow])", VALUES)


def test_scrape_example_is_valid_and_the_data_source_knows_its_interval() -> None:
    example = ROOT / "config" / "prometheus.yml"
    promtool("check", "config", str(example))
    scrape = yaml.safe_load(example.read_text(encoding="utf-8"))["global"]["scrape_interval"]
    first, second = provisioned("datasources")["datasources"]
    assert first["type"] == "prometheus"
    assert first["jsonData"]["timeInterval"] == scrape
    assert (second["type"], second["jsonData"]["version"]) == ("influxdb", "InfluxQL")


def test_one_mount_of_the_provisioning_folder_shows_every_board() -> None:
    mounted = re.search(r"grafana/provisioning:(/[\w/-]+)", (ROOT / "docs" / "grafana.md").read_text("utf-8"))
    assert mounted is not None
    shown = set()
    for provider in provisioned("dashboards")["providers"]:
        assert provider["type"] == "file"
        folder = PROVISIONING / Path(provider["options"]["path"]).relative_to(mounted[1])
        shown |= set(folder.glob("*.json"))
    assert shown == set(FILES)


def provisioned(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROVISIONING / kind / "providerwatch.yaml").read_text("utf-8"))
    assert content["apiVersion"] == 1
    return content


def promtool(*arguments: str) -> str:
    binary = shutil.which("promtool")
    if binary is None:
        pytest.fail("promtool is not installed: apt-get install prometheus")
    result = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
