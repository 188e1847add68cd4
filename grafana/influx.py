"""The boards' questions in InfluxQL."""

from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from annotations import Marks
from colours import PHASE_COLOURS
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef
from influxql import (
    COUNTED,
    FAILED,
    OF_MONITOR,
    OF_PROVIDER,
    RANGE,
    SUCCEEDED,
    TASK,
    over_vantages,
    phases,
    select,
    since,
)
from language import Board, By, Target, Time, Variable
from settings import RED, in_order
from variables import influx_variables

SOURCE: Final = DataSourceRef(type_val="influxdb", uid="${datasource}")
_WINDOW: Final = "$window"
_TOKENS: Final = {"prompt": "prompt", "output": "completion", "reasoning": "reasoning", "cached": "cached"}


class InfluxQuery(Dataquery):
    """A raw InfluxQL query. The SDK has no schema of this data source."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def to_json(self) -> dict[str, object]:
        """The query as Grafana stores it."""
        return self._data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The query as Grafana stores it."""
        return cls(data)


class InfluxTarget(Builder[Dataquery]):
    """The builder of a query."""

    def __init__(self, query: str, ref: str, rows: str, alias: str) -> None:
        named = {"alias": alias} if alias else {}
        self._data = {
            "datasource": {"type": SOURCE.type_val, "uid": SOURCE.uid},
            "query": query,
            "rawQuery": True,
            "refId": ref,
            "resultFormat": rows,
            **named,
        }

    def build(self) -> Dataquery:
        """The query."""
        return InfluxQuery(self._data)


def series(query: str, alias: str, ref: str = "A") -> InfluxTarget:
    """Ask for series."""
    return InfluxTarget(query, ref, "time_series", alias)


def table(query: str, ref: str = "A") -> InfluxTarget:
    """Ask for rows, tags as columns."""
    return InfluxTarget(query, ref, "table", "")


