"""What the benchmarks share: the stamping server, the machine's facts, tables and result files."""
