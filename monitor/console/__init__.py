"""Output of the commands in a terminal: tables, waterfalls, JSON, and the live view."""
