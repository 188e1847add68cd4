"""What a reader may choose at the top of a board."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef
from influxql import tag_values
from language import Board, Variable
from promql import MONITOR
from settings import OBJECTIVE

BASE = "base"
"""The variable that holds the address of Providerwatch's own pages."""
_ANY = ".*"
_LABEL_VALUES, _EDITOR = 1, "PrometheusVariableQueryEditor-VariableQuery"
"""Grafana's words for a query made in the form of its Prometheus plugin."""
_WINDOWS = ("5m", "15m", "30m", "1h", "6h", "1d")
_PERCENTILES = ("50", "75", "90", "95", "99")
_OBJECTIVES = ("95", "99", "99.5", "99.9", "99.95")
_WINDOW, _TASK, _PERCENTILE = "30m", "chat", "95"
_NOT_REACH = "/^(?!reach$).+/"
"""A probe `reach` has neither tokens nor a first one, so it is not offered."""


def prometheus_variables(source: DataSourceRef, board: Board) -> Sequence[Variable]:
    """The variables of a board on Prometheus."""

    def menu(name: str, label: str, expression: str) -> build.QueryVariable:
        query = {"qryType": _LABEL_VALUES, "query": f"label_values({expression}, {name})", "refId": _EDITOR}
        return _menu(name, label, source).query(query)

    info = "providerwatch_endpoint_info"
    of_model = f'{info}{{{MONITOR}, model=~"$model"}}'
    of_provider = f'{info}{{{MONITOR}, model=~"$model", provider=~"$provider"}}'
    monitor = [
        menu("vantage", "Vantage", info),
        menu("instance", "Monitor", f'{info}{{vantage="$vantage"}}'),
    ]
    if board == "monitor":
        return [_source("prometheus"), *monitor, _window()]
    menus = [
        menu("model", "Model", f"{info}{{{MONITOR}}}"),
        menu("provider", "Provider", of_model),
        menu("endpoint", "Endpoint", of_provider),
        menu("task", "Task", f"providerwatch_probes_total{{{MONITOR}}}"),
    ]
    return [_source("prometheus"), *monitor, *_chosen(menus, board), _window(), _percentile(), _objective()]


def influx_variables(source: DataSourceRef, board: Board) -> Sequence[Variable]:
    """The variables of a board on the points of the sink `influx`."""

    def menu(name: str, label: str, *conditions: str) -> build.QueryVariable:
        return _menu(name, label, source).query(tag_values(name, *conditions))

    at, of_model, of_provider = (f'"{name}" =~ /^${name}$/' for name in ("vantage", "model", "provider"))
    vantage = _with_all(menu("vantage", "Vantage"))
    menus = [
        menu("model", "Model", at),
        menu("provider", "Provider", at, of_model),
        menu("endpoint", "Endpoint", at, of_model, of_provider),
        menu("task", "Task", at),
    ]
    chosen = [_with_all(item) for item in menus[:3]] if board == "monitor" else _chosen(menus, board)
    rest = [_window()] if board == "monitor" else [_window(), _percentile(), _objective()]
    return [_source("influxdb"), vantage, *chosen, *rest]


def _chosen(menus: Sequence[build.QueryVariable], board: Board) -> list[Variable]:
    """Model, provider, endpoint, task. A board of one model or one endpoint offers no "All" of them."""
    of_model, provider, endpoint, task = menus
    # One at a time: times of several tasks together say nothing. Without a chat probe Grafana takes the first.
    task.regex(_NOT_REACH).current(model.VariableOption(text=_TASK, value=_TASK))
    return [
        of_model if board == "model" else _with_all(of_model),
        _with_all(provider),
        endpoint if board == "endpoint" else _with_all(endpoint),
        task,
    ]


def _menu(name: str, label: str, source: DataSourceRef) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(source)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _with_all(variable: build.QueryVariable) -> build.QueryVariable:
    return (
        variable.multi(True)
        .include_all(True)
        .all_value(_ANY)
        .current(model.VariableOption(text=["All"], value=["$__all"]))
    )


def _source(kind: str) -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Data source").type(kind)


def address(base: str) -> build.ConstantVariable:
    """The address of Providerwatch's own pages."""
    return build.ConstantVariable(BASE).label("Providerwatch's pages").value(base)


def _window() -> build.IntervalVariable:
    return (
        build.IntervalVariable("window")
        .label("Window")
        .description("Span that percentiles and shares are taken over, at every point")
        .values(",".join(_WINDOWS))
        .options(_options(_WINDOWS, _WINDOW))
        .current(model.VariableOption(selected=True, text=_WINDOW, value=_WINDOW))
    )


def _percentile() -> build.CustomVariable:
    return _custom(
        "percentile", "Percentile", "Percentile of the panels that are named after it", _PERCENTILES, _PERCENTILE
    )


def _objective() -> build.CustomVariable:
    about = "Uptime in percent that the error budget is counted against"
    return _custom("objective", "Objective", about, _OBJECTIVES, f"{100 * OBJECTIVE:g}")


def _custom(name: str, label: str, about: str, values: Sequence[str], value: str) -> build.CustomVariable:
    return (
        build.CustomVariable(name)
        .label(label)
        .description(about)
        .values(",".join(values))
        .options(_options(values, value))
        .current(model.VariableOption(selected=True, text=value, value=value))
    )


def _options(values: Sequence[str], value: str) -> list[model.VariableOption]:
    return [model.VariableOption(selected=item == value, text=item, value=item) for item in values]
