"""Named workloads, each beside a bare loop with SQLite in the same run. `python -m benchmarks` runs them."""
