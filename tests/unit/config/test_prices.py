"""Prices of models without a price in the file, from the real library with its data."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

from monitor.config import Config, known_price
from probes._model import Pricing

AT = datetime(2026, 11, 1, tzinfo=UTC)
OPENAI = "https://api.openai.com/v1"


def test_a_price_is_found_by_address_and_model_with_that_of_cached_tokens() -> None:
    assert known_price(OPENAI, "gpt-4.1-mini", AT) == Pricing(prompt=0.4, completion=1.6, cached=0.1)


def test_of_a_price_that_rises_with_the_prompt_the_lowest_is_taken() -> None:
    price = known_price("https://generativelanguage.googleapis.com/v1beta", "gemini-2.5-pro", AT)
    assert price is not None
    assert (price.prompt, price.completion) == (1.25, 10.0)


def test_embeddings_have_no_price_for_an_answer() -> None:
    assert known_price(OPENAI, "text-embedding-3-small", AT) == Pricing(prompt=0.02, completion=0.0)


UNKNOWN = [
    (OPENAI, "no-such-model"),
    ("https://api.example.com/v1", "gpt-4.1-mini"),
    ("http://127.0.0.1:8000/v1", "gpt-4.1-mini"),
    ("http://localhost/v1", "gpt-4.1-mini"),
    ("https://api.perplexity.ai", "sonar"),
]


@pytest.mark.parametrize(("address", "model"), UNKNOWN)
def test_a_price_that_is_not_known_or_not_of_tokens_alone_is_none(address: str, model: str) -> None:
    assert known_price(address, model, AT) is None


def test_a_broken_price_list_is_logged_and_no_reason_to_fail(caplog: pytest.LogCaptureFixture) -> None:
    set_custom_snapshot(DataSnapshot(providers=[None], from_auto_update=False))  # type: ignore[list-item]
    try:
        with caplog.at_level(logging.ERROR):
            assert known_price(OPENAI, "gpt-4.1-mini", AT) is None
    finally:
        set_custom_snapshot(None)
    assert [record.message for record in caplog.records] == ["the price list cannot be read"]


FILE = """\
providers: {{own: {{api: openai_chat, base_url: '{address}'}}}}
models: {{a/b: {{endpoints: [{{provider: own, model: gpt-4.1-mini{pricing}}}]}}}}
"""


def test_a_configuration_without_a_price_has_the_known_one(load_text: Callable[..., Config]) -> None:
    found = load_text(FILE.format(address=OPENAI, pricing="")).endpoints[0].endpoint.pricing
    assert found == Pricing(prompt=0.4, completion=1.6, cached=0.1)
    assert load_text(FILE.format(address="http://gpu1", pricing="")).endpoints[0].endpoint.pricing is None


def test_a_price_that_is_written_wins_whole(load_text: Callable[..., Config]) -> None:
    text = FILE.format(address=OPENAI, pricing=", pricing: {prompt: 1, completion: 2}")
    assert load_text(text).endpoints[0].endpoint.pricing == Pricing(prompt=1.0, completion=2.0)


def test_the_library_is_not_loaded_for_servers_of_ones_own() -> None:
    asked = """
import sys
from datetime import datetime
from monitor.config import known_price
assert known_price("http://127.0.0.1:8000/v1", "m", datetime.now()) is None
assert not any(name.startswith("genai_prices") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", asked], check=True, timeout=60)
