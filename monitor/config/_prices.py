"""Prices of models that the file does not contain, from the library genai_prices, which includes its data.

No network request is made. The library is loaded at the first look-up.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor.config._addresses import is_loopback
from probes._model import Pricing

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelPrice, TieredPrices

log = logging.getLogger(__name__)


def known_price(base_url: str, model: str, at: datetime) -> Pricing | None:
    """The price of a model at an address; None if it is unknown, or if it does not depend on tokens alone."""
    if is_loopback(urlsplit(base_url).hostname or ""):
        return None
    try:
        return _listed(base_url, model, at)
    except LookupError:
        return None
    except Exception:
        log.exception("the price list cannot be read", extra={"action": "price_failed"})
        return None


def _listed(base_url: str, model: str, at: datetime) -> Pricing | None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415  # takes long

    _, found = get_snapshot().find_provider_model(model, None, None, base_url)
    return _pricing(found.get_prices(at))


def _pricing(price: ModelPrice) -> Pricing | None:
    prompt, completion = _per_million(price.input_mtok), _per_million(price.output_mtok)
    if prompt is None or price.requests_kcount is not None:
        return None
    return Pricing(prompt=prompt, completion=completion or 0.0, cached=_per_million(price.cache_read_mtok))


def _per_million(price: Decimal | TieredPrices | None) -> float | None:
    """USD per million tokens. If the price depends on the length of the prompt, the price for short prompts."""
    from genai_prices.types import TieredPrices  # noqa: PLC0415  # loaded by now

    return None if price is None else float(price.base if isinstance(price, TieredPrices) else price)
