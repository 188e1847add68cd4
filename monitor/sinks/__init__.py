"""Sinks: destinations for samples besides the store. One module per kind, with its options and its delivery.

`SINKS` are the kinds that a configuration may use; `create_sinks` creates the configured ones. A sink gets its samples
from the store, so an unreachable sink only costs disk space.
"""

from monitor.sinks._create import CreatedSink, SampleOrigins, create_sinks, origins_of
from monitor.sinks._kinds import SINKS
from monitor.sinks._protocol import Delivery, SampleOrigin, Sink, SinkError, SinkOptions

__all__ = [
    "SINKS",
    "CreatedSink",
    "Delivery",
    "SampleOrigin",
    "SampleOrigins",
    "Sink",
    "SinkError",
    "SinkOptions",
    "create_sinks",
    "origins_of",
]
