"""Real traffic: what others report of requests that they made themselves. Pure."""
