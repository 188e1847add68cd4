"""How every panel looks: data source, legend and null handling are decided here once."""

from grafana_foundation_sdk.builders import barchart, bargauge, common, stat, statetimeline, statushistory
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus as prometheus_builder
from grafana_foundation_sdk.builders import timeseries as timeseries_builder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from settings import legend, ratio_thresholds, status_mapping, transformation

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
SECONDS, RATIO, TOKENS_PER_SECOND, COUNT = "s", "percentunit", "suffix: tok/s", "short"


def query(expression: str, legend: str = "{{endpoint}}", ref: str = "A") -> prometheus_builder.Dataquery:
    """Ask over the dashboard's time range."""
    return _target(expression, ref).range().legend_format(legend)


def value_now(expression: str, legend: str = "{{endpoint}}", ref: str = "A") -> prometheus_builder.Dataquery:
    """Ask for the value at the end of the range, one series each."""
    return _target(expression, ref).instant().legend_format(legend)


def rows_now(expression: str, ref: str = "A") -> prometheus_builder.Dataquery:
    """Ask for the value at the end of the range, labels as columns."""
    return _target(expression, ref).instant().format(PromQueryFormat.TABLE)


def timeseries(title: str, description: str, unit: str) -> timeseries_builder.Panel:
    """Build lines that break where nothing was measured, each endpoint in one colour on every panel."""
    return (
        timeseries_builder.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .axis_soft_min(0)
        .line_width(1.5)
        .fill_opacity(0)
        .span_nulls(False)
        .show_points(VisibilityMode.AUTO)
        .color_scheme(_coloured(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(legend("lastNotNull", "max"))
        .tooltip(_tooltip())
    )


def stacked_bars(title: str, description: str, unit: str) -> timeseries_builder.Panel:
    """Build stacked bars over time."""
    return (
        timeseries(title, description, unit)
        .draw_style(GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    )


def columns_by_endpoint(title: str, description: str, unit: str, stacked_label: str) -> barchart.Panel:
    """Build one bar per endpoint, stacked by a label of the table that the query returns."""
    return (
        barchart.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .orientation(VizOrientation.HORIZONTAL)
        .stacking(StackingMode.NORMAL)
        .show_value(VisibilityMode.NEVER)
        .x_tick_label_max_length(24)
        .fill_opacity(80)
        .line_width(0)
        .axis_soft_min(0)
        .legend(legend())
        .tooltip(_tooltip())
        .with_transformation(
            transformation(
                "groupingToMatrix",
                rowField="endpoint",
                columnField=stacked_label,
                valueField="Value",
                emptyValue="null",
            )
        )
    )


def number(title: str, description: str) -> stat.Panel:
    """Build big numbers on a coloured ground."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(COUNT)
        .decimals(0)
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.BACKGROUND)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
    )


def bars(title: str, description: str, unit: str) -> bargauge.Panel:
    """Build horizontal bars of values now."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .show_unfilled(True)
    )


def status_timeline(title: str, description: str) -> statetimeline.Panel:
    """Build one lane per endpoint, coloured by status code."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .mappings([status_mapping()])
        .color_scheme(_coloured(model.FieldColorModeId.THRESHOLDS))
        .show_value(VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.85)
        .fill_opacity(85)
        .legend(legend())
        .tooltip(_tooltip())
    )


def ratio_history(title: str, description: str) -> statushistory.Panel:
    """Build one lane of cells per endpoint, coloured by ratio."""
    return (
        statushistory.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(RATIO)
        .decimals(1)
        .min(0)
        .max(1)
        .thresholds(ratio_thresholds())
        .color_scheme(_coloured(model.FieldColorModeId.THRESHOLDS))
        .show_value(VisibilityMode.AUTO)
        .row_height(0.85)
        .fill_opacity(85)
        .legend(legend())
        .tooltip(_tooltip())
    )


def _target(expression: str, ref: str) -> prometheus_builder.Dataquery:
    return prometheus_builder.Dataquery().datasource(SOURCE).expr(expression).ref_id(ref)


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def _coloured(mode: model.FieldColorModeId) -> build.FieldColor:
    return build.FieldColor().mode(mode)
