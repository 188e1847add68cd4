"""The scoreboard: the current state of every endpoint, and the scores document."""
