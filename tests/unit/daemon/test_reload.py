"""What is new in another configuration, and work in slices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from monitor.config.model import EndpointSpec
from monitor.daemon.reload import Difference, difference, in_slices
from monitor.daemon.values import PartValues, values_of
from tests.support.board_values import make_config, make_spec
from tests.unit.score.values import START


def values(*specs: EndpointSpec) -> PartValues:
    return values_of(make_config(*specs), START)


def test_an_equal_configuration_has_nothing_new() -> None:
    before, after = (values(make_spec("a:one", aliases=("a:old",))) for _ in range(2))
    assert difference(before, after) == Difference(added=frozenset(), aliases={}, providers=frozenset())
    assert difference(before, after).restored == frozenset()


def test_added_endpoints_new_former_ids_and_new_providers_are_what_the_store_has_a_past_of() -> None:
    before = values(make_spec("a:one"), make_spec("a:two", aliases=("a:old",)), make_spec("c:gone"))
    after = values(
        make_spec("a:one", aliases=("a:merged",)), make_spec("a:2", aliases=("a:two", "a:old")), make_spec("b:new")
    )
    new = difference(before, after)
    assert new.added == {"a:2", "b:new"}
    assert new.aliases == {"a:merged": "a:one", "a:two": "a:2", "a:old": "a:2"}
    assert new.providers == {"b"}
    assert new.restored == {"a:one", "a:2", "b:new"}


async def test_others_have_their_turn_while_many_steps_are_done() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def steps() -> Iterator[None]:
        for _ in range(50):
            time.sleep(0.001)
            yield

    task = asyncio.create_task(other())
    await in_slices(steps())
    task.cancel()
    assert turns >= 5
