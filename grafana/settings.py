"""Status colours, thresholds, and the other small values that panels are set with."""

from collections.abc import Mapping, Sequence

from colours import GREY
from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement

STATUSES = ("up", "degraded", "down", "unknown", "maintenance", "paused")
"""Every status; the position plus one is its code in panels that need a number."""
NEEDS_FULL = "Empty unless the monitor's configuration says `publish: {metrics: full}`."
SECONDS, RATIO, TOKENS_PER_SECOND, COUNT, DOLLARS = "s", "percentunit", "suffix:tok/s", "short", "currencyUSD"
GREEN, AMBER, RED, BLUE = "green", "orange", "red", "blue"
STATUS_COLOURS = {
    "up": GREEN,
    "degraded": AMBER,
    "down": RED,
    "unknown": GREY,
    "maintenance": BLUE,
    "paused": "purple",
}
OBJECTIVE = 0.995
"""Uptime from which a ratio is green: the variable `objective` begins here, too."""
USABLE_AT = 1 - 4 * (1 - OBJECTIVE)
"""Below this a ratio is red: the error budget would last for a quarter of its time."""


def status_mapping() -> model.ValueMap:
    """Name and colour of every status code."""
    return model.ValueMap(
        options={
            str(code): model.ValueMappingResult(text=status, color=STATUS_COLOURS[status], index=code)
            for code, status in enumerate(STATUSES, start=1)
        }
    )


def high_is_good(amber: float = USABLE_AT, green: float = OBJECTIVE, red: float = 0) -> build.ThresholdsConfig:
    """Red, amber, green; grey without a value."""
    return thresholds({red: RED, amber: AMBER, green: GREEN})


def low_is_good(amber: float, red: float) -> build.ThresholdsConfig:
    """Green, amber, red; grey without a value."""
    return thresholds({0: GREEN, amber: AMBER, red: RED})


def neutral() -> build.ThresholdsConfig:
    """For figures of which none is bad: blue; grey without a value."""
    return thresholds({0: BLUE})


def thresholds(above: Mapping[float, str]) -> build.ThresholdsConfig:
    """The colour from each value up. The base is grey: Grafana gives it to a panel without data."""
    steps = [model.Threshold(value=None, color=GREY)]
    steps += [model.Threshold(value=round(value, 6), color=colour) for value, colour in above.items()]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def fixed(colour: str) -> model.DynamicConfigValue:
    """Property of an override: this colour."""
    return setting("color", {"mode": "fixed", "fixedColor": colour})


def setting(name: str, value: object) -> model.DynamicConfigValue:
    """Property of an override."""
    return model.DynamicConfigValue(id_val=name, value=value)


def transformation(name: str, **options: object) -> model.DataTransformerConfig:
    """Step between the query's answer and the picture."""
    return model.DataTransformerConfig(id_val=name, options=options)


def in_order(columns: Sequence[str], names: Mapping[str, str] | None = None) -> model.DataTransformerConfig:
    """Put columns in this order, with these names; the time of a row is left out."""
    return transformation(
        "organize",
        excludeByName={"Time": True},
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
