"""Providers and models found, listed and asked whether they answer, without a probe."""
