"""Output of the commands: tables, waterfalls and JSON."""
