"""`/v1/check/{id}`, as load balancers use it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.status import Status
from monitor.routing.tiers import WORDS, TierPolicy
from monitor.scoreboard.board import Board
from monitor.web.routes.check import answer
from probes._model import ErrorClass
from tests.integration.web.serving import MINUTE, ODD, SLASHED, TICK, Served, filled_board
from tests.support.board_values import make_board, make_spec, sample_at
from tests.support.routing_policy import every_standing
from tests.support.rows import make_row

HOUR = timedelta(hours=1)


def board_of_every_status() -> Board:
    """An endpoint of each status, called after it."""
    at = TICK + 30 * MINUTE
    window = (MaintenanceWindow(begin=TICK, end=TICK + HOUR),)
    plain = ("p:up", "q:degraded", "r:down", "s:unknown", "t:stale")
    board = make_board(
        *map(make_spec, plain), make_spec("u:paused", enabled=False), make_spec("v:maintenance", maintenance=window)
    )
    for number in range(30):
        now = TICK + number * MINUTE
        board.absorb(
            [
                sample_at(now, name="p:up"),
                sample_at(now, name="q:degraded", ttft_s=9.0),
                sample_at(now, ErrorClass.CONNECT, "r:down"),
                sample_at(now, name="u:paused"),
                sample_at(now, name="v:maintenance"),
            ]
        )
    board.absorb([sample_at(TICK - 10 * HOUR, ErrorClass.CONNECT, "t:stale")])
    board.publish(at, sweep=True)
    return board


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("p:up", "up", 200),
        ("q:degraded", "degraded", 200),
        ("r:down", "down", 503),
        ("s:unknown", "unknown", 200),
        ("t:stale", "unknown", 200),
        ("u:paused", "paused", 503),
        ("v:maintenance", "maintenance", 503),
    ],
)
async def test_the_status_code_says_whether_to_send(served: Served, name: str, status: str, code: int) -> None:
    served.board = board_of_every_status()
    response, body = await served.get(f"/v1/check/{name}")
    assert (response.status, body) == (code, {"usable": code == 200, "status": status})
    assert response.headers.get("x-envoy-degraded") == ("true" if status == "degraded" else None)
    assert response.headers["Cache-Control"] == "no-store"
    head, nothing = await served.ask(f"/v1/check/{name}", "HEAD")
    assert (head.status, nothing) == (code, b"")
    assert head.headers.get("x-envoy-degraded") == response.headers.get("x-envoy-degraded")


async def test_an_unknown_id_is_neither(served: Served) -> None:
    response, body = await served.get("/v1/check/nobody:none")
    assert (response.status, body["error"]["code"]) == (404, "not_found")


async def test_an_id_may_be_written_in_any_way(served: Served) -> None:
    for path in ("my-vllm:meta-llama/llama-3.2-1b", "my-vllm%3Ameta-llama%2Fllama-3.2-1b"):
        response, body = await served.get(f"/v1/check/{path}")
        assert (response.status, body["status"]) == (503, "down")
    response, _ = await served.get("/v1/check/p:50%25%2Fa%3Fb%23c%20%22%C3%A9%E6%97%A5")
    assert response.status == 200


async def test_that_all_of_a_model_are_down_is_for_the_load_balancer_to_notice(served: Served) -> None:
    names = [SLASHED, ODD]
    for number in range(5):
        served.board.absorb([sample_at(TICK + number * MINUTE, ErrorClass.CONNECT, name) for name in names])
    served.board.publish(TICK + 4.5 * MINUTE, sweep=True)
    for path in ("my-vllm:meta-llama/llama-3.2-1b", "p:50%25%2Fa%3Fb%23c%20%22%C3%A9%E6%97%A5"):
        response, _ = await served.get(f"/v1/check/{path}")
        assert response.status == 503


async def test_a_restart_makes_no_endpoint_unusable(served: Served) -> None:
    """Before the first sample nothing is known, and what is not known is not down."""
    served.board = make_board(*(make_spec(name) for name in filled_board().snapshot.rows))
    for path in ("groq:llama", "my-vllm:meta-llama/llama-3.2-1b"):
        response, body = await served.get(f"/v1/check/{path}")
        assert (response.status, body["status"]) == (200, "unknown")


@every_standing
def test_code_and_header_are_those_of_the_table(status: Status, account: str | None, policy: TierPolicy) -> None:
    response, words = answer(make_row("p:m", status, account=account)), WORDS[policy.use]
    assert response.status == words.check
    assert ("x-envoy-degraded" in response.headers) is words.envoy_degraded
    assert json.loads(response.text or "") == {"usable": words.check == 200, "status": status}
