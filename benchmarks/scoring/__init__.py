"""How well score, status and probe schedule describe an endpoint, in simulated worlds."""
