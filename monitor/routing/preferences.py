"""The preferences of a request to `POST /v1/route` in OpenRouter's form, and the needs of the prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, NotRequired, TypeAlias, cast

from annotated_types import Ge, Interval, MaxLen
from typing_extensions import TypedDict

from monitor.config.listing import QUANTIZATIONS
from monitor.schema.body import validated
from monitor.schema.types import WHOLE, StringConstraints

Name: TypeAlias = Annotated[str, MaxLen(200)]
Names: TypeAlias = Annotated[list[Name], MaxLen(200)]
Amount: TypeAlias = Annotated[float, Ge(0)]
AmountText: TypeAlias = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9]+(\.[0-9]+)?$")]
Sort: TypeAlias = Literal["price", "throughput", "latency"]
Quantization: TypeAlias = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
UNKNOWN: Final = QUANTIZATIONS[-1]
"""The quantization of endpoints for which none is configured."""


class Cutoffs(TypedDict, total=False):
    """A bound for each percentile: all that are given have to be met."""

    p50: Amount | None
    p75: Amount | None
    p90: Amount | None
    p99: Amount | None


class MaxPrice(TypedDict, total=False):
    """The most that a request may cost, USD per million tokens: numbers, or such as text."""

    prompt: Amount | AmountText | None
    completion: Amount | AmountText | None


class SortBy(TypedDict, total=False):
    """The longer form of `sort`."""

    by: Sort | None
    partition: Literal["model", "none"] | None
    """Ignored: a request names one model."""


class Preferences(TypedDict, total=False):
    """OpenRouter's `provider` object. A null counts as absent."""

    order: Names | None
    """Endpoints to try first, in this order: names of providers, tags or ids."""
    only: Names | None
    """Allow only these."""
    ignore: Names | None
    """Exclude these."""
    allow_fallbacks: bool | None
    """false: only the endpoints of `order`; without `order`, only the first."""
    require_parameters: bool | None
    """true: exclude endpoints that do not support one of `parameters`."""
    quantizations: Annotated[list[Quantization], MaxLen(20)] | None
    """Allow only these. `unknown` means not configured."""
    sort: Sort | SortBy | None
    """Sort by this alone, instead of the weights of score and price."""
    preferred_min_throughput: Amount | Cutoffs | None
    """Tokens per second; a number means p50. Slower endpoints come later."""
    preferred_max_latency: Amount | Cutoffs | None
    """Seconds to the first token; a number means p50. Slower endpoints come later."""
    max_price: MaxPrice | None
    """Exclude endpoints that cost more, or whose price is not known."""


class RouteRequest(TypedDict):
    """A model, and preferences for its endpoints."""

    model: Name
    """`author/slug`."""
    provider: NotRequired[Preferences | None]
    prompt_tokens: NotRequired[Annotated[int, Interval(ge=0, le=1_000_000_000), WHOLE] | None]
    """Length of the prompt; endpoints with a shorter limit are excluded."""
    parameters: NotRequired[Names | None]
    """Parameters of the request, such as `tools`."""
    seed: NotRequired[Annotated[int, Interval(ge=-(2**63), le=2**63 - 1), WHOLE] | None]
    """The same seed gives the same order while the scores are unchanged."""


def request_of(plain: object) -> RouteRequest:
    """A request from JSON. Raises WrongBodyError with the name of the field that is wrong."""
    return cast("RouteRequest", validated(RouteRequest, plain))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPreferences:
    """A request with defaults filled in. Names are casefolded."""

    prompt_tokens: int | None = None
    parameters: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()
    """Empty: all."""
    ignore: frozenset[str] = frozenset()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    quantizations: frozenset[str] = frozenset()
    """Empty: all."""
    sort: Sort | None = None
    least_tps: Mapping[str, float] = field(default_factory=dict)
    """By percentile."""
    most_ttft_s: Mapping[str, float] = field(default_factory=dict)
    """By percentile."""
    max_price: Mapping[str, float] = field(default_factory=dict)
    """By `prompt` and `completion`, USD per million tokens."""


def preferences_of(request: RouteRequest) -> RoutingPreferences:
    """The preferences of a request; an empty list counts as absent, like null."""
    given = request.get("provider") or {}
    fallbacks = given.get("allow_fallbacks")
    return RoutingPreferences(
        prompt_tokens=request.get("prompt_tokens"),
        parameters=tuple(dict.fromkeys(request.get("parameters") or ())),
        order=tuple(name.casefold() for name in given.get("order") or ()),
        only=frozenset(name.casefold() for name in given.get("only") or ()),
        ignore=frozenset(name.casefold() for name in given.get("ignore") or ()),
        allow_fallbacks=fallbacks is not False,
        require_parameters=given.get("require_parameters") is True,
        quantizations=frozenset(given.get("quantizations") or ()),
        sort=_sort(given.get("sort")),
        least_tps=_cutoffs(given.get("preferred_min_throughput")),
        most_ttft_s=_cutoffs(given.get("preferred_max_latency")),
        max_price=_amounts(given.get("max_price") or {}),
    )


def _sort(wanted: Sort | SortBy | None) -> Sort | None:
    return wanted.get("by") if isinstance(wanted, Mapping) else wanted


def _cutoffs(wanted: float | Cutoffs | None) -> dict[str, float]:
    if wanted is None:
        return {}
    return _amounts(wanted) if isinstance(wanted, Mapping) else {"p50": wanted}


def _amounts(amounts: Mapping[str, object]) -> dict[str, float]:
    given = cast("Mapping[str, float | str | None]", amounts)
    return {name: float(amount) for name, amount in given.items() if amount is not None}
