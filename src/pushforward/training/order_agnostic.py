"""Training one network under many masks, so that it answers in any of their orders."""

import hashlib
from typing import Any

import jax
import numpy as np

from ..nets import Masks
from .objectives import Batch, Objective, maximum_likelihood


def order_agnostic(masks: Masks) -> Objective:
    """The loss  - E_m sum_n w_n log p(x_n | c_n; mask m) / sum_n w_n:  each step is under one mask, drawn by its key.

    Of a model with one masked network, for the `loss` of `fit`. Validation draws a mask for each of its batches, the
    same ones after every epoch; it bounds the loss of the ensemble from above. Score with
    `distributions.MaskEnsemble(result.model, masks)`.

    Example:
        masks = draw_masks(key, model, 32)
        result = pushforward.fit(key, model, x, loss=order_agnostic(masks))
        ensemble = MaskEnsemble(result.model, masks)

    Args:
        masks: `nets.draw_masks(key, model, count)`: orders and connections, or one of the two.

    Returns:
        A function (model, batch, key) -> loss. Give the same one again to compile nothing again.

    Raises:
        TypeError: for something else than masks.

    Reference: Germain, Gregor, Murray & Larochelle 2015, "MADE", section 4, where a list of masks is cycled through.
    """
    if not isinstance(masks, Masks):
        raise TypeError(
            f"order_agnostic expects masks, and got {type(masks).__name__}; draw them for the model, "
            "nets.draw_masks(key, model, count)"
        )

    def objective(model: Any, batch: Batch, key: jax.Array) -> jax.Array:
        which = jax.random.randint(key, (), 0, len(masks))
        return maximum_likelihood(masks.of(model, which), batch, key)

    # A checkpoint knows its loss by name, and other masks are another loss.
    digest = hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(masks)))
    objective.__qualname__ = f"order_agnostic({digest.hexdigest()[:16]})"
    return objective
