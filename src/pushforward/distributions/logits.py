"""Probabilities or their logits: what distributions over classes are given."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..core.elementary import logit
from ..core.parameters import as_parameter, known_values


def given_logits(who: str, logits: Any, probs: Any, *, binary: bool = False, validate: bool = False) -> jax.Array:
    """The logits, from whichever of the two was given: log(p / (1 - p)) if `binary`, else log p.

    Args:
        who: the class, for messages.
        logits: of any shape, or None.
        probs: probabilities, or None; every one positive (below 1 too if `binary`), since a class that cannot come up
            leaves no density.
        binary: of one of two classes.
        validate: also check values that are traced.

    Raises:
        ValueError: unless exactly one is given; for known probabilities out of range.
    """
    if (logits is None) == (probs is None):
        raise ValueError(
            f"{who} takes either logits or probs, and got {'neither' if logits is None else 'both'}: one is the "
            "logarithm of the other. Give one of them by name."
        )
    if probs is None:
        return as_parameter(logits, f"{who}: logits")
    array, known = as_parameter(probs, f"{who}: probs"), known_values(probs)
    fine = (array > 0) & ((array < 1) | (not binary))
    if known is not None and not bool(jnp.all(fine)):
        raise ValueError(
            f"{who} expects probabilities {'strictly between 0 and 1' if binary else 'above 0'}, and got "
            f"{known.tolist()}: a class that cannot come up leaves a distribution without density. Leave it out, or "
            "give it a small probability."
        )
    if known is None and validate:
        array = eqx.error_if(array, ~jnp.all(fine), f"{who}: expected probs inside their range, and got some outside")
    return logit(array) if binary else jnp.log(array)
