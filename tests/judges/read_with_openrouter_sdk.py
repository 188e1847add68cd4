"""Reads a daemon by OpenRouter's own SDK, whose types are checked by pydantic, and says what it read. Run by a test.

python read_with_openrouter_sdk.py http://127.0.0.1:8780 author slug
"""

from __future__ import annotations

import json
import sys

from openrouter import OpenRouter
from openrouter.components import ProviderPreferences
from openrouter.errors import NotFoundResponseError

PREFERENCES = {
    "order": ["Groq"],
    "only": ["groq", "vllm", "down"],
    "ignore": ["nobody"],
    "allow_fallbacks": True,
    "require_parameters": False,
    "quantizations": ["fp8", "unknown"],
    "sort": {"by": "price"},
    "preferred_min_throughput": 10,
    "preferred_max_latency": {"p90": 1.5},
    "max_price": {"prompt": "0.6", "completion": "2"},
}


def main() -> None:
    """Ask for everything, and for a model that is not there."""
    address, author, slug = sys.argv[1:]
    with OpenRouter(api_key="none", server_url=f"{address}/api/v1") as client:
        endpoints = client.endpoints.list(author=author, slug=slug).data
        whole = client.models.list()
        models = whole.result.data
        pages, page = [], client.models.list(limit=1)
        while page is not None:
            pages += [each.id for each in page.result.data]
            page = page.next()
        providers = client.providers.list().data
        try:
            client.endpoints.list(author="nobody", slug="nothing")
            missing = None
        except NotFoundResponseError as error:
            missing = {"code": error.data.error.code, "message": error.data.error.message}
    found = {
        "endpoints": endpoints.model_dump(mode="json"),
        "models": [model.model_dump(mode="json") for model in models],
        "providers": [provider.model_dump(mode="json") for provider in providers],
        "pages": pages,
        "total_count": whole.result.total_count,
        "missing": missing,
        "preferences": ProviderPreferences(**PREFERENCES).model_dump(mode="json"),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
