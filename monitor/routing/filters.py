"""Filters: why a request's preferences exclude an endpoint. Its status and score are never a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.routing.openrouter.documents import provider_name, tag
from monitor.routing.preferences import UNKNOWN, RoutingPreferences
from monitor.scoreboard.endpoint import Facts


def why_excluded(facts: Facts, preferences: RoutingPreferences) -> str | None:
    """All reasons in one text; None if the endpoint is not excluded."""
    return "; ".join(_reasons(facts, preferences)) or None


def named_by(names: Iterable[str], facts: Facts) -> str | None:
    """The first name that means the endpoint: its provider, its tag or the tag's first part, or its id; casefolded."""
    own_tag = tag(facts).casefold()
    meant = {own_tag, facts.id.casefold(), facts.spec.endpoint.provider.casefold(), provider_name(facts).casefold()}
    return next((name for name in names if name in meant or own_tag.startswith(f"{name}/")), None)


def lacking(facts: Facts, preferences: RoutingPreferences) -> tuple[str, ...] | None:
    """The requested parameters that the endpoint does not support; None if its parameters are not known."""
    supported = facts.spec.listing.supported_parameters
    if supported is None and preferences.parameters:
        return None
    return tuple(name for name in preferences.parameters if name not in (supported or ()))


def _reasons(facts: Facts, preferences: RoutingPreferences) -> Iterator[str]:
    if preferences.only and named_by(preferences.only, facts) is None:
        yield "it is not named in `only`"
    if named_by(preferences.ignore, facts) is not None:
        yield "it is named in `ignore`"
    if not preferences.allow_fallbacks and preferences.order and named_by(preferences.order, facts) is None:
        yield "it is not named in `order`, and `allow_fallbacks` is false"
    yield from _quantization(facts, preferences)
    yield from _parameters(facts, preferences)
    yield from _price(facts, preferences)
    yield from _prompt(facts, preferences)


def _quantization(facts: Facts, preferences: RoutingPreferences) -> Iterator[str]:
    own = facts.spec.listing.quantization or UNKNOWN
    if preferences.quantizations and own not in preferences.quantizations:
        what = "is not known" if own == UNKNOWN else f"is {own}"
        yield f"its quantization {what}, and `quantizations` allows {', '.join(sorted(preferences.quantizations))}"


def _parameters(facts: Facts, preferences: RoutingPreferences) -> Iterator[str]:
    missing = lacking(facts, preferences)
    if preferences.require_parameters and missing:
        yield f"it does not support {', '.join(missing)}, and `require_parameters` is true"


def _price(facts: Facts, preferences: RoutingPreferences) -> Iterator[str]:
    pricing = facts.spec.endpoint.pricing
    if preferences.max_price and pricing is None:
        yield "its price is not known, so it cannot be compared with `max_price`"
    if pricing is None:
        return
    for name, charged in (("prompt", pricing.prompt), ("completion", pricing.completion)):
        most = preferences.max_price.get(name)
        if most is not None and charged > most:
            yield f"it charges ${charged:g} per million {name} tokens, and `max_price.{name}` is ${most:g}"


def _prompt(facts: Facts, preferences: RoutingPreferences) -> Iterator[str]:
    tokens, context, longest = (
        preferences.prompt_tokens,
        facts.spec.context_length,
        facts.spec.listing.max_prompt_tokens,
    )
    if tokens is None:
        return
    if context is not None and tokens > context:
        yield f"a prompt of {tokens} tokens exceeds its context of {context} tokens"
    if longest is not None and tokens > longest:
        yield f"it accepts prompts of at most {longest} tokens, and this prompt has {tokens}"
