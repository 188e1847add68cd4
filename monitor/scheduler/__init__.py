"""Scheduling: which probe runs when, within which budget."""
