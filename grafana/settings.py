"""Colours that mean something, and the other small values that panels are set with."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from promql import STATUSES

DASHBOARD_UID = "providerwatch-side-by-side"
NEEDS_FULL = "Empty unless the monitor's configuration says `publish: {metrics: full}`."
AMBER = "orange"
STATUS_COLOURS = {
    "up": "green",
    "degraded": AMBER,
    "down": "red",
    "unknown": "#808080",
    "maintenance": "blue",
    "paused": "purple",
}
BLAME_COLOURS = {"provider": "red", "account": "purple", "monitor": "#808080", "network": "blue"}
USABLE_AT, GOOD_AT = 0.8, 0.95
"""Ratios at which amber and green begin: where OpenRouter calls an endpoint degraded and normal."""


def status_mapping() -> model.ValueMap:
    """Name and colour of every status code."""
    return model.ValueMap(
        options={
            str(code): model.ValueMappingResult(text=status, color=STATUS_COLOURS[status], index=code)
            for code, status in enumerate(STATUSES, start=1)
        }
    )


def ratio_thresholds() -> build.ThresholdsConfig:
    """Red, amber, green for ratios where 1 is best."""
    return thresholds("red", {USABLE_AT: AMBER, GOOD_AT: "green"})


def thresholds(lowest: str, above: Mapping[float, str]) -> build.ThresholdsConfig:
    """Colour below every threshold, then the colour from each value up."""
    steps = [model.Threshold(value=None, color=lowest)]
    steps += [model.Threshold(value=value, color=colour) for value, colour in above.items()]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def fixed(colour: str) -> model.DynamicConfigValue:
    """Property of an override: this colour."""
    return setting("color", {"mode": "fixed", "fixedColor": colour})


def shades(colour: str) -> model.DynamicConfigValue:
    """Property of an override: shades of this colour, one for each series."""
    return setting("color", {"mode": "shades", "fixedColor": colour})


def setting(name: str, value: object) -> model.DynamicConfigValue:
    """Property of an override."""
    return model.DynamicConfigValue(id_val=name, value=value)


def transformation(name: str, **options: object) -> model.DataTransformerConfig:
    """Step between the query's answer and the picture."""
    return model.DataTransformerConfig(id_val=name, options=options)


def in_order(columns: Sequence[str], names: Mapping[str, str] | None = None) -> model.DataTransformerConfig:
    """Put columns in this order, with these names."""
    return transformation(
        "organize",
        excludeByName={},
        indexByName={column: place for place, column in enumerate(columns)},
        renameByName=dict(names or {}),
    )


def legend(*calculations: str) -> common.VizLegendOptions:
    """Build a legend below the picture: a table of these calculations, or a list without any."""
    mode = LegendDisplayMode.TABLE if calculations else LegendDisplayMode.LIST
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(mode)
        .placement(LegendPlacement.BOTTOM)
        .calcs(list(calculations))
    )
