"""Alerts about endpoints and models."""

from alert import OF_ENDPOINT, OF_MONITOR, Alert, AlertGroup, with_names

ENDPOINTS = AlertGroup(
    name="providerwatch-endpoints",
    title="Endpoints",
    alerts=(
        Alert(
            name="EndpointDown",
            severity="critical",
            expression=with_names("providerwatch_up == 0"),
            lasts="2m",
            summary="{{ $labels.endpoint }} is down",
            description=(
                "{{ $labels.model }} at {{ $labels.provider }} has been down for 2 minutes, as probed from {{ "
                "$labels.vantage }}, and the provider is to blame. Routers that follow the scores avoid it. The cause "
                "is in `last_error` of /v1/scores/{{ $labels.endpoint }} on {{ $labels.instance }}."
            ),
        ),
        Alert(
            name="ModelDown",
            severity="critical",
            expression=(
                f"max by (model) (\n  providerwatch_up\n  * {OF_ENDPOINT} group_left (model) "
                "providerwatch_endpoint_info\n) == 0"
            ),
            lasts="2m",
            summary="no endpoint of {{ $labels.model }} is up",
            description=(
                "Every endpoint of {{ $labels.model }} whose status is known has been down for 2 minutes. Requests "
                "for this model fail now, and routers have no better endpoint to try. Check the providers' status "
                "pages, or send the traffic to another model."
            ),
        ),
        Alert(
            name="EndpointDegraded",
            severity="warning",
            expression=with_names('providerwatch_status{status="degraded"} == 1'),
            lasts="15m",
            summary="{{ $labels.endpoint }} is degraded",
            description=(
                "{{ $labels.model }} at {{ $labels.provider }} has been degraded for 15 minutes: it answers, but "
                "fails often or is slower than its SLO or its usual times. Routers prefer other endpoints. Compare it "
                "with the other providers of the model in Grafana."
            ),
        ),
        Alert(
            name="EndpointStale",
            severity="warning",
            expression=with_names(
                '\n  (providerwatch_status{status="unknown"} == 1)\n'
                f"  unless {OF_ENDPOINT} (providerwatch_account_refused == 1)\n"
                f"  unless {OF_MONITOR} (providerwatch_vantage_online == 0)\n"
            ),
            lasts="15m",
            summary="the state of {{ $labels.endpoint }} is unknown",
            description=(
                "For 15 minutes no recent probe of {{ $labels.endpoint }} has shown whether it works. Its score is "
                "stale, and an outage would not be seen. Usual causes: a spent budget, `Retry-After`, or probes that "
                "fail inside the monitor {{ $labels.instance }}."
            ),
        ),
    ),
)
