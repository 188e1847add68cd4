"""Routing advice: tiers, weights, order of endpoints, and files for routers."""
