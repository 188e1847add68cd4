"""A showcase with an endpoint in every state, made once."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.showcase import Showcase, every_state


@pytest.fixture(scope="session")
def showcase() -> Showcase:
    made = Showcase(every_state())
    asyncio.run(made.fill())
    return made
