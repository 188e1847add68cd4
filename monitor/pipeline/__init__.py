"""From a sample to what readers see."""
