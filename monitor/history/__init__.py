"""History queries: series, buckets, samples, pages, incidents. Pure."""
