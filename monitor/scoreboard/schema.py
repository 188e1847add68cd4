"""The shapes of the scores document, from which its JSON Schema is made. Pure.

Times are RFC 3339 in UTC. What was not measured is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from monitor.domain.status import Status
from monitor.schema.json_schema import Words, document_schema
from monitor.score.windows import WINDOWS
from probes._model import Blame, ErrorClass

SCHEMA: Literal["providerwatch/scores/v1"] = "providerwatch/scores/v1"

Share = Annotated[float, Words(minimum=0, maximum=1)]
Count = Annotated[int, Words(minimum=0)]
Figure = Annotated[float, Words(minimum=0)]
Moment = Annotated[str, Words(format="date-time")]
_WINDOWS = tuple(window.name for window in WINDOWS)


class UptimeCounts(TypedDict):
    """What a window's samples came to."""

    ratio: Share | None
    """ok ÷ (ok + failed); null without a counted sample."""
    ci95: tuple[Share, Share] | None
    """The Wilson 95 % interval around it."""
    ok: Count
    failed: Count
    """For the provider's sake."""
    rate_limited: Count
    account: Count
    """Refused for the account's sake, beside those that were rate limited."""
    monitor: Count
    """Missing for the monitor's own sake."""
    network: Count
    """Lost with the monitor's own network."""
    expected: Count
    """How many probes the schedule wanted, outside of maintenance."""


class TrafficCounts(TypedDict):
    """What a window's reported real requests came to: they are in its uptime, too; the rest of that are probes."""

    ok: Count
    failed: Count
    """For the provider's sake."""
    rate_limited: Count
    account: Count
    """Refused for the account's sake, beside those that were rate limited."""


class Quantiles(TypedDict):
    """Quantiles of the value itself: p99 is never below p50. Null is infinite, or unknown."""

    p50: Figure | None
    p75: Figure | None
    p90: Figure | None
    p99: Figure | None


class Latency(TypedDict):
    """A time or a speed over the last half hour: quantiles of its successes."""

    window: Literal["30m"]
    count: Count
    p50: Figure | None
    p75: Figure | None
    p90: Figure | None
    p99: Figure | None
    failure_inflated: NotRequired[Quantiles]
    """Of times: each failure taken as infinitely slow."""


AccountTrouble = TypedDict(
    "AccountTrouble",
    {
        "class": Annotated[ErrorClass, "What the newest refusal was."],
        "since": Annotated[Moment, "The first of those without a success between them."],
    },
)

MaintenanceSpan = TypedDict("MaintenanceSpan", {"from": Moment, "to": Moment})

LastError = TypedDict(
    "LastError",
    {
        "class": ErrorClass,
        "blame": Annotated[Blame, "Whose fault it was."],
        "at": Moment,
        "status_code": Annotated[int | None, "Of the HTTP answer, where there was one."],
    },
)


class EndpointPricing(TypedDict):
    """USD per million tokens."""

    prompt_usd_per_mtok: Figure
    completion_usd_per_mtok: Figure


class EndpointScore(TypedDict):
    """One endpoint: one model at one provider."""

    id: str
    """The identity of its history."""
    provider: str
    model: str
    """The public name of the weights, `author/slug`."""
    api: str
    """The protocol that it speaks."""
    status: Status
    """Stale is `unknown`, which is not down: routers fail open."""
    since: Moment
    """When it became that."""
    score: Share | None
    """The estimated probability that the next request succeeds within its SLO; null before the first counted sample."""
    confidence: tuple[Share, Share] | None
    """An interval around the score."""
    evidence: Count
    """Counted samples of the last day."""
    account: AccountTrouble | None
    """While the newest samples were refused for the account's sake: who uses the same key should pass by."""
    maintenance: MaintenanceSpan | None
    """That which the endpoint is in, or the next within 24 hours."""
    measured_at: Moment | None
    """The newest counted sample."""
    stale_after: Moment | None
    """When that will say nothing any more about now."""
    source: Literal["synthetic", "traffic", "mixed"]
    """What score and uptime rest on in the newest half hour: probes, reported real requests, or both."""
    uptime: Annotated[dict[str, UptimeCounts], Words(keys=_WINDOWS)]
    """By window."""
    traffic: Annotated[dict[str, TrafficCounts], Words(keys=_WINDOWS)] | None
    """How much of that is real traffic, by window; null where none was reported."""
    ttft_s: Latency
    """Seconds to the first content."""
    ttat_s: Latency
    """Seconds to the first visible text."""
    e2e_s: Latency
    """Seconds to the end."""
    itl_s: Latency
    """Seconds between content events: of the probes' medians."""
    output_tps: Latency
    """Decode speed, tokens per second."""
    e2e_tps: Latency
    """Tokens ÷ seconds to the end."""
    tool_call_error_ratio: Share | None
    """Failed ÷ counted probes of that task in the last day."""
    structured_output_error_ratio: Share | None
    """The same of the other task."""
    last_error: LastError | None
    pricing: EndpointPricing | None
    context_length: Annotated[int, Words(minimum=1)] | None
    """In tokens."""
    labels: dict[str, str]
    router_ids: dict[str, str]
    """What routers call it, by router."""


class ScoresDocument(TypedDict):
    """All endpoints, or those that pass a filter."""

    schema: Literal["providerwatch/scores/v1"]
    generated_at: Moment
    vantage: str
    """The place that the probes ran from."""
    max_age_s: Figure
    """How old a document may be before its reader should not rely on it."""
    endpoints: list[EndpointScore]


def scores_schema(*, closed: bool = False) -> dict[str, object]:
    """The JSON Schema of the scores document. `closed` forbids keys that are not declared, for tests."""
    return document_schema(ScoresDocument, SCHEMA, closed=closed)
