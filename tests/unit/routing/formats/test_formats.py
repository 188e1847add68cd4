"""The files that routers read, compared byte for byte where it matters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from monitor.domain.status import Status
from monitor.routing.formats import FORMATS
from monitor.routing.haproxy import UNKNOWN, agent_answers, agent_groups
from monitor.routing.router_format import CannotBeMadeError
from monitor.routing.tiers import WORDS, TierPolicy
from monitor.routing.weights import by_endpoint
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot
from tests.support.board_values import make_board, make_spec
from tests.support.router_files import render
from tests.support.routing_policy import every_standing
from tests.support.rows import make_row
from tests.unit.score.values import START


def snapshot(*rows: Row) -> Snapshot:
    return Snapshot(generated_at=START, vantage="here", rows={row.id: row for row in rows}, body=b"{}", etag="x")


def three(router: str, names: tuple[str, str, str]) -> Snapshot:
    """One that is up, one that is degraded, one that is down."""
    states = ((Status.UP, 0.96), (Status.DEGRADED, 0.5), (Status.DOWN, 0.0))
    return snapshot(
        *(
            make_row(f"p:{number}", status, score, router_ids={router: name})
            for number, ((status, score), name) in enumerate(zip(states, names, strict=True))
        )
    )


def beside(router: str, names: tuple[str, str], status: Status, account: str | None) -> tuple[Snapshot, int]:
    """An endpoint with a given tier next to one that is up, and its weight."""
    of = snapshot(
        make_row("p:0", status, 0.5, account=account, router_ids={router: names[0]}),
        make_row("p:1", router_ids={router: names[1]}),
    )
    return of, by_endpoint(of.rows.values())["p:0"].weight


def rendered(name: str, of: Snapshot, **options: object) -> Any:
    return json.loads(render(name, of, **options))


def test_the_scores_are_the_document_as_it_was_serialised() -> None:
    found = make_board(make_spec()).snapshot
    assert render("scores", found) is found.body


# HAProxy


def test_agents_answers_tell_state_and_weight_by_server_and_by_endpoint() -> None:
    rows = three("haproxy", ("be/a", "be/b", "be/c")).rows.values()
    assert agent_answers(rows) == {
        "p:0": b"up ready 100%\n",
        "p:1": b"up ready 10%\n",
        "p:2": b"down ready 1%\n",
        "be/a": b"up ready 100%\n",
        "be/b": b"up ready 10%\n",
        "be/c": b"down ready 1%\n",
    }
    assert UNKNOWN == b"up ready 100%\n"


def test_a_server_that_is_called_like_an_endpoint_is_what_is_meant() -> None:
    rows = [make_row("be/a", Status.DOWN, 0.0), make_row("p:m"), make_row("p:n", router_ids={"haproxy": "be/a"})]
    assert agent_answers(rows)["be/a"] == b"up ready 100%\n"


def test_a_map_has_a_weight_for_each_endpoint_and_server() -> None:
    found = render("haproxy-map", three("haproxy", ("be/a", "be/b", "be/c")))
    assert found == b"p:0 100\np:1 10\np:2 0\nbe/a 100\nbe/b 10\nbe/c 0\n"


@every_standing
def test_an_agents_answer_and_a_map_say_what_the_table_says(
    status: Status, account: str | None, policy: TierPolicy
) -> None:
    of, weight = beside("haproxy", ("be/a", "be/b"), status, account)
    words = WORDS[policy.use]
    assert agent_answers(of.rows.values())["be/a"] == f"{words.haproxy} ready {weight}%\n".encode()
    assert render("haproxy-map", of).splitlines()[0] == f"p:0 {weight if words.listed else 0}".encode()


@pytest.mark.parametrize("status", [Status.PAUSED, Status.MAINTENANCE])
def test_an_agent_takes_out_what_is_paused_or_in_maintenance_unless_nothing_else_is_left(status: Status) -> None:
    alone = [make_row("p:0", status, 0.5, router_ids={"haproxy": "be/a"})]
    assert agent_answers(alone)["be/a"] == b"up ready 100%\n"
    beside_one = [*alone, make_row("p:1", router_ids={"haproxy": "be/b"})]
    assert agent_answers(beside_one)["be/a"] == b"down ready 100%\n"


def test_a_map_needs_no_names_of_haproxy_and_holds_no_line_that_would_be_a_comment() -> None:
    assert render("haproxy-map", snapshot(make_row("p:m"), make_row("#p:m"))) == b"p:m 100\n"


# Envoy


def health(document: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    (resource,) = document["resources"]
    (locality,) = resource["endpoints"]
    return {
        ":".join(map(str, member["endpoint"]["address"]["socket_address"].values())): (
            member["health_status"],
            member["load_balancing_weight"],
        )
        for member in locality["lb_endpoints"]
    }


def test_a_cluster_of_envoy_has_addresses_health_and_weights() -> None:
    document = rendered("envoy-eds", three("envoy", ("c/10.0.0.1:80", "c/10.0.0.2:80", "c/[::1]:81")))
    assert document["resources"][0]["cluster_name"] == "c"
    assert health(document) == {
        "10.0.0.1:80": ("HEALTHY", 100),
        "10.0.0.2:80": ("DEGRADED", 10),
        "::1:81": ("UNHEALTHY", 1),
    }


@every_standing
def test_envoys_health_is_that_of_the_table(status: Status, account: str | None, policy: TierPolicy) -> None:
    of, weight = beside("envoy", ("c/10.0.0.1:80", "c/10.0.0.2:80"), status, account)
    assert health(rendered("envoy-eds", of))["10.0.0.1:80"] == (WORDS[policy.use].envoy, weight)


def test_the_version_of_a_cluster_is_that_of_its_content() -> None:
    def version(*statuses: Status) -> str:
        names = zip(statuses, ("c/10.0.0.1:80", "c/10.0.0.2:80"), strict=True)
        rows = [make_row(f"p:{name}", status, router_ids={"envoy": name}) for status, name in names]
        return str(rendered("envoy-eds", snapshot(*rows))["version_info"])

    assert version(Status.UP, Status.UP) == version(Status.UP, Status.UNKNOWN)
    assert version(Status.UP, Status.UP) != version(Status.UP, Status.DOWN)


def test_a_file_of_envoy_holds_one_cluster_and_says_which_there_are() -> None:
    of = snapshot(
        make_row("p:1", router_ids={"envoy": "b/10.0.0.1:80"}), make_row("p:2", router_ids={"envoy": "a/10.0.0.2:80"})
    )
    assert list(health(rendered("envoy-eds", of, cluster="a"))) == ["10.0.0.2:80"]
    for options in ({}, {"cluster": "nobody"}):
        with pytest.raises(
            CannotBeMadeError, match="an Envoy file contains one cluster; choose one with --cluster: a, b"
        ):
            render("envoy-eds", of, **options)


# Traefik


def test_traefik_gets_a_weighted_service_for_each_group() -> None:
    of = three("traefik", ("llama/groq@file", "llama/vllm@docker", "llama/other"))
    assert rendered("traefik", of) == {
        "http": {
            "services": {
                "llama": {
                    "weighted": {
                        "services": [
                            {"name": "groq@file", "weight": 100},
                            {"name": "vllm@docker", "weight": 10},
                            {"name": "other", "weight": 0},
                        ]
                    }
                }
            }
        }
    }


@every_standing
def test_traefik_has_no_weight_for_what_the_table_leaves_out(
    status: Status, account: str | None, policy: TierPolicy
) -> None:
    of, weight = beside("traefik", ("llama/a", "llama/b"), status, account)
    services = rendered("traefik", of)["http"]["services"]["llama"]["weighted"]["services"]
    assert services[0] == {"name": "a", "weight": weight if WORDS[policy.use].listed else 0}


# vLLM


@every_standing
def test_vllms_list_is_without_what_the_table_leaves_out(
    status: Status, account: str | None, policy: TierPolicy
) -> None:
    of, _ = beside("vllm", ("m@http://10.0.0.1:8000", "m@http://10.0.0.2:8000"), status, account)
    urls = ["http://10.0.0.1:8000"] * WORDS[policy.use].listed + ["http://10.0.0.2:8000"]
    assert rendered("vllm", of)["static_backends"] == ",".join(urls)


def test_vllms_router_gets_the_engines_that_are_to_be_used() -> None:
    assert rendered("vllm", three("vllm", ("m@http://10.0.0.1:8000", "m@http://10.0.0.2:8000", "m@http://x"))) == {
        "service_discovery": "static",
        "routing_logic": "roundrobin",
        "static_backends": "http://10.0.0.1:8000,http://10.0.0.2:8000",
        "static_models": "m,m",
    }


def test_vllms_router_keeps_all_engines_of_a_model_that_is_down_everywhere() -> None:
    of = snapshot(
        make_row("p:1", Status.DOWN, 0.0, router_ids={"vllm": "m@http://10.0.0.1:8000"}),
        make_row("p:2", Status.DOWN, 0.0, router_ids={"vllm": "m@http://10.0.0.2:8000"}),
        make_row("p:3", router_ids={"vllm": "n@http://10.0.0.3:8000"}),
    )
    assert rendered("vllm", of)["static_models"] == "m,m,n"


def test_vllms_router_gets_its_other_settings() -> None:
    of = snapshot(make_row("p:1", router_ids={"vllm": "m@http://10.0.0.1:8000"}))
    options = {"routing_logic": "session", "session_key": "x-user"}
    assert json.loads(render("vllm", of, options=options)) == {
        "service_discovery": "static",
        "routing_logic": "session",
        "static_backends": "http://10.0.0.1:8000",
        "static_models": "m",
        "session_key": "x-user",
    }


# What cannot be made


@pytest.mark.parametrize(("file_format", "router"), [("envoy-eds", "envoy"), ("traefik", "traefik"), ("vllm", "vllm")])
def test_a_format_without_names_says_what_to_write(file_format: str, router: str) -> None:
    with pytest.raises(CannotBeMadeError, match=f"write `router_ids: {{{router}: …}}`"):
        render(file_format, snapshot(make_row("p:m")))


def test_a_malformed_router_id_of_another_daemon_is_reported() -> None:
    with pytest.raises(CannotBeMadeError, match=r"^p:m: router_ids\.traefik: 'x' is not Traefik's SERVICE/CHILD"):
        render("traefik", snapshot(make_row("p:m", router_ids={"traefik": "x"})))


def test_an_answer_is_made_of_its_group_and_is_the_same_as_of_all_rows() -> None:
    rows = [
        make_row("p:1", Status.DOWN, 0.0, model="a/x", router_ids={"haproxy": "be/a"}),
        make_row("p:2", Status.UP, 0.7, model="a/y", router_ids={"haproxy": "be/b"}),
        make_row("p:3", Status.DOWN, 0.0, model="a/x", router_ids={"haproxy": "other/a"}),
        make_row("p:4", Status.UP, 0.5, model="a/x"),
        make_row("p:5", Status.DEGRADED, 0.5, model="a/z", router_ids={"haproxy": "be/a"}),
        make_row("other/a", Status.UP, 1.0, model="a/z"),
    ]
    groups, known = agent_groups(rows), {row.id: row for row in rows}
    everything = agent_answers(rows)
    assert set(groups) == set(everything)
    assert groups["be/a"] == ["p:1", "p:2", "p:5"]
    assert groups["p:1"] == ["p:1", "p:3", "p:4"]
    assert groups["other/a"] == ["p:3"]
    assert {name: agent_answers(known[each] for each in group)[name] for name, group in groups.items()} == everything


def test_formats_that_hold_figures_are_not_taken_for_choices_alone() -> None:
    assert {name for name, kind in FORMATS.items() if not kind.has_weights} == {"scores", "openrouter"}
