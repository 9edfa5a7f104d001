"""Plain JAX, written by hand for one task: how little time it could take."""
