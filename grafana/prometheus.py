"""The boards' questions in PromQL."""

from collections.abc import Sequence
from typing import Final, Literal

import promql
from annotations import Marks
from colours import GREY, PHASE_COLOURS
from grafana_foundation_sdk.builders import prometheus as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from language import Board, By, Target, Time, Variable
from settings import AMBER, BLUE, NEEDS_FULL, RED, in_order, transformation
from variables import prometheus_variables

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_METRICS: Final = {"ttft": "providerwatch_ttft_seconds", "e2e": "providerwatch_e2e_seconds"}
_SPEED: Final = "providerwatch_output_tokens_per_second"


def over_time(expression: str, legend: str, ref: str = "A") -> build.Dataquery:
    """Ask over the dashboard's time range."""
    return _target(expression, ref).range().legend_format(legend)


def value_now(expression: str, legend: str, ref: str = "A") -> build.Dataquery:
    """Ask for the value at the end of the range, one series each."""
    return _target(expression, ref).instant().legend_format(legend)


def rows_now(expression: str, ref: str = "A") -> build.Dataquery:
    """Ask for the value at the end of the range, labels as columns."""
    return _target(expression, ref).instant().format(PromQueryFormat.TABLE)


class Prometheus:
    """See `Language`."""

    name: Literal["prometheus", "influxdb"] = "prometheus"
    source = SOURCE
    count_field = "Value"
    percentile_of_e2e_needs = NEEDS_FULL
    phases_need = NEEDS_FULL
    stalls_need = NEEDS_FULL
    counts_buckets = True

    def variables(self, board: Board) -> Sequence[Variable]:
        """See `Language`."""
        return prometheus_variables(SOURCE, board)

    def annotations(self) -> Sequence[model.AnnotationQuery]:
        """Down, degraded, maintenance and the monitor's restarts; each is a region as long as it lasted."""
        of = promql.ENDPOINT
        down = promql.joined(f"providerwatch_up{{{of}}} == bool 0")
        degraded = promql.joined(f'providerwatch_status{{{of}, status="degraded"}} == bool 1')
        maintenance = promql.joined(f'providerwatch_status{{{of}, status="maintenance"}} == bool 1')
        restart = f"(time() - process_start_time_seconds{{{promql.MONITOR}}}) < bool 120"
        return [
            Marks("Down", RED, SOURCE).of_expression(down, "{{endpoint}} is down"),
            Marks("Degraded", AMBER, SOURCE).of_expression(degraded, "{{endpoint}} is degraded"),
            Marks("Maintenance", BLUE, SOURCE).of_expression(maintenance, "{{endpoint}} is in maintenance"),
            Marks("Monitor started", GREY, SOURCE).of_expression(restart, "the monitor {{instance}} started"),
        ]

    def latency(self, time: Time, percentile: str, by: By, ref: str = "A") -> Target:
        """See `Language`."""
        return over_time(promql.quantile(percentile, _METRICS[time], by), f"{{{{{by}}}}}", ref)

    def percentiles(self, time: Time, of: Sequence[str]) -> Sequence[Target]:
        """See `Language`."""
        return [
            over_time(promql.quantile(percentile, _METRICS[time], "instance"), f"p{percentile}", f"p{percentile}")
            for percentile in of
        ]

    def speed(self, by: By) -> Target:
        """See `Language`."""
        return over_time(promql.newest(_SPEED, "avg_over_time", by, "avg"), f"{{{{{by}}}}}")

    def longest_gap(self, by: By) -> Target:
        """See `Language`. Of several probes between two scrapes only the newest is seen."""
        return over_time(promql.newest("providerwatch_stall_seconds", "max_over_time", by, "max"), f"{{{{{by}}}}}")

    def stalled(self, by: By) -> Target:
        """See `Language`."""
        return over_time(promql.stalled_ratio(by), f"{{{{{by}}}}}")

    def failures(self, by: By, task: str | None = None) -> Target:
        """See `Language`."""
        selector = promql.TASK if task is None else f'{promql.ENDPOINT}, task="{task}"'
        return over_time(promql.failure_ratio(by, selector), f"{{{{{by}}}}}")

    def errors(self, by: Literal["error", "blame"]) -> Target:
        """See `Language`."""
        return over_time(promql.errors(by), f"{{{{{by}}}}}")

    def errors_now(self, by: By) -> Target:
        """See `Language`."""
        return rows_now(promql.errors_now(by))

    def uptime(self, window: str, by: By, ref: str = "A") -> Target:
        """See `Language`."""
        return value_now(promql.uptime(window, by), f"{{{{{by}}}}} {window}", ref)

    def uptime_history(self, every: Literal["1h", "1d"], by: By) -> Target:
        """See `Language`."""
        expression = promql.uptime_of(by, every) if every == "1h" else promql.uptime(every, by)
        return over_time(expression, f"{{{{{by}}}}}")

    def budget_left(self, by: By) -> Target:
        """See `Language`."""
        return value_now(promql.budget_left(by), f"{{{{{by}}}}}")

    def phases(self) -> Sequence[Target]:
        """See `Language`."""
        return [
            over_time(promql.phase(name, "instance", "$window"), name, name.replace(" ", "_")) for name in PHASE_COLOURS
        ]

    def phases_now(self, by: By) -> Target:
        """See `Language`."""
        return rows_now(promql.phases_now([*PHASE_COLOURS], by))

    def phase_columns(self, by: By) -> Sequence[model.DataTransformerConfig]:
        """See `Language`."""
        matrix = transformation(
            "groupingToMatrix", rowField=by, columnField="phase", valueField="Value", emptyValue="null"
        )
        return [matrix, in_order([f"{by}\\phase", *PHASE_COLOURS])]

    def first_tokens(self) -> Target:
        """See `Language`."""
        return over_time(promql.buckets(_METRICS["ttft"]), "{{le}}").format(PromQueryFormat.HEATMAP)

    def vantages(self, percentile: str) -> Target:
        """See `Language`."""
        return over_time(promql.quantile_over_vantages(percentile, _METRICS["ttft"]), "{{vantage}}")

    def cost(self) -> Target:
        """See `Language`."""
        return over_time(promql.per_hour("providerwatch_cost_usd_total", "provider"), "{{provider}}")

    def tokens(self) -> Target:
        """See `Language`."""
        return over_time(promql.per_hour("providerwatch_tokens_total", "direction"), "{{direction}}")

    def schedule_lag(self, percentile: str, ref: str) -> Target:
        """See `Language`."""
        return self._lag("providerwatch_schedule_lag_seconds", percentile, ref)

    def receive_lag(self, percentile: str, ref: str) -> Target:
        """See `Language`."""
        return self._lag("providerwatch_rx_lag_seconds", percentile, ref)

    def not_run(self) -> Target:
        """See `Language`."""
        expression = f"round({promql.own_rate('providerwatch_skipped_total', 'reason')})"
        return over_time(expression, "{{reason}}")

    def _lag(self, metric: str, percentile: str, ref: str) -> Target:
        return over_time(promql.own_quantile(percentile, metric, "$window"), f"p{percentile}", ref)


def _target(expression: str, ref: str) -> build.Dataquery:
    return build.Dataquery().datasource(SOURCE).expr(expression).ref_id(ref)
