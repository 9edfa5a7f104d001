"""Benchmarks of TensorFlow Probability's JAX substrate."""
