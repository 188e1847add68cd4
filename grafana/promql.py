"""PromQL expressions: one function per question, with the boards' variables left in.

``$instance`` is one monitor. ``$window`` is the span that quantiles and ratios are taken over: at one probe a minute
``$__rate_interval`` holds one or two samples, of which no quantile says anything. Self-metrics move faster and use
``$__rate_interval``. Every figure of an endpoint is joined with its labels. Those end when the monitor ends, and the
figures with them: nothing old looks current.
"""

from settings import STATUSES

MONITOR = 'instance="$instance"'
ENDPOINT = f'{MONITOR}, endpoint=~"$endpoint"'
TASK = f'{ENDPOINT}, task="$task"'
_LABELS = 'endpoint=~"$endpoint", provider=~"$provider", model=~"$model"'
INFO = f"providerwatch_endpoint_info{{{MONITOR}, {_LABELS}}}"
_EVERY_INFO = f"providerwatch_endpoint_info{{{_LABELS}}}"
_EVERY_TASK = 'endpoint=~"$endpoint", task="$task"'


def joined(expression: str, info: str = INFO) -> str:
    """Keep what the variables choose, and label it with provider, model and vantage."""
    return f"({expression}) * on (instance, endpoint) group_left (provider, model, vantage) {info}"


def status_code() -> str:
    """One number per endpoint: the code of the status it is in."""
    either = " or ".join(
        f'{code} * providerwatch_status{{{ENDPOINT}, status="{status}"}}'
        for code, status in enumerate(STATUSES, start=1)
    )
    return f"sum by (endpoint) ({joined(f'sum by (instance, endpoint) ({either})')})"


def quantile(percentile: str, metric: str, by: str, selector: str = TASK, info: str = INFO) -> str:
    """Quantile of a histogram of endpoints; nothing, not NaN, where nothing was observed."""
    rate = joined(f"rate({metric}_bucket{{{selector}}}[$window])", info)
    return f"histogram_quantile({percentile} / 100, sum by ({by}, le) ({rate})) >= 0"


def quantile_over_vantages(percentile: str, metric: str) -> str:
    """Quantile as each vantage measures it, of all monitors."""
    return quantile(percentile, metric, "vantage", _EVERY_TASK, _EVERY_INFO)


def own_quantile(percentile: str, metric: str, window: str, by: str = "") -> str:
    """Quantile of a histogram of the monitor itself."""
    labels = f"{by}, le" if by else "le"
    rate = f"rate({metric}_bucket{{{MONITOR}}}[{window}])"
    return f"histogram_quantile({percentile} / 100, sum by ({labels}) ({rate})) >= 0"


def buckets(metric: str) -> str:
    """Observations by bucket between two points."""
    increase = joined(f"increase({metric}_bucket{{{TASK}}}[$__rate_interval])")
    return f"sum by (le) ({increase})"


def newest(metric: str, over_time: str, by: str, among: str) -> str:
    """A gauge of the newest probe over the window; nothing when no probe succeeded within it."""
    succeeded = f'increase(providerwatch_probes_total{{{TASK}, error=""}}[$window]) > 0'
    figure = f"{over_time}({metric}{{{TASK}}}[$window]) and on (instance, endpoint, task) ({succeeded})"
    return f"{among} by ({by}) ({joined(figure)})"


def stalled_ratio(by: str) -> str:
    """Successes that stood still ÷ successes; 0 when none did."""
    stalled = _rate("providerwatch_stalls_total", by, TASK)
    successes = _rate("providerwatch_probes_total", by, f'{TASK}, error=""')
    return f"({stalled} or 0 * {successes}) / ({successes} > 0)"


def failure_ratio(by: str, selector: str = TASK) -> str:
    """Failures blamed on the provider ÷ (successes + those failures), as uptime counts; 0 when there were none."""
    failed = _rate("providerwatch_probes_total", by, f'{selector}, blame="provider"')
    counted = _rate("providerwatch_probes_total", by, f'{selector}, blame=~"|provider"')
    return f"({failed} or 0 * {counted}) / ({counted} > 0)"


