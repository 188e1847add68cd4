"""The configuration: a YAML file → frozen values, or every mistake in it as `file:line:column: path: what is wrong`."""

from monitor.config._addresses import base_url, is_loopback, is_this_machine
from monitor.config._catalogue import Catalogue, Entry, Quirk, catalogue
from monitor.config._errors import ConfigError, Problem, RefusedError
from monitor.config._json_schema import json_schema
from monitor.config._load import default_path, load
from monitor.config._prices import known_price
from monitor.config._proxies import unused_proxy
from monitor.config._values import duration_s
from monitor.config.model import (
    Canary,
    Config,
    EndpointSpec,
    Listen,
    MetricsDetail,
    ProbeSpec,
    ProviderSpec,
    ScoringSpec,
    Slo,
)
from monitor.config.options import Extensions

__all__ = [
    "Canary",
    "Catalogue",
    "Config",
    "ConfigError",
    "EndpointSpec",
    "Entry",
    "Extensions",
    "Listen",
    "MetricsDetail",
    "ProbeSpec",
    "Problem",
    "ProviderSpec",
    "Quirk",
    "RefusedError",
    "ScoringSpec",
    "Slo",
    "base_url",
    "catalogue",
    "default_path",
    "duration_s",
    "is_loopback",
    "is_this_machine",
    "json_schema",
    "known_price",
    "load",
    "unused_proxy",
]
