"""Stored samples played again to several policies, and how each would have done."""