def uptime_of(by: str, span: str) -> str:
    """Successes ÷ counted probes of a span, of all tasks: what each probe counter holds, whatever windows exist."""
    good = _rate("providerwatch_probes_total", by, f'{ENDPOINT}, blame=""', span)
    counted = _rate("providerwatch_probes_total", by, f'{ENDPOINT}, blame=~"|provider"', span)
    return f"({good} or 0 * {counted}) / ({counted} > 0)"


def errors(by: str) -> str:
    """Failed probes of each span, rounded, since an increase is an estimate between two scrapes."""
    increase = joined(f'increase(providerwatch_probes_total{{{TASK}, error!=""}}[$window])')
    return f"round(sum by ({by}) ({increase})) > 0"


def errors_now(by: str) -> str:
    """Failed probes over the dashboard's whole range."""
    increase = joined(f'increase(providerwatch_probes_total{{{TASK}, error!=""}}[$__range])')
    return f"round(sum by ({by}, error) ({increase})) > 0"


def uptime(window: str, by: str) -> str:
    """Uptime of a published window; of several endpoints the worst."""
    ratio = f'providerwatch_uptime_ratio{{{ENDPOINT}, window="{window}"}}'
    return f"min by ({by}) ({joined(ratio)})"


def budget_left(by: str) -> str:
    """1 - (missing uptime ÷ the uptime that the objective allows to miss)."""
    return f"1 - (1 - {uptime('30d', by)}) / (1 - $objective / 100)"


def phase(name: str, by: str, span: str) -> str:
    """Mean seconds of a phase of a successful probe, so that all phases add up.

    dns, connect and tls are spread over all probes, those on a reused connection among them. ``headers``, ``ttft`` and
    ``e2e`` all begin with the request, so each is shown less the one before it.
    """
    match name:
        case "first token":
            return f"clamp_min({_mean('ttft', by, span)} - {_mean('headers', by, span)}, 0)"
        case "rest":
            return f"clamp_min({_mean('e2e', by, span)} - {_mean('ttft', by, span)}, 0)"
        case "headers":
            return f"{_mean('headers', by, span)} >= 0"
    return f"{_phase_part('sum', name, by, span)} / ({_phase_part('count', 'headers', by, span)} > 0)"


def phases_now(names: list[str], by: str) -> str:
    """All phases as one table, with the label ``phase``."""
    labelled = [f'label_replace({phase(name, by, "$__range")}, "phase", "{name}", "", "")' for name in names]
    return " or ".join(labelled)


def last_day(metric: str, by: str) -> str:
    """Increase of a provider's counter in the 24 hours before each point."""
    return f'sum by ({by}) (increase({metric}{{{MONITOR}, provider=~"$provider"}}[1d]))'


def per_hour(metric: str, by: str) -> str:
    """Increase of a provider's counter in the hour before each point."""
    return f'sum by ({by}) (increase({metric}{{{MONITOR}, provider=~"$provider"}}[1h]))'


def own_rate(metric: str, by: str = "instance", kind: str = "increase") -> str:
    """Increase of a counter of the monitor itself."""
    return f"sum by ({by}) ({kind}({metric}{{{MONITOR}}}[$__rate_interval]))"


def own(metric: str) -> str:
    """A gauge of the monitor itself."""
    return f"{metric}{{{MONITOR}}}"


def _rate(metric: str, by: str, selector: str, span: str = "$window") -> str:
    return f"sum by ({by}) ({joined(f'rate({metric}{{{selector}}}[{span}])')})"


def _mean(name: str, by: str, span: str) -> str:
    return f"{_phase_part('sum', name, by, span)} / ({_phase_part('count', name, by, span)} > 0)"


def _phase_part(part: str, name: str, by: str, span: str) -> str:
    return _rate(f"providerwatch_probe_duration_seconds_{part}", by, f'{TASK}, phase="{name}"', span)
