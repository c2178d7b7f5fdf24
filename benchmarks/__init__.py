"""Benchmarks of Assay beside its ceilings; `./run bench` runs them. Not part of the wheel."""
