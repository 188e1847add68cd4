"""Finds providers and models, and checks without a probe whether they answer."""
