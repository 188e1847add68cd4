"""What a reader may choose at the top of the dashboard."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from panels import SOURCE
from promql import MONITOR

_ANY = ".+"
_LABEL_VALUES, _EDITOR = 1, "PrometheusVariableQueryEditor-VariableQuery"
"""Grafana's words for a query made in the form of its Prometheus plugin."""
_WINDOWS = ("5m", "15m", "30m", "1h", "6h", "1d")
_WINDOW, _TASK = "30m", "chat"


def variables() -> Sequence[build.DatasourceVariable | build.QueryVariable | build.IntervalVariable]:
    """Build the variables, each depending only on those before it."""
    of_model = f'providerwatch_endpoint_info{{{MONITOR}, model=~"$model"}}'
    models = f"label_values(providerwatch_endpoint_info{{{MONITOR}}}, model)"
    tasks = f"label_values(providerwatch_probes_total{{{MONITOR}}}, task)"
    return [
        build.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _choice("instance", "Monitor", "label_values(providerwatch_build_info, instance)"),
        _choice("model", "Model", models).include_all(True).all_value(_ANY),
        _choice("endpoint", "Endpoint", f"label_values({of_model}, endpoint)")
        .multi(True)
        .include_all(True)
        .all_value(_ANY)
        .current(model.VariableOption(text=["All"], value=["$__all"])),
        # One at a time: times of several tasks together say nothing. Without a chat probe Grafana takes the first.
        _choice("task", "Task", tasks).current(model.VariableOption(text=_TASK, value=_TASK)),
        _window(),
    ]


def _choice(name: str, label: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"qryType": _LABEL_VALUES, "query": query, "refId": _EDITOR})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _window() -> build.IntervalVariable:
    options = [model.VariableOption(selected=span == _WINDOW, text=span, value=span) for span in _WINDOWS]
    return (
        build.IntervalVariable("window")
        .label("Window")
        .description("Span that quantiles and shares are taken over, at every point")
        .values(",".join(_WINDOWS))
        .options(options)
        .current(model.VariableOption(selected=True, text=_WINDOW, value=_WINDOW))
    )
