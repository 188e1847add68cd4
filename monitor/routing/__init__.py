"""What routers are told: tiers, weights, order, files."""
