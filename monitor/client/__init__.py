"""A client for routers written in Python: keeps a daemon's scores and sorts candidates, best first.

Its methods never raise, and never wait while the caller routes a request. The client fails open: while the daemon does
not answer or its scores are too old, candidates keep the caller's order. The client imports only the standard library.
"""

from monitor.client._client import AsyncClient, Client
from monitor.client.scores import ScoredEndpoint, Scores
from monitor.domain.status import Status
from monitor.domain.tier import RoutingUse

Endpoint = ScoredEndpoint
"""The public name of the class."""

__all__ = ["AsyncClient", "Client", "Endpoint", "RoutingUse", "ScoredEndpoint", "Scores", "Status"]
