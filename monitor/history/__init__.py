"""Questions about the past: series, buckets, samples, pages, incidents. Pure."""
