"""Benchmarks of nflows."""
