"""How every panel looks: colours, legend, thresholds and null handling are decided here once."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from colours import BLAME_COLOURS, ERROR_COLOURS, PHASE_COLOURS
from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    heatmap,
    stat,
    statetimeline,
    statushistory,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeSizing,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    FieldTextAlignment,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.text import TextMode
from settings import COUNT, RATIO, SECONDS, fixed, high_is_good, legend, neutral, status_mapping, transformation

_Coloured = TypeVar("_Coloured", barchart.Panel, timeseries.Panel)


class Panels:
    """Builds panels that ask one data source."""

    def __init__(self, source: DataSourceRef, provider_colours: Mapping[str, str]) -> None:
        self._source = source
        self._providers = provider_colours

    def lines(
        self,
        title: str,
        description: str,
        unit: str,
        limits: build.ThresholdsConfig | None = None,
        colours: Mapping[str, str] | None = None,
    ) -> timeseries.Panel:
        """Lines that break where nothing was measured, in the colours of providers or in those given.

        The limits are drawn dashed when they are given.
        """
        style = GraphThresholdsStyleMode.OFF if limits is None else GraphThresholdsStyleMode.DASHED
        panel = (
            timeseries.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(unit)
            .axis_soft_min(0)
            .line_width(1.5)
            .fill_opacity(0)
            .span_nulls(False)
            .show_points(VisibilityMode.AUTO)
            .color_scheme(_coloured(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
            .thresholds(limits or neutral())
            .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
            .legend(legend("lastNotNull", "max"))
            .tooltip(_tooltip())
        )
        if unit == COUNT:
            panel.decimals(0)
        if unit == RATIO:
            panel.axis_soft_max(0.1)  # a flat 100 % does not reach to 200 %, and 1 % is no line on the ground
        return _in_colours(panel, self._providers if colours is None else colours)

    def bars_over_time(
        self, title: str, description: str, unit: str = COUNT, colours: Mapping[str, str] | None = None
    ) -> timeseries.Panel:
        """Stacked bars, one for each span of the variable `window`; in the colours of errors, or in those given."""
        return (
            self.lines(
                title, description, unit, colours={**ERROR_COLOURS, **BLAME_COLOURS} if colours is None else colours
            )
            .draw_style(GraphDrawStyle.BARS)
            .line_width(0)
            .fill_opacity(80)
            .interval("$window")
            .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
            .legend(legend("sum"))
        )

    def phases_over_time(self, title: str, description: str) -> timeseries.Panel:
        """Stacked areas, one for each phase."""
        return (
            self.lines(title, description, SECONDS, colours=PHASE_COLOURS)
            .line_width(0)
            .fill_opacity(70)
            .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
            .legend(legend("mean"))
        )

    @property
    def provider_colours(self) -> Mapping[str, str]:
        """The colour of each provider."""
        return self._providers

    def columns(self, title: str, description: str, unit: str, colours: Mapping[str, str]) -> barchart.Panel:
        """One horizontal bar per row of a table, stacked by its columns."""
        panel = (
            barchart.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(unit)
            .orientation(VizOrientation.HORIZONTAL)
            .stacking(StackingMode.NORMAL)
            .show_value(VisibilityMode.NEVER)
            .x_tick_label_max_length(24)
            .fill_opacity(80)
            .line_width(0)
            .axis_soft_min(0)
            .thresholds(neutral())
            .legend(legend())
            .tooltip(_tooltip())
        )
        if unit == COUNT:
            panel.decimals(0)
        return _in_colours(panel, colours)

    def number(self, title: str, description: str, limits: build.ThresholdsConfig, unit: str = COUNT) -> stat.Panel:
        """Big numbers on a coloured ground; grey without data."""
        return (
            stat.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(unit)
            .decimals(0)
            .thresholds(limits)
            .color_scheme(_coloured(model.FieldColorModeId.THRESHOLDS))
            .graph_mode(BigValueGraphMode.NONE)
            .color_mode(BigValueColorMode.BACKGROUND)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .no_value("no data")
        )

    def gauges(self, title: str, description: str, limits: build.ThresholdsConfig) -> bargauge.Panel:
        """Horizontal bars of ratios now, their names above them, so that none is cut."""
        return (
            bargauge.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(RATIO)
            .decimals(2)
            .min(0)
            .max(1)
            .thresholds(limits)
            .color_scheme(_coloured(model.FieldColorModeId.THRESHOLDS))
            .orientation(VizOrientation.HORIZONTAL)
            .display_mode(BarGaugeDisplayMode.BASIC)
            .name_placement(BarGaugeNamePlacement.TOP)
            .sizing(BarGaugeSizing.AUTO)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            .show_unfilled(True)
            .no_value("no data")
        )

    def status_timeline(self, title: str, description: str) -> statetimeline.Panel:
        """One lane per endpoint, coloured by status code."""
        return (
            statetimeline.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit("none")
            .mappings([status_mapping()])
            # With the mode "thresholds" Grafana merges values by threshold, and ignores the mappings.
            .color_scheme(build.FieldColor().mode(model.FieldColorModeId.FIXED))
            .thresholds(neutral())
            .show_value(VisibilityMode.AUTO)
            .merge_values(True)
            .row_height(0.85)
            .fill_opacity(85)
            .legend(legend())
            .tooltip(_tooltip())
        )

    def uptime_history(self, title: str, description: str, every: str, range_: str) -> statushistory.Panel:
        """One lane of cells, coloured by uptime; `range_` replaces the dashboard's, which may be less than a cell."""
        return (
            statushistory.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(RATIO)
            .decimals(1)
            .min(0)
            .max(1)
            .interval(every)
            .time_from(range_)
            .thresholds(high_is_good())
            .color_scheme(_coloured(model.FieldColorModeId.THRESHOLDS))
            .show_value(VisibilityMode.NEVER)  # cells are too narrow: "71.5%" would read "5%"
            .row_height(0.85)
            .fill_opacity(85)
            .legend(legend())
            .tooltip(_tooltip())
        )

    def heat_map(self, title: str, description: str, *, counts_buckets: bool) -> heatmap.Panel:
        """Times of probes as a heat map, on a logarithmic scale."""
        logarithmic = common.ScaleDistributionConfig().type(ScaleDistribution.LOG).log(2)
        panel = (
            heatmap.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit(SECONDS)
            .thresholds(neutral())
            .calculate(not counts_buckets)
            .scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
            .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64).exponent(0.5))
            .filter_values(heatmap.FilterValueRange().le(1e-9))
            .y_axis(heatmap.YAxisConfig().unit(SECONDS).decimals(2))
            .mode(TooltipDisplayMode.SINGLE)
            .show_y_histogram()
            .show_legend()
        )
        if not counts_buckets:
            scale = common.HeatmapCalculationBucketConfig().scale(logarithmic)
            panel.calculation(common.HeatmapCalculationOptions().y_buckets(scale))
        return panel

    def rows(self, title: str, description: str, columns: Sequence[str]) -> table.Panel:
        """A table of these columns, joined by endpoint."""
        return (
            self.plain_rows(title, description)
            .with_transformation(transformation("joinByField", byField="endpoint", mode="outer"))
            .with_transformation(transformation("filterFieldsByName", include={"names": [*columns]}))
        )

    def plain_rows(self, title: str, description: str) -> table.Panel:
        """A table of what the query returns."""
        return (
            table.Panel()
            .title(title)
            .description(description)
            .datasource(self._source)
            .unit("none")
            .thresholds(neutral())
            .align(FieldTextAlignment.AUTO)
            .no_value("-")
            .footer(common.TableFooterOptions().show(False).reducer([]).enable_pagination(False))
        )

    def words(self, title: str, content: str) -> text.Panel:
        """A text in Markdown."""
        return text.Panel().title(title).description(f"{title}.").mode(TextMode.MARKDOWN).content(content)


def _in_colours(panel: _Coloured, colours: Mapping[str, str]) -> _Coloured:
    for name, colour in colours.items():
        panel.override_by_name(name, [fixed(colour)])
    return panel


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def _coloured(mode: model.FieldColorModeId) -> build.FieldColor:
    return build.FieldColor().mode(mode)
