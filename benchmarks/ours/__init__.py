"""pushforward's side of the benchmarks."""

PACKAGES = ("pushforward", "jax", "jaxlib", "equinox", "numpyro", "optax")
