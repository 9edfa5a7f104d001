"""TensorFlow Probability on JAX, imported without its warnings and called under NumPy's dtype promotion."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tensorflow_probability.substrates import jax as tfp  # noqa: TID251

    # Loaded on first use, which is now.
    tfb, tfl = tfp.bijectors, tfp.tf2jax.linalg

__all__ = ["tfb", "tfl", "tfp"]
