"""OpenRouter's own SDK reads our documents, whose fields have its types, and writes preferences that we take."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.openrouter.conftest import MODEL, Served, served  # noqa: F401  # a fixture
from tests.judges.installed import environment, python

pytestmark = pytest.mark.judges

SCRIPT = Path(__file__).with_name("read_with_openrouter_sdk.py")
PATIENCE_S = 60
OURS = {"providerwatch"}
"""What their types do not know, and so do not tell."""


async def read_by_their_sdk(address: str) -> Any:
    author, slug = MODEL.split("/")
    process = await asyncio.create_subprocess_exec(
        python(),
        SCRIPT,
        address,
        author,
        slug,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    told, complaint = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, complaint.decode()
    return json.loads(told)


def differences(told: Any, read: Any, place: str = "") -> list[str]:
    """Where what we told is not what was read; what was not told may be filled in."""
    match told, read:
        case dict(), dict():
            shared = told.keys() - OURS
            return [
                difference for key in shared for difference in differences(told[key], read.get(key), f"{place}.{key}")
            ]
        case list(), list() if len(told) == len(read):
            return [
                each
                for number, pair in enumerate(zip(told, read, strict=True))
                for each in differences(*pair, f"{place}[{number}]")
            ]
        case _:
            return [] if told == read else [f"{place}: {told!r} was read as {read!r}"]


async def test_their_sdk_reads_what_we_tell(served: Served) -> None:  # noqa: F811  # the fixture
    read = await read_by_their_sdk(served.address)
    for name, path in {
        "endpoints": f"/api/v1/models/{MODEL}/endpoints",
        "models": "/api/v1/models",
        "providers": "/api/v1/providers",
    }.items():
        _, document = await served.get(path)
        assert differences(document["data"], read[name]) == []
    assert read["pages"] == [model["id"] for model in read["models"]]
    assert read["total_count"] == len(read["pages"]) == 2
    assert read["missing"] == {"code": 404, "message": "no model has the name 'nobody/nothing'"}


async def test_preferences_as_their_sdk_writes_them_are_taken(served: Served) -> None:  # noqa: F811  # the fixture
    preferences = (await read_by_their_sdk(served.address))["preferences"]
    assert preferences["max_price"]["prompt"] == "0.6"
    status, answer = await served.route(model=MODEL, provider=preferences)
    assert status == 200, answer
    assert [endpoint["id"] for endpoint in answer["endpoints"]] == ["groq:llama", "down:llama"]
    assert [each["id"] for each in answer["excluded"]] == ["vllm:llama"]
