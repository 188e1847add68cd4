"""Samples to other places, one destination a file: its options, and what takes the samples.

`SINKS` are the kinds that a configuration may name, `create_sinks` makes those that it names. A sink is handed samples
from the store, never by whoever made them, so an unreachable one costs disk and nothing else.
"""

from monitor.sinks._create import create_sinks
from monitor.sinks._kinds import SINKS
from monitor.sinks._protocol import Delivery, SampleOrigin, Sink, SinkError, SinkOptions

__all__ = ["SINKS", "Delivery", "SampleOrigin", "Sink", "SinkError", "SinkOptions", "create_sinks"]
