"""What tests of flow layers share."""

import jax
import jax.numpy as jnp
import numpy as np


def check_layer(layer, cheap, key):
    """Round trip, and the log-det against the Jacobian of the direction that is one evaluation."""
    x = jax.random.normal(jax.random.fold_in(key, 1), (6, 3))

    def run(x):
        there, back = ("forward", "inverse")[:: 1 if cheap == "forward" else -1]
        y, log_det = getattr(layer, f"{there}_and_log_det")(x)
        return y, log_det, getattr(layer, f"{back}_and_log_det")(y), jax.vmap(jax.jacfwd(getattr(layer, there)))(x)

    y, log_det, (back, back_log_det), jacobian = jax.jit(run)(x)
    assert float(jnp.max(jnp.abs(y - x))) > 0.05
    np.testing.assert_allclose(back, x, atol=2e-5)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=2e-4)
    np.testing.assert_allclose(back_log_det, -log_det, atol=2e-4)
