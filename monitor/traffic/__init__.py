"""Real traffic: outcomes of requests that routers and applications report. Pure."""
