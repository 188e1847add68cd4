"""Makes the sinks of a configuration."""

from __future__ import annotations

from monitor.config.model import Config
from monitor.sinks._protocol import SampleOrigin, Sink, SinkOptions


def create_sinks(config: Config) -> tuple[Sink, ...]:
    """The configured sinks. Nothing is opened or connected yet."""
    origins = {
        spec.endpoint.id: SampleOrigin(provider=spec.endpoint.provider, model=spec.model) for spec in config.endpoints
    }
    return tuple(
        options.create(name, origins)
        for name, options in config.sinks.items()
        if isinstance(options, SinkOptions)  # as all of `SINKS` are
    )
