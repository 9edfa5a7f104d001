"""Benchmarks of zuko."""
