"""Which shape is made by what. Pure: the same snapshot and configuration give the same bytes."""

from __future__ import annotations

from typing import assert_never

from monitor.config.model import Config
from monitor.publish.board import Snapshot
from monitor.shapes import Shape


class CannotBeMadeError(ValueError):
    """A shape cannot be made of what is known; the message says what is missing."""


def render(shape: Shape, snapshot: Snapshot, config: Config | None) -> bytes:  # noqa: ARG001  # for the shapes to come
    """A snapshot in some shape.

    `config` is None where only the scores document of another daemon is known; a shape that needs more raises
    CannotBeMadeError then.
    """
    match shape:
        case Shape.SCORES:
            return snapshot.body
        case _:
            assert_never(shape)
