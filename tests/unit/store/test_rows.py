"""Samples as rows."""

from __future__ import annotations

import pytest

from monitor.store._codes import BLAME_AS_USUAL, BLAME_NONE, BLAMES
from monitor.store._rows import to_row
from monitor.store._tables import sample as table
from probes._model import Blame, ErrorClass
from tests.unit.store.samples import make_sample


@pytest.mark.parametrize(
    ("error", "blame", "number"),
    [
        (None, None, BLAME_AS_USUAL),
        (ErrorClass.DNS, Blame.PROVIDER, BLAME_AS_USUAL),
        (ErrorClass.AUTH, Blame.ACCOUNT, BLAME_AS_USUAL),
        (ErrorClass.AUTH, Blame.PROVIDER, BLAMES[Blame.PROVIDER]),
        (ErrorClass.AUTH, None, BLAME_NONE),
    ],
)
def test_a_blame_takes_room_only_where_the_configuration_moved_it(
    error: ErrorClass | None, blame: Blame | None, number: int | None
) -> None:
    assert to_row(make_sample(1, error=error, blame=blame))["blame"] == number


def test_every_field_of_a_sample_has_a_column() -> None:
    fields = {name.removesuffix("_id") for name in to_row(make_sample(1))}
    assert fields == {column.name for column in table.columns} - {"seq"}
