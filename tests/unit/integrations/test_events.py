"""The stream's lines become scores; half an event is nothing."""

from __future__ import annotations

import pytest

from monitor.client import Status
from monitor.integrations._events import Lines
from tests.unit.client.test_scores import document, plain


def event(kind: str, ident: str, body: bytes) -> list[bytes]:
    return [f"event: {kind}\n".encode(), f"id: {ident}\n".encode(), b"data: " + body + b"\n", b"\n"]


def fed(lines: Lines, *pieces: bytes) -> list[bool]:
    return [lines.feed(piece) for piece in pieces]


def statuses(lines: Lines) -> dict[str, Status]:
    assert lines.scores is not None
    return {name: each.status for name, each in lines.scores.names.items()}


def test_a_snapshot_then_changes() -> None:
    lines = Lines("litellm")
    assert not any(fed(lines, b"retry: 2000\n", b": hello\n", b"\n"))
    snapshot = event("snapshot", "e-1", document(plain("a", router_ids={"litellm": "x"}), plain("b")))
    assert fed(lines, *snapshot) == [False, False, False, True]
    assert fed(lines, *event("change", "e-2", document(plain("a", "down", router_ids={"litellm": "x"}))))[-1]
    assert statuses(lines) == {"a": Status.DOWN, "x": Status.DOWN, "b": Status.UP}
    assert lines.last_id == "e-2"
    fed(lines, *event("snapshot", "f-1", document(plain("b"))))
    assert statuses(lines) == {"b": Status.UP}


def test_half_an_event_and_a_change_before_any_snapshot_are_nothing() -> None:
    lines = Lines("litellm")
    assert not any(fed(lines, *event("change", "e-2", document(plain("a")))))
    assert lines.scores is None
    fed(lines, *event("snapshot", "e-3", document(plain("a")))[:3])
    lines.begin()
    assert not lines.feed(b"\n")
    assert (lines.scores, lines.last_id) == (None, "")


def test_what_is_no_scores_document_is_a_value_error_and_keeps_what_is_known() -> None:
    lines = Lines("litellm")
    fed(lines, *event("snapshot", "e-1", document(plain("a"))))
    with pytest.raises(ValueError, match="scores"):
        fed(lines, *event("change", "e-2", b"{}"))
    assert (statuses(lines), lines.last_id) == ({"a": Status.UP}, "e-1")
