"""Worker processes that measure, and the pool that runs them."""