class Influx:
    """See `Language`."""

    name: Literal["prometheus", "influxdb"] = "influxdb"
    source = SOURCE
    count_field = "probes"
    percentile_of_e2e_needs = ""
    phases_need = ""
    stalls_need = ""
    counts_buckets = False

    def variables(self, board: Board) -> Sequence[Variable]:
        """See `Language`."""
        return influx_variables(SOURCE, board)

    def annotations(self) -> Sequence[model.AnnotationQuery]:
        """The provider's failures: the sink writes no incidents."""
        fields = '"ok", "error", "endpoint", "provider", "model", "vantage"'
        query = select(fields, OF_PROVIDER, FAILED, RANGE) + " LIMIT 500"
        return [Marks("Failed probes", RED, SOURCE).of_points(query, "error", "endpoint,provider,model,vantage")]

    def latency(self, time: Time, percentile: str, by: By, ref: str = "A") -> Target:
        """See `Language`."""
        return self._lines(f'percentile("{time}_s", {percentile})', by, SUCCEEDED, TASK, ref=ref)

    def percentiles(self, time: Time, of: Sequence[str]) -> Sequence[Target]:
        """See `Language`."""
        return [
            series(
                select(f'percentile("{time}_s", {percentile})', SUCCEEDED, TASK, RANGE, every=_WINDOW),
                f"p{percentile}",
                f"p{percentile}",
            )
            for percentile in of
        ]

    def speed(self, by: By) -> Target:
        """See `Language`."""
        return self._lines('mean("output_tps")', by, SUCCEEDED, TASK)

    def longest_gap(self, by: By) -> Target:
        """See `Language`."""
        return self._lines('max("itl_max_s")', by, SUCCEEDED, TASK)

    def stalled(self, by: By) -> Target:
        """See `Language`. InfluxQL has no condition in an aggregate, hence the formula: 1 from a second on, 0 below."""
        still = 'floor(2 * "itl_max_s" / ("itl_max_s" + 1)) AS "still"'
        inner = select(still, SUCCEEDED, TASK, RANGE, by=f'"{by}"')
        query = f'SELECT mean("still") FROM ({inner}) WHERE {RANGE} GROUP BY time({_WINDOW}), "{by}" fill(null)'
        return series(query, f"$tag_{by}")

    def failures(self, by: By, task: str | None = None) -> Target:
        """See `Language`."""
        return self._lines('1 - mean("ok")', by, COUNTED, TASK if task is None else f"\"task\" = '{task}'")

    def errors(self, by: Literal["error", "blame"]) -> Target:
        """See `Language`."""
        query = select('count("ok")', FAILED, TASK, RANGE, by=f'"{by}"', every=_WINDOW, fill="none")
        return series(query, f"$tag_{by}")

    def errors_now(self, by: By) -> Target:
        """See `Language`."""
        return table(select(f'count("ok") AS "{self.count_field}"', FAILED, TASK, RANGE, by=f'"{by}", "error"'))

    def uptime(self, window: str, by: By, ref: str = "A") -> Target:
        """See `Language`."""
        query = select('mean("ok")', COUNTED, since(window), by=f'"{by}"')
        return series(query, f"$tag_{by} {window}", ref)

    def uptime_history(self, every: Literal["1h", "1d"], by: By) -> Target:
        """See `Language`."""
        return series(select('mean("ok")', COUNTED, RANGE, by=f'"{by}"', every=every), f"$tag_{by}")

    def budget_left(self, by: By) -> Target:
        """See `Language`."""
        missing = '1 - (1 - mean("ok")) / (1 - $objective / 100)'
        return series(select(missing, COUNTED, since("30d"), by=f'"{by}"'), f"$tag_{by}")

    def phases(self) -> Sequence[Target]:
        """See `Language`."""
        return [series(select(phases(), SUCCEEDED, TASK, RANGE, every=_WINDOW), "$col")]

    def phases_now(self, by: By) -> Target:
        """See `Language`."""
        return table(select(phases(), SUCCEEDED, TASK, RANGE, by=f'"{by}"'))

    def phase_columns(self, by: By) -> Sequence[model.DataTransformerConfig]:
        """See `Language`."""
        return [in_order([by, *PHASE_COLOURS])]

    def first_tokens(self) -> Target:
        """See `Language`."""
        return series(select('"ttft_s"', SUCCEEDED, TASK, RANGE), "TTFT")

    def vantages(self, percentile: str) -> Target:
        """See `Language`."""
        what = f'percentile("ttft_s", {percentile})'
        query = over_vantages(what, SUCCEEDED, TASK, RANGE, by='"vantage"', every=_WINDOW)
        return series(query, "$tag_vantage")

    def cost(self) -> Target:
        """See `Language`."""
        return series(select('sum("cost_usd")', RANGE, by='"provider"', every="1h"), "$tag_provider")

    def tokens(self) -> Target:
        """See `Language`."""
        sums = ", ".join(f'sum("{field}_tokens") AS "{name}"' for field, name in _TOKENS.items())
        return series(select(sums, RANGE, every="1h"), "$col")

    def schedule_lag(self, percentile: str, ref: str) -> Target:
        """See `Language`."""
        return self._lag("lag_s", percentile, ref)

    def receive_lag(self, percentile: str, ref: str) -> Target:
        """See `Language`."""
        return self._lag("rx_lag_s", percentile, ref)

    def not_run(self) -> Target:
        """See `Language`."""
        query = select('count("ok")', OF_MONITOR, RANGE, by='"error"', every=_WINDOW, fill="none")
        return series(query, "$tag_error")

    def _lines(self, what: str, by: str, *conditions: str, ref: str = "A") -> Target:
        return series(select(what, *conditions, RANGE, by=f'"{by}"', every=_WINDOW), f"$tag_{by}", ref)

    def _lag(self, field: str, percentile: str, ref: str) -> Target:
        query = select(f'percentile("{field}", {percentile})', RANGE, every=_WINDOW)
        return series(query, f"p{percentile}", ref)
