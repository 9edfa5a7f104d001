"""Benchmarks of normflows."""
