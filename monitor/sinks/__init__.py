"""Samples to other places. `create_sinks(config)` gives the sinks, `Outbox(sinks, store)` brings them what is stored.

One destination per file. A sink is handed samples from the store, never by whoever made them, so an unreachable one
costs disk and nothing else.
"""

from monitor.sinks._create import create_sinks
from monitor.sinks._protocol import Delivery, Sink, SinkError
from monitor.sinks.runner import Outbox, SinkIntervals, SinkRunner

__all__ = ["Delivery", "Outbox", "Sink", "SinkError", "SinkIntervals", "SinkRunner", "create_sinks"]
