"""Makes the sinks of a configuration."""

from __future__ import annotations

from typing import assert_never

from monitor.config.model import Config, InfluxSpec, NdjsonSpec
from monitor.sinks._lines import LineOrigin
from monitor.sinks._protocol import Sink
from monitor.sinks.ndjson import NdjsonSink


def create_sinks(config: Config) -> tuple[Sink, ...]:
    """The configured sinks. Nothing is opened or connected yet."""
    origins = {
        spec.endpoint.id: LineOrigin(provider=spec.endpoint.provider, model=spec.model) for spec in config.endpoints
    }
    sinks: list[Sink] = []
    for spec in config.sinks:
        match spec:
            case InfluxSpec():
                from monitor.sinks.influx import InfluxSink  # noqa: PLC0415  # its client takes time and memory

                sinks.append(InfluxSink(spec, origins))
            case NdjsonSpec():
                sinks.append(NdjsonSink(spec))
            case _:
                assert_never(spec)
    return tuple(sinks)
