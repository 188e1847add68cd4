"""Filters: why a request's preferences exclude an endpoint. Its status and score are never a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.routing.preferences import UNKNOWN, RoutingPreferences
from monitor.scoreboard.endpoint import EndpointSnapshot


def why_excluded(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> str | None:
    """All reasons in one text; None if the endpoint is not excluded."""
    return "; ".join(_reasons(endpoint, preferences)) or None


def named_by(names: Iterable[str], endpoint: EndpointSnapshot) -> str | None:
    """The first name that means the endpoint: its provider, its tag or the tag's first part, or its id; casefolded."""
    own_tag = endpoint.tag.casefold()
    meant = {own_tag, endpoint.id.casefold(), endpoint.provider.casefold(), endpoint.provider_name.casefold()}
    return next((name for name in names if name in meant or own_tag.startswith(f"{name}/")), None)


def lacking(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> tuple[str, ...] | None:
    """The requested parameters that the endpoint does not support; None if its parameters are not known."""
    supported = endpoint.spec.listing.supported_parameters
    if supported is None and preferences.parameters:
        return None
    return tuple(name for name in preferences.parameters if name not in (supported or ()))


def _reasons(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> Iterator[str]:
    if preferences.only and named_by(preferences.only, endpoint) is None:
        yield "it is not named in `only`"
    if named_by(preferences.ignore, endpoint) is not None:
        yield "it is named in `ignore`"
    if not preferences.allow_fallbacks and preferences.order and named_by(preferences.order, endpoint) is None:
        yield "it is not named in `order`, and `allow_fallbacks` is false"
    yield from _quantization(endpoint, preferences)
    yield from _parameters(endpoint, preferences)
    yield from _price(endpoint, preferences)
    yield from _prompt(endpoint, preferences)


def _quantization(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> Iterator[str]:
    own = endpoint.spec.listing.quantization or UNKNOWN
    if preferences.quantizations and own not in preferences.quantizations:
        what = "is not known" if own == UNKNOWN else f"is {own}"
        yield f"its quantization {what}, and `quantizations` allows {', '.join(sorted(preferences.quantizations))}"


def _parameters(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> Iterator[str]:
    missing = lacking(endpoint, preferences)
    if preferences.require_parameters and missing:
        yield f"it does not support {', '.join(missing)}, and `require_parameters` is true"


def _price(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> Iterator[str]:
    pricing = endpoint.pricing
    if preferences.max_price and pricing is None:
        yield "its price is not known, so it cannot be compared with `max_price`"
    if pricing is None:
        return
    for name, charged in (("prompt", pricing.prompt), ("completion", pricing.completion)):
        most = preferences.max_price.get(name)
        if most is not None and charged > most:
            yield f"it charges ${charged:g} per million {name} tokens, and `max_price.{name}` is ${most:g}"


def _prompt(endpoint: EndpointSnapshot, preferences: RoutingPreferences) -> Iterator[str]:
    tokens, context, longest = (
        preferences.prompt_tokens,
        endpoint.spec.context_length,
        endpoint.spec.listing.max_prompt_tokens,
    )
    if tokens is None:
        return
    if context is not None and tokens > context:
        yield f"a prompt of {tokens} tokens exceeds its context of {context} tokens"
    if longest is not None and tokens > longest:
        yield f"it accepts prompts of at most {longest} tokens, and this prompt has {tokens}"
