"""The page of a model: its providers side by side, their speed and uptime over time, its use, and sample code."""
