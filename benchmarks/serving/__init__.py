"""How fast the daemon serves scores, and what a daemon costs."""
