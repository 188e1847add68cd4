"""Why an endpoint is not offered to a request at all. What it is and how it does is never a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.routing.openrouter.documents import provider_name, tag
from monitor.routing.preferences import UNKNOWN, RoutingPreferences
from monitor.scoreboard.endpoint import Facts


def why_excluded(facts: Facts, wish: RoutingPreferences) -> str | None:
    """All reasons in one sentence; None for an endpoint that is offered."""
    return "; ".join(_reasons(facts, wish)) or None


def named_by(names: Iterable[str], facts: Facts) -> str | None:
    """The first of some folded names that means an endpoint: its provider, its tag or the first part of it, its id."""
    own_tag = tag(facts).casefold()
    meant = {own_tag, facts.id.casefold(), facts.spec.endpoint.provider.casefold(), provider_name(facts).casefold()}
    return next((name for name in names if name in meant or own_tag.startswith(f"{name}/")), None)


def lacking(facts: Facts, wish: RoutingPreferences) -> tuple[str, ...] | None:
    """The wanted parameters that it is known not to support; None where nothing is known."""
    supported = facts.spec.listing.supported_parameters
    if supported is None and wish.parameters:
        return None
    return tuple(name for name in wish.parameters if name not in (supported or ()))


def _reasons(facts: Facts, wish: RoutingPreferences) -> Iterator[str]:
    if wish.only and named_by(wish.only, facts) is None:
        yield "it is not named in `only`"
    if named_by(wish.ignore, facts) is not None:
        yield "it is named in `ignore`"
    if not wish.allow_fallbacks and wish.order and named_by(wish.order, facts) is None:
        yield "it is not named in `order`, and `allow_fallbacks` is false"
    yield from _quantization(facts, wish)
    yield from _parameters(facts, wish)
    yield from _price(facts, wish)
    yield from _prompt(facts, wish)


def _quantization(facts: Facts, wish: RoutingPreferences) -> Iterator[str]:
    own = facts.spec.listing.quantization or UNKNOWN
    if wish.quantizations and own not in wish.quantizations:
        what = "is not known" if own == UNKNOWN else f"is {own}"
        yield f"its quantization {what}, and `quantizations` takes {', '.join(sorted(wish.quantizations))}"


def _parameters(facts: Facts, wish: RoutingPreferences) -> Iterator[str]:
    missing = lacking(facts, wish)
    if wish.require_parameters and missing:
        yield f"it does not support {', '.join(missing)}, and `require_parameters` is true"


def _price(facts: Facts, wish: RoutingPreferences) -> Iterator[str]:
    pricing = facts.spec.endpoint.pricing
    if wish.max_price and pricing is None:
        yield "its price is not known, so it cannot be held against `max_price`"
    if pricing is None:
        return
    for name, charged in (("prompt", pricing.prompt), ("completion", pricing.completion)):
        most = wish.max_price.get(name)
        if most is not None and charged > most:
            yield f"it charges ${charged:g} per million {name} tokens, and `max_price.{name}` is ${most:g}"


def _prompt(facts: Facts, wish: RoutingPreferences) -> Iterator[str]:
    tokens, context, longest = wish.prompt_tokens, facts.spec.context_length, facts.spec.listing.max_prompt_tokens
    if tokens is None:
        return
    if context is not None and tokens > context:
        yield f"a prompt of {tokens} tokens does not fit into its context of {context}"
    if longest is not None and tokens > longest:
        yield f"it takes prompts of {longest} tokens at the most, and this one has {tokens}"
