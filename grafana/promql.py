"""The dashboard's expressions: one function per question, with the dashboard's variables left in.

``$instance`` is one monitor, so a join on the endpoint alone never meets the same endpoint twice.
``$window`` is the span that quantiles and ratios are taken over: at one probe a minute ``$__rate_interval``
holds one or two samples, of which no quantile says anything. Self-metrics move faster and use
``$__rate_interval``.
"""

STATUSES = ("up", "degraded", "down", "unknown", "maintenance", "paused")
"""Every status; the position plus one is its code in panels that need a number."""

MONITOR = 'instance="$instance"'
CHOSEN = f'{MONITOR}, endpoint=~"$endpoint"'
CHOSEN_TASK = f'{CHOSEN}, task=~"$task"'
_MODEL = f'providerwatch_endpoint_info{{{CHOSEN}, model=~"$model"}}'


def of_model(expression: str) -> str:
    """Keep what belongs to the chosen model, and label it with its provider and model."""
    return f"({expression}) * on (endpoint) group_left (provider, model) {_MODEL}"


def status_code() -> str:
    """One number per endpoint: the code of the status it is in."""
    coded = [
        f'{code} * providerwatch_status{{{MONITOR}, status="{status}"}}'
        for code, status in enumerate(STATUSES, start=1)
    ]
    return f"sum by (endpoint) ({' or '.join(coded)})"


def quantile(q: float, metric: str, selector: str, by: str = "endpoint", window: str = "$window") -> str:
    """Quantile of a histogram; nothing, not NaN, where nothing was observed."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{selector}}}[{window}]))) >= 0"


def mean(metric: str, selector: str) -> str:
    """Mean of a histogram per endpoint; nothing where nothing was observed."""
    total, count = (f"sum by (endpoint) (rate({metric}_{part}{{{selector}}}[$window]))" for part in ("sum", "count"))
    return f"{total} / {count} >= 0"


def output_speed(selector: str) -> str:
    """Mean of the last measured speeds in the window, gone when no probe succeeded within it."""
    speed = f"avg by (endpoint) (avg_over_time(providerwatch_output_tokens_per_second{{{selector}}}[$window]))"
    succeeded = f'sum by (endpoint) (increase(providerwatch_probes_total{{{selector}, error=""}}[$window])) > 0'
    return f"{speed} and on (endpoint) ({succeeded})"


def provider_failure_ratio(selector: str = CHOSEN_TASK) -> str:
    """Failures blamed on the provider ÷ (successes + those failures), as uptime counts; 0 when there were none."""
    failed = _probe_rate(f'{selector}, blame="provider"')
    counted = _probe_rate(f'{selector}, blame=~"|provider"')
    return f"({failed} or 0 * {counted}) / {counted}"


def error_ratio_by_class() -> str:
    """Share of all probes of the chosen endpoints that ended in each error class."""
    of_class = of_model(_probe_rate(f'{CHOSEN_TASK}, error!=""', by="endpoint, error, blame"))
    every = of_model(_probe_rate(CHOSEN_TASK))
    return f"sum by (error, blame) ({of_class}) / on () group_left () sum({every}) > 0"


def error_ratio_by_endpoint_and_class() -> str:
    """Over the dashboard's whole range, labels ``endpoint`` and ``class`` ("timeout_ttft · provider")."""
    errors = f'increase(providerwatch_probes_total{{{CHOSEN_TASK}, error!=""}}[$__range])'
    every = f"sum by (endpoint) (increase(providerwatch_probes_total{{{CHOSEN_TASK}}}[$__range]))"
    classed = f'sum by (endpoint, class) (label_join({errors}, "class", " · ", "error", "blame"))'
    return of_model(f"{classed} / on (endpoint) group_left () {every} > 0")


def phase_means() -> str:
    """Mean of each phase over the dashboard's range, as spans that add up to the time to first token.

    ``headers`` and ``ttft`` are both measured from the request, so what is stacked above ``headers`` is
    the rest, as phase "first token".
    """
    steps = _phase_mean("dns|connect|tls|headers")
    first_token = f"clamp_min({_phase_mean('ttft')} - ignoring (phase) {_phase_mean('headers')}, 0)"
    return of_model(f'({steps} or label_replace({first_token}, "phase", "first token", "", "")) >= 0')


def connection_setup() -> str:
    """Mean seconds from nothing to a usable connection: name, TCP and TLS where there are any."""
    spent = f'providerwatch_probe_duration_seconds_sum{{{CHOSEN_TASK}, phase=~"dns|connect|tls"}}'
    opened = f'providerwatch_probe_duration_seconds_count{{{CHOSEN_TASK}, phase="connect"}}'
    return of_model(f"sum by (endpoint) (rate({spent}[$window])) / sum by (endpoint) (rate({opened}[$window]))")


def _probe_rate(selector: str, by: str = "endpoint") -> str:
    return f"sum by ({by}) (rate(providerwatch_probes_total{{{selector}}}[$window]))"


def _phase_mean(phases: str) -> str:
    total, count = (
        f"sum by (endpoint, phase) (increase(providerwatch_probe_duration_seconds_{part}"
        f'{{{CHOSEN_TASK}, phase=~"{phases}"}}[$__range]))'
        for part in ("sum", "count")
    )
    return f"{total} / {count}"
