"""Is it they or us? Whether a provider fell silent, or this place's own network did.

One way here too: a sample says what was heard (`evidence`) of whom (`origins`), the judge holds back what only silence
speaks for, the lookout asks others meanwhile (`witnesses`), and the judge decides.
"""

from monitor.vantage.gate import GateCallbacks, NetworkGate
from monitor.vantage.tcp_check import look_up

__all__ = ["GateCallbacks", "NetworkGate", "look_up"]
