"""The committed boards are the generated ones, say only what Grafana's schema has, and ask only for metrics that the
daemon publishes and for fields that the sink writes.
"""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

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
from tests.support.promtool import promtool
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


def of_file(board: Path) -> str:
    return f"{board.parent.name}-{board.stem}"


def every_expression() -> list[str]:
    """In PromQL."""
    menus = [menu.expression for menu in variable_queries("prometheus")]
    queries = itertools.chain(panel_queries("prometheus"), annotation_queries("prometheus"))
    return sorted({*menus, *(query.expression for query in queries)})


def every_influx_query() -> list[str]:
    menus = [menu.expression for menu in variable_queries("influxdb")]
    queries = itertools.chain(panel_queries("influxdb"), annotation_queries("influxdb"))
    return sorted({*menus, *(query.expression for query in queries)})


def test_committed_boards_are_what_the_generator_writes() -> None:
    check = [sys.executable, str(ROOT / "grafana" / "generate.py"), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_there_are_four_boards_for_each_data_source() -> None:
    for language in LANGUAGES:
        assert {board.stem for board in boards(language)} == {"overview", "model", "endpoint", "monitor"}


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
