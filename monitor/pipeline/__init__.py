"""The pipeline of the daemon: judge samples, store them, publish the result."""
