"""Makes the sinks of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.config.model import Config
from monitor.sinks._protocol import SampleOrigin, Sink, SinkOptions


class SampleOrigins(Mapping[str, SampleOrigin]):
    """The origins of samples by endpoint, as the current configuration has them. All sinks share one."""

    def __init__(self, origins: Mapping[str, SampleOrigin]) -> None:
        self._origins = origins

    def apply(self, origins: Mapping[str, SampleOrigin]) -> None:
        """Use other origins from now on."""
        self._origins = origins

    def __getitem__(self, endpoint: str) -> SampleOrigin:
        return self._origins[endpoint]

    def __iter__(self) -> Iterator[str]:
        return iter(self._origins)

    def __len__(self) -> int:
        return len(self._origins)


def origins_of(config: Config) -> Mapping[str, SampleOrigin]:
    """The origins of a configuration's samples, by endpoint."""
    return {
        spec.endpoint.id: SampleOrigin(provider=spec.endpoint.provider, model=spec.model) for spec in config.endpoints
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedSink:
    """A sink, and what it was created from."""

    options: SinkOptions
    sink: Sink


def create_sinks(
    config: Config, origins: Mapping[str, SampleOrigin], running: Sequence[CreatedSink] = ()
) -> tuple[CreatedSink, ...]:
    """The configured sinks. Of `running`, those whose name and options have not changed are kept.

    Nothing is opened or connected yet. Raises what the code of a sink raises.
    """
    known = {created.sink.name: created for created in running}
    return tuple(
        kept
        if (kept := known.get(name)) is not None and kept.options == options
        else CreatedSink(options=options, sink=options.create(name, origins))
        for name, options in config.sinks.items()
        if isinstance(options, SinkOptions)  # as all of `SINKS` are
    )
