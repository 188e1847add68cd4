"""Row 1: the status of every endpoint now and over the range, whatever model is chosen."""

from grafana_foundation_sdk.builders import common, stat, table
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueTextMode,
    FieldTextAlignment,
    TableCellBackgroundDisplayMode,
    TableColoredBackgroundCellOptions,
    TableColorTextCellOptions,
)
from layout import Line, Row
from panels import RATIO, SECONDS, SOURCE, TOKENS_PER_SECOND, number, query, rows_now, status_timeline, value_now
from promql import MONITOR, output_speed, quantile, status_code
from settings import (
    DASHBOARD_UID,
    STATUS_COLOURS,
    fixed,
    in_order,
    ratio_thresholds,
    setting,
    status_mapping,
    thresholds,
    transformation,
)

_TASK = f'{MONITOR}, task=~"$task"'
_KEPT = "${datasource:queryparam}&${instance:queryparam}&${__url_time_range}"
_COLUMNS = {
    "endpoint": "Endpoint",
    "provider": "Provider",
    "model": "Model",
    "Value #status": "Status",
    "Value #score": "Score",
    "Value #uptime_1d": "Uptime 1 d",
    "Value #uptime_30d": "Uptime 30 d",
    "Value #ttft": "TTFT p50",
    "Value #speed": "Output speed",
}


def status_row() -> Row:
    """Build the row."""
    timeline = status_timeline(
        "Status",
        "Each endpoint's status over time. A gap means that the monitor published nothing. On long ranges "
        "there is one look per step: an outage between two looks is not seen here.",
    ).with_target(query(status_code()))
    return Row(
        title="Status of every endpoint",
        lines=[
            Line(height=4, widths=(4, 12, 4, 4), panels=[_down(), _by_status(), _reachable(), _version()]),
            Line(height=9, panels=[timeline]),
            Line(height=9, panels=[_scores()]),
        ],
    )


def _down() -> stat.Panel:
    return (
        number(
            "Endpoints down",
            "Endpoints whose status is down. Unknown, paused and in maintenance are not counted, "
            "and no data is not zero.",
        )
        .thresholds(thresholds("green", {1: "red"}))
        .with_target(value_now(f"sum(providerwatch_up{{{MONITOR}}} == bool 0)", legend="down"))
    )


def _by_status() -> stat.Panel:
    panel = number("Endpoints by status", "How many endpoints are in each status.")
    panel.text_mode(BigValueTextMode.VALUE_AND_NAME).color_mode(BigValueColorMode.VALUE)
    for status, colour in STATUS_COLOURS.items():
        panel.override_by_name(status, [fixed(colour)])
    expression = f"sum by (status) (providerwatch_status{{{MONITOR}}})"
    return panel.with_target(value_now(expression, legend="{{status}}"))


def _reachable() -> stat.Panel:
    answers = {
        "0": model.ValueMappingResult(text="unreachable", color="red"),
        "1": model.ValueMappingResult(text="scraped", color="green"),
    }
    return (
        number(
            "Monitor",
            "Whether Prometheus reached the monitor at its last scrape. "
            "When it did not, everything else on this page is old or missing.",
        )
        .mappings([model.ValueMap(options=answers)])
        .with_target(value_now(f"max(up{{{MONITOR}}})", legend="monitor"))
    )


def _version() -> stat.Panel:
    return (
        number("Version", "Version of the monitor.")
        .text_mode(BigValueTextMode.NAME)
        .color_mode(BigValueColorMode.NONE)
        .with_target(value_now(f"providerwatch_build_info{{{MONITOR}}}", legend="{{version}}"))
    )


def _scores() -> table.Panel:
    panel = (
        table.Panel()
        .title("Scores")
        .description(
            "Every endpoint, best score first. The score is the probability that the next request succeeds "
            "within its SLO. TTFT and output speed are of the chosen task over the chosen window. An empty cell "
            "was not measured. A click on a model compares its providers below."
        )
        .datasource(SOURCE)
        .align(FieldTextAlignment.AUTO)
        .with_transformation(transformation("joinByField", byField="endpoint", mode="outer"))
        .with_transformation(transformation("filterFieldsByName", include={"names": list(_COLUMNS)}))
        .with_transformation(in_order(list(_COLUMNS), _COLUMNS))
        .sort_by([common.TableSortByFieldState().display_name("Score").desc(True)])
    )
    for ref, expression in _score_queries().items():
        panel.with_target(rows_now(expression, ref))
    return _with_column_formats(panel)


def _score_queries() -> dict[str, str]:
    """Expression of every column by its reference; each has one row per endpoint."""
    return {
        "info": f"max by (endpoint, provider, model) (providerwatch_endpoint_info{{{MONITOR}}})",
        "status": status_code(),
        "score": f"max by (endpoint) (providerwatch_score{{{MONITOR}}})",
        "uptime_1d": f'max by (endpoint) (providerwatch_uptime_ratio{{{MONITOR}, window="1d"}})',
        "uptime_30d": f'max by (endpoint) (providerwatch_uptime_ratio{{{MONITOR}, window="30d"}})',
        "ttft": quantile(0.5, "providerwatch_ttft_seconds", _TASK),
        "speed": output_speed(_TASK),
    }


def _with_column_formats(panel: table.Panel) -> table.Panel:
    on_colour = TableColoredBackgroundCellOptions(mode=TableCellBackgroundDisplayMode.BASIC)
    choose = model.DashboardLink(
        title="Compare the providers of this model",
        url=f"/d/{DASHBOARD_UID}?var-model=${{__value.raw}}&{_KEPT}",
    )
    panel.override_by_name("Status", [setting("mappings", [status_mapping()]), _cell(on_colour)])
    panel.override_by_name("Model", [setting("links", [choose])])
    for column, decimals in (("Score", 3), ("Uptime 1 d", 2), ("Uptime 30 d", 2)):
        unit = "none" if column == "Score" else RATIO
        limits = setting("thresholds", ratio_thresholds().build())
        colour = setting("color", {"mode": "thresholds"})
        form = [setting("unit", unit), setting("decimals", decimals), limits, colour]
        panel.override_by_name(column, [*form, _cell(TableColorTextCellOptions())])
    panel.override_by_name("TTFT p50", [setting("unit", SECONDS)])
    return panel.override_by_name("Output speed", [setting("unit", TOKENS_PER_SECOND), setting("decimals", 1)])


def _cell(options: TableColoredBackgroundCellOptions | TableColorTextCellOptions) -> model.DynamicConfigValue:
    return setting("custom.cellOptions", options)
