"""Scoring: samples to outcomes, window counts, health, score and status. Pure: time is always an argument."""
