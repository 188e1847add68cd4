"""The configuration: a YAML file → frozen values, or every mistake in it as `file:line:column: path: what is wrong`."""

from monitor.config._errors import ConfigError, Position, Problem, RefusedError
from monitor.config._load import default_path, load
from monitor.config._schema import json_schema
from monitor.config._values import duration_s
from monitor.config.model import (
    Config,
    EndpointSpec,
    Listen,
    ProbeSpec,
    ProviderSpec,
    PublishFile,
    ScoringSpec,
    Slo,
)

__all__ = [
    "Config",
    "ConfigError",
    "EndpointSpec",
    "Listen",
    "Position",
    "ProbeSpec",
    "Problem",
    "ProviderSpec",
    "PublishFile",
    "RefusedError",
    "ScoringSpec",
    "Slo",
    "default_path",
    "duration_s",
    "json_schema",
    "load",
]
