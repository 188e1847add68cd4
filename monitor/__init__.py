"""The Providerwatch daemon: plans, schedules, stores, scores and publishes what `probes` measures."""

__version__ = "0.1.0"
