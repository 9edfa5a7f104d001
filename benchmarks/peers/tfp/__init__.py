"""Benchmarks of TensorFlow Probability on TensorFlow."""
