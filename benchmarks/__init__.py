"""Benchmarks: our library and its peers, each in its own environment."""
