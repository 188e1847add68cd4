"""Schemathesis and the OpenAPI validator as judges: the HTTP API is what it says, whatever it is asked."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.integration.web.conftest import serve, served  # noqa: F401  # fixtures
from tests.integration.web.serving import Served
from tests.judges import installed

pytestmark = pytest.mark.judges

ENDLESS = ["/v1/scores/stream"]
"""An answer without an end is judged by tests/integration/web/test_stream.py."""
PATIENT_S = 500.0


async def run(*command: str, directory: Path) -> tuple[int, str]:
    """The exit code and all that was said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**installed.environment(), "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENT_S):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_document_is_openapi(served: Served, tmp_path: Path) -> None:  # noqa: F811
    _, body = await served.ask("/openapi.json")
    (tmp_path / "openapi.json").write_bytes(body)
    code, said = await run(str(installed.python()), "-m", "openapi_spec_validator", "openapi.json", directory=tmp_path)
    assert code == 0, said
    assert json.loads(body)["openapi"].startswith("3.1")


async def test_no_route_fails_and_none_answers_what_it_did_not_say(
    served: Served,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Made-up requests, right and wrong, to every route: no 5xx that is not declared, no answer of another shape."""
    url = f"http://{served.host}:{served.port}/openapi.json"
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "100")
    excluded = [word for path in ENDLESS for word in ("--exclude-path", path)]
    schemathesis = str(installed.python().with_name("schemathesis"))
    code, said = await run(
        schemathesis, "run", url, *excluded, "--max-examples", examples, "--seed", "1", directory=tmp_path
    )
    assert code == 0, said
    assert "request_failed" not in [vars(record).get("action") for record in caplog.records]
