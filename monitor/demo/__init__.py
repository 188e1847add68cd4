"""The demo: a real language model on this machine, a slow and a flaky provider in front of it, the daemon on them.

Processes, in the order in which they start: `model_server` (also the steady provider, asked directly), `fault_proxy`
(the slow and the flaky one), the daemon. `orchestrate` starts, shows and stops them.
"""
