"""The demo: a real language model on this machine, a slow and a flaky provider in front of it, and the daemon.

The processes, in the order of their start: `model_server` (which is also the steady provider), `fault_proxy` (the slow
and the flaky provider), and the daemon. `orchestrate` starts and stops them and shows the scores.
"""
