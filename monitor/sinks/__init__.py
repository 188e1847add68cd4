"""Sinks: copies of samples to other systems. `create_sinks(config)` makes them, `Outbox(sinks, store)` feeds them.

One destination per file. A sink reads samples from the store, so an unreachable destination costs only disk space.
"""

from monitor.sinks._create import create_sinks
from monitor.sinks._protocol import Delivery, Sink, SinkError
from monitor.sinks.runner import Outbox, SinkIntervals, SinkRunner

__all__ = ["Delivery", "Outbox", "Sink", "SinkError", "SinkIntervals", "SinkRunner", "create_sinks"]
