"""From samples to judgement: outcomes, window counts, health and status. Pure: time is an argument everywhere."""
