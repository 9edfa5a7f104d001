"""Benchmarks of FlowJAX."""
