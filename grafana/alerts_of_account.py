"""Alerts about your account at a provider, and about the budget of the probes."""

from alert import Alert, AlertGroup, with_names

ACCOUNT = AlertGroup(
    name="providerwatch-account",
    title="Your account and budget",
    alerts=(
        Alert(
            name="AccountRefused",
            severity="critical",
            expression=with_names(
                'providerwatch_account_refused{class!~"rate_limited|bad_request|content_filter"} == 1'
            ),
            lasts="5m",
            summary="{{ $labels.provider }} refuses your account: {{ $labels.class }}",
            description=(
                "{{ $labels.endpoint }} works, but has refused your account for 5 minutes ({{ $labels.class }}). "
                "Requests with the same key fail, too. Check the key, the bill and the name of the model: "
                "`providerwatch check --connect` says which of them is wrong."
            ),
        ),
        Alert(
            name="ProbeRefused",
            severity="warning",
            expression=with_names('providerwatch_account_refused{class=~"bad_request|content_filter"} == 1'),
            lasts="15m",
            summary="{{ $labels.endpoint }} refuses the probe: {{ $labels.class }}",
            description=(
                "{{ $labels.endpoint }} has refused the request of the probe for 15 minutes ({{ $labels.class }}), so "
                "nothing is measured. Real requests may work. `providerwatch probe {{ $labels.endpoint }} "
                "--transcript` shows the request and the answer."
            ),
        ),
        Alert(
            name="AccountRateLimited",
            severity="warning",
            expression=with_names('providerwatch_account_refused{class="rate_limited"} == 1'),
            lasts="15m",
            summary="{{ $labels.provider }} limits the rate of your account",
            description=(
                "{{ $labels.endpoint }} has answered 429 to the newest probes for 15 minutes. Your traffic with the "
                "same key is probably limited, too. Ask the provider for a higher limit, send less, or probe less "
                "often."
            ),
        ),
        Alert(
            name="BudgetNearlySpent",
            severity="warning",
            expression="(providerwatch_budget_spent_ratio > 0.9) < 1",
            summary="{{ $value | humanizePercentage }} of today's budget for {{ $labels.provider }} is spent",
            description=(
                "The probes of {{ $labels.provider }} have used {{ $value | humanizePercentage }} of their budget for "
                "today ({{ $labels.unit }}). The monitor {{ $labels.instance }} already probes less often, so that "
                "the rest lasts until 00:00 UTC."
            ),
        ),
        Alert(
            name="BudgetSpent",
            severity="warning",
            expression="providerwatch_budget_spent_ratio >= 1",
            summary="today's budget for {{ $labels.provider }} is spent",
            description=(
                "The monitor {{ $labels.instance }} does not probe {{ $labels.provider }} again before 00:00 UTC, "
                "because the budget of the day is spent ({{ $labels.unit }}). Its endpoints become unknown, and "
                "outages are not seen. Raise `budget`, or probe less often."
            ),
        ),
    ),
)
