"""Every query of every panel, menu and annotation, asked of a real Prometheus and a real InfluxDB that one running
daemon fills.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grafana.queries import (
    PanelQuery,
    VariableQuery,
    annotation_queries,
    chosen,
    chosen_tag,
    filled,
    panel_queries,
    variable_queries,
)
from monitor.sinks._lines import line
from monitor.sinks._protocol import SampleOrigin
from probes._model import Blame, ErrorClass
from tests.integration.grafana.influxdb import BUCKET, InfluxDB, influxdb
from tests.integration.grafana.servers import BROKEN_SINK, SCRAPE_S, Prometheus, daemon, finite, scraping
from tests.support.daemon import Daemon, wait_until
from tests.support.providers import Providers
from tests.unit.store.samples import make_sample

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROOT = Path(__file__).parents[3]
LONGEST_S = 300
WINDOWS = {"window": "5m", "__rate_interval": "5m", "__range": "5m", "percentile": "95", "objective": "99.5"}
ANY = ".*"
EVERYTHING = dict.fromkeys(("model", "provider", "endpoint"), ANY)
ONE_OF = {"model": {"model": "hf/smol"}, "endpoint": {"endpoint": "flaky:smol"}}
"""The variable of which a board shows one value."""
PROVIDERS = {"steady", "flaky", "dead", "capped"}
SELDOM = {"Degraded", "Maintenance"}
"""Marks that a test cannot wait for: their queries are asked and may return nothing."""
UNENCRYPTED = "tls"
"""The phase that servers on loopback do not have: its query is asked and may return nothing."""


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with influxdb(tmp_path_factory.mktemp("influxdb")) as server:
        # The local network of a test is not offline, and no stream stands still. One such sample each is written by the
        # sink's own code.
        origin = SampleOrigin(provider="flaky", model="hf/smol")
        seldom = {"started_at": datetime.now(UTC), "endpoint": "flaky:smol"}
        offline = make_sample(0, error=ErrorClass.VANTAGE_OFFLINE, blame=Blame.NETWORK, **seldom)
        still = make_sample(1, itl_max_s=2.0, **seldom)
        server.write("\n".join(line(sample, origin) for sample in (offline, still)))
        yield server


@pytest.fixture(scope="module")
def watched(providers: Providers, influx: InfluxDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(providers, influx.url, BUCKET, tmp_path_factory.mktemp("daemon")) as found:
        yield found


@pytest.fixture(scope="module")
def prometheus(watched: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with scraping(instance(watched), tmp_path_factory.mktemp("prometheus")) as server:
        yield server


def instance(watched: Daemon) -> str:
    return watched.url.removeprefix("http://")


def unanswered(server: Prometheus, values: dict[str, str]) -> list[str]:
    """Every query that yields no series, or series without what its legend shows."""
    missing = []
    for query in panel_queries("prometheus"):
        series = server.series(asked(query, values))
        shown = set(re.findall(r"{{(\w+)}}", query.legend))
        if query.ref != UNENCRYPTED and not (series and all(shown <= each["metric"].keys() for each in series)):
            missing.append(named(query, values))
    return missing


def unanswered_by_influx(server: InfluxDB, values: dict[str, str]) -> list[str]:
    """Every query that yields no number, or series without the tag that its alias shows."""
    missing = []
    for query in panel_queries("influxdb"):
        series = server.ask(asked(query, values))
        shown = set(re.findall(r"\$tag_(\w+)", query.legend))
        if not finite(series) or not all(shown <= each.get("tags", {}).keys() for each in series):
            missing.append(named(query, values))
    return missing


def asked(query: PanelQuery | VariableQuery, values: dict[str, str]) -> str:
    return filled(query.expression, values | ONE_OF.get(query.board, {}))


def named(query: PanelQuery, values: dict[str, str]) -> str:
    return f"{query.board} / {query.panel} / {query.ref}: {asked(query, values)}"


def wait_until_answered(missing: object) -> None:
    """Ask again until no query is left without data."""
    assert callable(missing)
    latest_s = time.monotonic() + LONGEST_S
    while left := missing():
        assert time.monotonic() < latest_s, "no data for\n" + "\n".join(left)
        time.sleep(SCRAPE_S)


def in_promql(watched: Daemon, **values: str) -> dict[str, str]:
    return {"instance": instance(watched), "vantage": "local", "task": "chat", **WINDOWS, **EVERYTHING, **values}


def in_influxql(**values: str) -> dict[str, str]:
    return {"vantage": ANY, "task": "chat", "timeFilter": "time >= now() - 10m", **WINDOWS, **EVERYTHING, **values}


def test_every_panel_query_returns_data_from_prometheus(prometheus: Prometheus, watched: Daemon) -> None:
    wait_until_answered(lambda: unanswered(prometheus, in_promql(watched)))
    several = f"({chosen('flaky')}|{chosen('capped')})"
    assert unanswered(prometheus, in_promql(watched, model=chosen("hf/smol"), provider=several)) == []


def test_every_panel_query_returns_data_from_influxdb(influx: InfluxDB, watched: Daemon) -> None:
    wait_until_answered(lambda: unanswered_by_influx(influx, in_influxql()))
    several = f"({chosen_tag('flaky')}|{chosen_tag('capped')})"
    assert unanswered_by_influx(influx, in_influxql(model=chosen_tag("hf/smol"), provider=several)) == []


def test_every_menu_offers_choices_from_prometheus(prometheus: Prometheus, watched: Daemon) -> None:
    offered = {
        variable.name: set(
            prometheus.ask(f"label/{variable.label}/values", **{"match[]": asked(variable, in_promql(watched))})
        )
        for variable in variable_queries("prometheus")
    }
    assert offered.pop("endpoint") == {f"{name}:smol" for name in PROVIDERS}
    assert offered == {
        "vantage": {"local"},
        "instance": {instance(watched)},
        "model": {"hf/smol"},
        "provider": PROVIDERS,
        "task": {"chat", "tool_call", "structured_output"},
    }


def test_every_menu_offers_choices_from_influxdb(influx: InfluxDB, watched: Daemon) -> None:
    offered = {
        variable.name: {value for _, value in influx.ask(asked(variable, in_influxql()))[0]["values"]}
        for variable in variable_queries("influxdb")
    }
    assert offered.pop("endpoint") == {f"{name}:smol" for name in PROVIDERS}
    assert offered == {
        "vantage": {"local"},
        "model": {"hf/smol"},
        "provider": PROVIDERS,
        "task": {"chat", "tool_call", "structured_output"},
    }


def test_an_outage_and_a_start_are_marked(prometheus: Prometheus, watched: Daemon) -> None:
    """Grafana draws a region wherever the value is above 0."""
    for mark in annotation_queries("prometheus"):
        series = prometheus.series(asked(mark, in_promql(watched)), 600)
        marked = [each for each in series if any(float(value) > 0 for _, value in each["values"])]
        shown = set(re.findall(r"{{(\w+)}}", mark.legend))
        assert all(shown <= each["metric"].keys() for each in marked), mark
        if mark.board == "model":
            assert marked or mark.panel in SELDOM, mark
            if mark.panel == "Down":
                assert "dead:smol" in {each["metric"]["endpoint"] for each in marked}


def test_failed_probes_are_marked_with_their_class_and_endpoint(influx: InfluxDB, watched: Daemon) -> None:
    for mark in annotation_queries("influxdb"):
        (series,) = influx.ask(asked(mark, in_influxql()))
        columns = series["columns"]
        assert {"error", "endpoint", "provider"} <= {*columns}
        errors = {row[columns.index("error")] for row in series["values"]}
        assert errors if mark.board == "endpoint" else "connect" in errors
        assert None not in errors


def test_status_of_each_endpoint_is_one_known_code(prometheus: Prometheus, watched: Daemon) -> None:
    (query,) = (query for query in panel_queries("prometheus") if query.panel == "Status")
    lanes = prometheus.series(filled(query.expression, in_promql(watched)))
    assert {lane["metric"]["endpoint"] for lane in lanes} == {f"{name}:smol" for name in PROVIDERS}
    assert {float(value) for lane in lanes for _, value in lane["values"]} <= {1, 2, 3, 4, 5, 6}


def test_the_reason_of_a_failing_sink_is_shown(prometheus: Prometheus, watched: Daemon) -> None:
    (query,) = (query for query in panel_queries("prometheus") if query.panel == "Failing sinks")
    failing = prometheus.series(filled(query.expression, in_promql(watched)))
    assert {each["metric"]["sink"] for each in failing} == {BROKEN_SINK}
    assert all(each["metric"]["reason"] for each in failing)


def test_the_queries_of_the_documentation_return_data(influx: InfluxDB, watched: Daemon) -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "sinks.md").read_text("utf-8"), re.DOTALL)
    for query in block.splitlines():
        assert finite(influx.ask(query)), query


def test_phases_add_up_to_the_time_of_the_whole_answer(influx: InfluxDB, watched: Daemon) -> None:
    """headers, first token and rest are parts of end to end, of the same probes."""
    (query,) = (
        query for query in panel_queries("influxdb") if (query.board, query.panel) == ("model", "Where the time goes")
    )
    times = "time < now() - 2s AND time > now() - 1h"
    (series,) = influx.ask(asked(query, in_influxql(provider="steady", timeFilter=times)))
    row = dict(zip(series["columns"], series["values"][0], strict=True))
    whole = f'SELECT mean("e2e_s") FROM "providerwatch_probe" WHERE "provider" = \'steady\' AND {times}'
    ((_, e2e_s),) = influx.ask(f"{whole} AND \"task\" = 'chat' AND \"error\" = ''")[0]["values"]
    assert row["headers"] + row["first token"] + row["rest"] == pytest.approx(e2e_s, rel=0.05)


def test_nothing_looks_current_after_the_monitor_has_ended(prometheus: Prometheus, watched: Daemon) -> None:
    """Only the panel that says so has a value; this test is the last, since it ends the daemon."""
    values = in_promql(watched)
    assert watched.end(signal.SIGTERM) == 0
    wait_until(lambda: prometheus.now(f'up{{instance="{instance(watched)}"}} == 0'), "a scrape that failed")
    queries = [query for query in panel_queries("prometheus") if query.now]
    assert {query.panel for query in queries} > {"Endpoints down", "Endpoints by status", "Scores", "Uptime now"}
    shown = {query.panel for query in queries if prometheus.now(asked(query, values))}
    assert shown == {"Monitor"}
