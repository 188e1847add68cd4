"""Every shape has something that makes it."""

from __future__ import annotations

from monitor.publish.formats import render
from monitor.shapes import Shape
from tests.unit.publish.values import make_board, make_config, make_spec


def test_the_scores_are_the_document_as_it_was_serialised() -> None:
    snapshot = make_board(make_spec()).snapshot
    assert render(Shape.SCORES, snapshot, None) is snapshot.body
    assert render(Shape.SCORES, snapshot, make_config(make_spec())) is snapshot.body
