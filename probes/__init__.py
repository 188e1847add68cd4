"""Probes: measure one streamed completion of a language model with the kernel's clock.

Each file here without a leading underscore is one wire API; its name is the `api:` of the configuration.
"""
