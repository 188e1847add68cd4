"""The commands: what the user types, and what is printed."""
