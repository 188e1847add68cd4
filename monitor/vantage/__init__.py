"""Local network failures: whether a provider did not answer, or the local network was offline.

A sample gives evidence (`evidence`) about an origin (`origin`). The gate (`gate`) holds back samples that failed to
connect, checks other origins over TCP (`tcp_check`), and `attribution` decides whose failure it was.
"""

from monitor.vantage.gate import GateCallbacks, NetworkGate, WatchedOrigins, watched_origins
from monitor.vantage.tcp_check import look_up

__all__ = ["GateCallbacks", "NetworkGate", "WatchedOrigins", "look_up", "watched_origins"]
