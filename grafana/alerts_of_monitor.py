"""Alerts about the monitor itself."""

from alert import OF_MONITOR, Alert, AlertGroup

MONITOR = AlertGroup(
    name="providerwatch-monitor",
    title="The monitor itself",
    alerts=(
        Alert(
            name="MonitorUnreachable",
            severity="critical",
            expression='up{job="providerwatch"} == 0',
            lasts="2m",
            summary="Prometheus cannot scrape the monitor {{ $labels.instance }}",
            description=(
                "Every scrape of {{ $labels.instance }} has failed for 2 minutes: the daemon does not run, or its "
                "address or token is wrong. No outage of a provider is seen meanwhile. Routers keep the last scores "
                "until they are stale. Start with `systemctl status providerwatch`."
            ),
        ),
        Alert(
            name="MonitorMissing",
            severity="critical",
            expression='absent(up{job="providerwatch"})',
            lasts="10m",
            summary="Prometheus has no monitor to scrape",
            description=(
                'For 10 minutes Prometheus has had no target with job="providerwatch": its scrape configuration or '
                "its service discovery lost the monitor, so no other alert of this file can fire. Look at Status, "
                "Targets in Prometheus."
            ),
        ),
        Alert(
            name="MonitorNotReady",
            severity="critical",
            expression=f"(providerwatch_ready == 0)\nunless {OF_MONITOR} (providerwatch_store_failing == 1)",
            lasts="5m",
            summary="the monitor {{ $labels.instance }} runs, but does not probe",
            description=(
                "/readyz of {{ $labels.instance }} has answered 503 for 5 minutes, because the schedule does not run. "
                "Scores go stale. /readyz names the problem; a restart usually ends it."
            ),
        ),
        Alert(
            name="MonitorRestarting",
            severity="warning",
            expression='changes(process_start_time_seconds{job="providerwatch"}[30m]) >= 3',
            summary="the monitor {{ $labels.instance }} restarts again and again",
            description=(
                "The daemon on {{ $labels.instance }} started {{ $value }} times in 30 minutes. Its log shows why it "
                "ended: `journalctl -u providerwatch`. Scores survive a restart; probes are missing while it is away."
            ),
        ),
        Alert(
            name="StoreFailing",
            severity="critical",
            expression="providerwatch_store_failing == 1",
            lasts="5m",
            summary="the database of the monitor {{ $labels.instance }} does not accept samples",
            description=(
                "For 5 minutes the store of {{ $labels.instance }} has not accepted samples: the disk is full, the "
                "server is away or the file is locked. Scores continue. Samples wait in memory, 100,000 at most, and "
                "are lost if the daemon ends before the store works again. /readyz names the reason."
            ),
        ),
        Alert(
            name="StoreBehind",
            severity="warning",
            expression=(
                f"(providerwatch_store_queue_length > 5000)\nunless {OF_MONITOR} (providerwatch_store_failing == 1)"
            ),
            lasts="10m",
            summary="{{ $value }} samples wait for the database of {{ $labels.instance }}",
            description=(
                "The store of {{ $labels.instance }} works, but is slower than the probes: for 10 minutes more than "
                "5,000 samples have waited ({{ $value }} now). At 100,000 the oldest are dropped. Look at the disk or "
                "the server of the database."
            ),
        ),
        Alert(
            name="SamplesDropped",
            severity="warning",
            expression="increase(providerwatch_store_dropped_total[15m]) > 0",
            summary="the monitor {{ $labels.instance }} dropped samples",
            description=(
                "In the last 15 minutes {{ $labels.instance }} dropped {{ $value | humanize }} samples, which are not "
                "in the history: the store failed for too long, rejected them, or they were older than `retention` "
                "keeps. The log says which (`store_drop`)."
            ),
        ),
        Alert(
            name="SinkFailing",
            severity="warning",
            expression="providerwatch_sink_failing == 1",
            lasts="15m",
            summary="the sink {{ $labels.sink }} does not accept samples",
            description=(
                "For 15 minutes the sink {{ $labels.sink }} of {{ $labels.instance }} has not accepted samples. They "
                "wait in the store, and are lost for the sink only when `retention.raw` deletes them. The log has the "
                "reason (`sink_failed`)."
            ),
        ),
        Alert(
            name="SinkDropping",
            severity="warning",
            expression="increase(providerwatch_sink_dropped_total[1h]) > 0",
            summary="the sink {{ $labels.sink }} lost samples",
            description=(
                "In the last hour {{ $value | humanize }} samples of {{ $labels.instance }} were lost for the sink {{ "
                "$labels.sink }}: its server rejected them, or retention deleted them before delivery. The log has "
                "the server's words (`sink_drop`)."
            ),
        ),
        Alert(
            name="FileFailing",
            severity="warning",
            expression="providerwatch_files_failing > 0",
            lasts="5m",
            summary="the monitor {{ $labels.instance }} cannot write files for routers",
            description=(
                "For 5 minutes {{ $labels.instance }} has failed to write {{ $value }} of the files of "
                "`publish.files`. Routers that read them choose by old scores. The log has the path and the reason "
                "(`file_failed`)."
            ),
        ),
        Alert(
            name="LocalNetworkOffline",
            severity="critical",
            expression="providerwatch_vantage_online == 0",
            lasts="2m",
            summary="the network of the monitor {{ $labels.instance }} is offline",
            description=(
                "For 2 minutes no other host has answered {{ $labels.instance }}, so its own network or resolver is "
                "the problem, and no provider is blamed. Scores go stale. Check the network of that machine."
            ),
        ),
        Alert(
            name="MonitorClockWrong",
            severity="warning",
            expression=(
                "(providerwatch_clock_ahead_seconds > 0)\nor\n"
                "(max by (job, instance) (providerwatch_last_sample_timestamp_seconds) - time() > 60)"
            ),
            lasts="5m",
            summary="the clock of the monitor {{ $labels.instance }} may be wrong",
            description=(
                "The clock of {{ $labels.instance }} is {{ $value | humanizeDuration }} ahead, of Prometheus or of "
                "the newest time in its store. Meanwhile retention deletes nothing. If the clock is wrong, set it; if "
                "the daemon was only stopped for long, wait."
            ),
        ),
        Alert(
            name="ProbesLate",
            severity="warning",
            expression=(
                "histogram_quantile(\n  0.9,\n  sum by (job, instance, le) "
                "(rate(providerwatch_schedule_lag_seconds_bucket[15m]))\n) > 5"
            ),
            lasts="15m",
            summary="probes of the monitor {{ $labels.instance }} start late",
            description=(
                "One probe in ten of {{ $labels.instance }} starts {{ $value | humanizeDuration }} or more after its "
                "time. Times of answers are not affected. The machine is too slow, or `max_concurrent` is too low for "
                "the number of probes."
            ),
        ),
        Alert(
            name="ProbesFailInside",
            severity="warning",
            expression=(
                'sum by (job, instance) (increase(providerwatch_probes_total{error=~"internal|tainted"}[30m]))\n/\n'
                "sum by (job, instance) (increase(providerwatch_probes_total[30m]))\n> 0.05"
            ),
            lasts="5m",
            summary="{{ $value | humanizePercentage }} of the probes fail inside the monitor {{ $labels.instance }}",
            description=(
                "In the last 30 minutes {{ $value | humanizePercentage }} of the probes of {{ $labels.instance }} had "
                "no verdict because of the monitor itself (`internal`, `tainted`): no file descriptor, port or "
                "thread, a local firewall, a proxy, or a machine that is too slow. `detail` of the samples says "
                "which."
            ),
        ),
        Alert(
            name="WorkersRestarting",
            severity="warning",
            expression="increase(providerwatch_worker_restarts_total[1h]) >= 3",
            summary="worker processes of the monitor {{ $labels.instance }} restart",
            description=(
                "{{ $value | humanize }} worker processes of {{ $labels.instance }} ended or hung in the last hour "
                "and were restarted. Their running probes have no verdict. The log says why (`worker_ended`, "
                "`worker_stuck`); often memory is short."
            ),
        ),
    ),
)
