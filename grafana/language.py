"""What panels ask, whatever the query language. A panel is written once; `Prometheus` and `Influx` answer it."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef

Target: TypeAlias = Builder[Dataquery]
Variable: TypeAlias = Builder[model.VariableModel]
Board: TypeAlias = Literal["overview", "model", "endpoint", "monitor"]
By: TypeAlias = Literal["provider", "endpoint", "vantage"]
"""One series for each of these. Endpoints that belong to one provider are taken together."""
Time: TypeAlias = Literal["ttft", "e2e"]
CHOSEN_PERCENTILE = "$percentile"


class Language(Protocol):
    """One kind of data source. All figures are of what the variables choose, over the span `$window` at each point."""

    name: Literal["prometheus", "influxdb"]
    source: DataSourceRef
    count_field: str
    """The column of `errors_now` that holds the numbers."""
    percentile_of_e2e_needs: str
    """A sentence for the description of a panel of end-to-end percentiles; empty if it needs nothing."""
    phases_need: str
    """The same for phases."""
    stalls_need: str
    """The same for the share of stalled streams."""

    def variables(self, board: Board) -> Sequence[Variable]:
        """The menus of a board, each depending only on those before it."""

    def annotations(self) -> Sequence[model.AnnotationQuery]:
        """Marks of what happened to the chosen endpoints."""

    def latency(self, time: Time, percentile: str, by: By, ref: str = "A") -> Target:
        """Percentile (0 to 100, or a variable) of a time of successful probes."""

    def percentiles(self, time: Time, of: Sequence[str]) -> Sequence[Target]:
        """Several percentiles, one line each."""

    def speed(self, by: By) -> Target:
        """Mean decode speed of successful probes."""

    def longest_gap(self, by: By) -> Target:
        """Longest gap between content events of successful probes."""

    def stalled(self, by: By) -> Target:
        """Share of successful probes whose stream stood still for a second or longer."""

    def failures(self, by: By, task: str | None = None) -> Target:
        """Share of counted probes that failed by the provider's fault; of the chosen task, or of this one."""

    def errors(self, by: Literal["error", "blame"]) -> Target:
        """Number of failed probes in each span `$window`."""

    def errors_now(self, by: By) -> Target:
        """Rows over the dashboard's range: the endpoint or provider, `error`, and the number of probes."""

    def uptime(self, window: str, by: By, ref: str = "A") -> Target:
        """Uptime of a window that ends now."""

    def uptime_history(self, every: Literal["1h", "1d"], by: By) -> Target:
        """Uptime of each hour or day."""

    def budget_left(self, by: By) -> Target:
        """Share of the error budget of 30 days that is left, for the chosen objective; negative when overspent."""

    def phases(self) -> Sequence[Target]:
        """Mean seconds of each phase of a successful probe, one series each, which add up."""

    def phases_now(self, by: By) -> Target:
        """Rows over the dashboard's range, for `phase_columns`."""

    def phase_columns(self, by: By) -> Sequence[model.DataTransformerConfig]:
        """Make of `phases_now` one row for each endpoint or provider and one column for each phase."""

    def first_tokens(self) -> Target:
        """Times to first token, for a heat map."""

    @property
    def counts_buckets(self) -> bool:
        """Whether `first_tokens` are buckets already; otherwise Grafana has to make them."""

    def vantages(self, percentile: str) -> Target:
        """Time to first token as each vantage measures it, whatever vantage is chosen."""

    def cost(self) -> Target:
        """Dollars of each hour by provider."""

    def tokens(self) -> Target:
        """Tokens of each hour by direction."""

    def schedule_lag(self, percentile: str, ref: str) -> Target:
        """How late requests left."""

    def receive_lag(self, percentile: str, ref: str) -> Target:
        """Worst delay of a probe between the kernel's stamp and the worker's read."""

    def not_run(self) -> Target:
        """Number of scheduled probes that were not run, by reason."""
