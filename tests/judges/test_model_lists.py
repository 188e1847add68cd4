"""The vendors' SDKs on lists of models: `reach` asks as they ask, and the names in the answer are read alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from probes._exchange import Ending
from probes._loader import codec
from probes._model import Task
from tests.contract.recordings import Recording
from tests.judges.court import Court, differences, in_session
from tests.judges.vendors import VENDORS

pytestmark = pytest.mark.judges

OPENAI = {"object": "list", "data": [{"id": "tiny", "object": "model", "created": 1741569952, "owned_by": "acme"}]}
LISTS: Mapping[str, Mapping[str, object]] = {
    "openai_chat": OPENAI,
    "openai_responses": OPENAI,
    "openai_embeddings": OPENAI,
    "azure_openai": OPENAI,
    "anthropic_messages": {
        "data": [
            {"type": "model", "id": "tiny", "display_name": "Tiny", "created_at": "2026-02-19T00:00:00Z"},
            {"type": "model", "id": "small", "display_name": "Small", "created_at": "2026-02-19T00:00:00Z"},
        ],
        "has_more": False,
        "first_id": "tiny",
        "last_id": "small",
    },
    "gemini_generate": {"models": [{"name": "models/tiny", "displayName": "Tiny"}, {"name": "models/small"}]},
    "mistral_chat": {
        "object": "list",
        "data": [
            {
                "id": "tiny-2512",
                "object": "model",
                "aliases": ["tiny", "tiny-latest"],
                "type": "base",
                "capabilities": {"completion_chat": True},
            }
        ],
    },
    "cohere_chat": {"models": [{"name": "tiny", "endpoints": ["chat"], "finetuned": False}], "next_page_token": None},
    "ollama_chat": {"models": [{"name": "tiny:8b", "model": "tiny:8b", "size": 1, "digest": "00", "details": {}}]},
}
UNNAMED = {"azure_openai"}
"""Azure lists the models that could be deployed, which says nothing of an endpoint's deployment: we read no names."""
ASKED = [(api, options) for api in LISTS for options in VENDORS[api].asked if "encoding_format" not in options]


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    with in_session() as court:
        yield court


def answer(api: str, options: Mapping[str, object]) -> Recording:
    """A list of models as if it had been recorded."""
    return Recording(
        api=api,
        name="models",
        task=Task.REACH,
        status=200,
        headers={"content-type": "application/json"},
        options=options,
        ending=Ending.END_OF_FILE,
        proof=None,
        expect={},
        body=json.dumps(LISTS[api]).encode(),
    )


@pytest.mark.parametrize(("api", "options"), ASKED)
async def test_reach_is_the_vendors_sdks_own_list_of_models(
    court: Court, api: str, options: Mapping[str, object]
) -> None:
    recording = answer(api, options)
    ours, (theirs, told) = await court.ours(recording), court.theirs(recording)
    assert ours.sample.error is None
    assert (ours.asked.method, ours.asked.target) == (theirs.method, theirs.target), told
    names = [name for name in VENDORS[api].headers if name != "content-type"]
    headers = ({name: asked.headers.get(name) for name in names} for asked in (ours.asked, theirs))
    assert differences(*headers) == {}
    assert codec(api, options).models(recording.body) == (set() if api in UNNAMED else set(told["models"]))
