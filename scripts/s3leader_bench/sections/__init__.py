"""The sections of the benchmark, one module each. `run` returns its tables."""
