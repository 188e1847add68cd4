"""Programs that are not ours judge history over HTTP: Schemathesis whatever can be asked, feedparser the feed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.store import create_store
from tests.integration.history.conftest import begin  # noqa: F401  # a fixture
from tests.integration.history.serving import (
    NAME,
    ODD,
    SLASHED,
    Begin,
    Served,
    fill,
    make_history,
    samples,
    tool_call,
)
from tests.judges import installed
from tests.judges.test_schemathesis import run
from tests.unit.store.incidents import ended, make_incident

pytestmark = pytest.mark.judges

SETTINGS = f"""
[parameters]
"path.id" = "{NAME}"

# Which steps suit a window is nothing that a schema says.
[[operations]]
include-path = "/v1/endpoints/{{id}}/series"
checks = {{ positive_data_acceptance.enabled = false }}
"""
FEED = """
import feedparser, json, sys
found = feedparser.parse(sys.argv[1])
print(json.dumps([found.bozo, found.version, [[entry.id, entry.title, entry.updated] for entry in found.entries]]))
"""


@pytest.fixture
async def served(tmp_path: Path, begin: Begin) -> AsyncIterator[Served]:  # noqa: F811
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    incidents = [ended(1, endpoint=NAME), make_incident(2, endpoint=SLASHED), make_incident(3, endpoint=ODD)]
    await fill(store, [*samples(300), *map(tool_call, range(9))], incidents)
    yield await begin(make_history(store))
    await store.close()


async def test_no_route_of_history_fails_and_none_answers_what_it_did_not_say(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)
    schemathesis = str(installed.python().with_name("schemathesis"))
    url = f"http://{served.host}:{served.port}/openapi.json"
    only = ("--include-path-regex", "^/(v1/endpoints|v1/incidents|badges)")
    code, said = await run(
        schemathesis, "--config-file", str(settings), "run", url, *only, "--seed", "1", directory=tmp_path
    )
    assert code == 0, said
    assert "7 selected" in said, said
    assert "request_failed" not in [vars(record).get("action") for record in caplog.records]


async def test_a_feed_reader_finds_every_incident(served: Served, tmp_path: Path) -> None:
    url = f"http://{served.host}:{served.port}/v1/incidents.atom"
    code, said = await run(str(installed.python()), "-c", FEED, url, directory=tmp_path)
    assert code == 0, said
    is_broken, version, entries = json.loads(said)
    assert (is_broken, version) == (False, "atom10")
    assert [title for _, title, _ in entries] == [
        f"{ODD} down: connect",
        f"{SLASHED} down: connect",
        f"{NAME} down: connect, ended",
    ]
    assert len({name for name, _, _ in entries}) == 3
