"""Benchmarks: each script measures one promise of Providerwatch and writes its table to `results/`."""
