"""How the configuration of an endpoint's probes is scored. Pure."""

from __future__ import annotations

from monitor.config.model import Config, EndpointSpec, ProbeSpec, Slo
from monitor.scheduler.jobs import confirming_probe, headline_task
from monitor.score.baseline import GENERATES
from monitor.score.endpoint import ScoringParams
from monitor.score.probe_interval import IntervalLimits
from probes._model import Sample, Task

_STALE_INTERVALS = 3


def scoring_params(config: Config, spec: EndpointSpec) -> ScoringParams:
    """The scoring parameters of an endpoint."""
    probes = [config.probes[name] for name in spec.probes]
    confirming = confirming_probe(probes)
    return ScoringParams(
        limits=IntervalLimits(least_s=confirming.least_s, most_s=confirming.every_s),
        stale_s=_STALE_INTERVALS * min(probe.every_s for probe in probes) + max(probe.timeout_s for probe in probes),
        task=headline_task(probes),
        only_reach=confirming.task is Task.REACH,
        count_wrong_answers=config.scoring.count_wrong_answers,
        blame_overrides=config.scoring.blame,
        ttft_slo_s=confirming.slo.ttft_s if confirming.task in GENERATES else None,
    )


def within_slo(sample: Sample, probe: ProbeSpec | None) -> bool:
    """Whether a sample meets its probe's SLO; a figure that was not measured counts as met."""
    slo = probe.slo if probe and sample.task in GENERATES else Slo()
    slow = slo.ttft_s is not None and sample.ttft_s is not None and sample.ttft_s > slo.ttft_s
    dull = slo.output_tps is not None and sample.output_tps is not None and sample.output_tps < slo.output_tps
    return not slow and not dull
