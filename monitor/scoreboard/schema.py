"""The shapes of the scores document, from which its JSON Schema is made. Pure.

Times are RFC 3339 in UTC. What was not measured is null, never 0.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from annotated_types import Ge, Interval
from typing_extensions import TypedDict

from monitor.domain.status import Status
from monitor.schema.json_schema import document_schema
from monitor.schema.types import Field, Moment, keys
from monitor.score.windows import WINDOWS
from monitor.scoreboard.endpoint import Source
from probes._model import Blame, ErrorClass

SCHEMA: Literal["providerwatch/scores/v1"] = "providerwatch/scores/v1"

Share = Annotated[float, Interval(ge=0, le=1)]
Count = Annotated[int, Ge(0)]
Figure = Annotated[float, Ge(0)]
_WINDOWS = tuple(window.name for window in WINDOWS)


class UptimeCounts(TypedDict):
    """Sample counts of a window."""

    ratio: Share | None
    """ok ÷ (ok + failed); null without a counted sample."""
    ci95: tuple[Share, Share] | None
    """The Wilson 95 % interval around it."""
    ok: Count
    failed: Count
    """Failures of the provider."""
    rate_limited: Count
    account: Count
    """Refused because of the account, without rate limits."""
    monitor: Count
    """Not measured because of the monitor itself."""
    network: Count
    """Lost through the monitor's local network."""
    expected: Count
    """Scheduled probes outside of maintenance."""


class TrafficCounts(TypedDict):
    """Reported real requests of a window. They are included in its uptime."""

    ok: Count
    failed: Count
    """Failures of the provider."""
    rate_limited: Count
    account: Count
    """Refused because of the account, without rate limits."""


class Quantiles(TypedDict):
    """Quantiles of the value: p99 is never below p50. Null: infinite, or unknown."""

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
    """For times: quantiles with failures as infinitely slow."""


AccountTrouble = TypedDict(
    "AccountTrouble",
    {
        "class": Annotated[ErrorClass, Field(description="The class of the newest refusal.")],
        "since": Annotated[Moment, Field(description="The first refusal in a row.")],
    },
)

MaintenanceSpan = TypedDict("MaintenanceSpan", {"from": Moment, "to": Moment})

LastError = TypedDict(
    "LastError",
    {
        "class": ErrorClass,
        "blame": Annotated[Blame, Field(description="Who is at fault.")],
        "at": Moment,
        "status_code": Annotated[int | None, Field(description="HTTP status, if there was an answer.")],
    },
)


class EndpointPricing(TypedDict):
    """USD per million tokens."""

    prompt_usd_per_mtok: Figure
    completion_usd_per_mtok: Figure


class EndpointScore(TypedDict):
    """One endpoint: one model at one provider."""

    id: str
    """The endpoint's id; its history belongs to it."""
    provider: str
    model: str
    """The public model name, `author/slug`."""
    api: str
    """The API protocol."""
    status: Status
    """Without recent samples `unknown`, which is not down: routers fail open."""
    since: Moment
    """Since when the status holds."""
    score: Share | None
    """The estimated probability that the next request succeeds within its SLO; null before the first counted sample."""
    confidence: tuple[Share, Share] | None
    """The 95 % interval of the score."""
    evidence: Count
    """Number of counted samples of the last day."""
    account: AccountTrouble | None
    """Set while the newest samples are refused because of the account: skip the endpoint with the same key."""
    maintenance: MaintenanceSpan | None
    """The current maintenance window, or the next within 24 hours."""
    measured_at: Moment | None
    """Start of the newest counted sample."""
    stale_after: Moment | None
    """When the newest sample becomes stale."""
    source: Source
    """The source of score and uptime in the last half hour: probes, reported real requests, or both."""
    uptime: Annotated[dict[str, UptimeCounts], keys(_WINDOWS)]
    """By window."""
    traffic: Annotated[dict[str, TrafficCounts], keys(_WINDOWS)] | None
    """The part of uptime that is real traffic, by window; null: none was reported."""
    ttft_s: Latency
    """Seconds to the first content."""
    ttat_s: Latency
    """Seconds to the first visible text."""
    e2e_s: Latency
    """Seconds to the end."""
    itl_s: Latency
    """Seconds between content events: quantiles of the probes' medians."""
    output_tps: Latency
    """Decode speed, tokens per second."""
    e2e_tps: Latency
    """Tokens ÷ seconds to the end."""
    tool_call_error_ratio: Share | None
    """Failed ÷ counted probes of that task in the last day."""
    structured_output_error_ratio: Share | None
    """Failed ÷ counted probes of that task in the last day."""
    last_error: LastError | None
    pricing: EndpointPricing | None
    context_length: Annotated[int, Ge(1)] | None
    """In tokens."""
    labels: dict[str, str]
    router_ids: dict[str, str]
    """Router ids of the endpoint, by router."""


class ScoresDocument(TypedDict):
    """All endpoints, or those selected by a filter."""

    schema: Literal["providerwatch/scores/v1"]
    generated_at: Moment
    vantage: str
    """The vantage that the probes ran from."""
    max_age_s: Figure
    """The age after which a document should not be used."""
    endpoints: list[EndpointScore]


def scores_schema(*, closed: bool = False) -> dict[str, object]:
    """The JSON Schema of the scores document. `closed` forbids keys that are not declared, for tests."""
    return document_schema(ScoresDocument, SCHEMA, closed=closed)
