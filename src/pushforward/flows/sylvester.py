"""Sylvester flow."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..bijectors import Sylvester
from .common import Flow
from .residual_steps import step_flow

_FORMS = ("orthogonal", "householder", "triangular")


def sylvester(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    layers: int = 8,
    form: str = "orthogonal",
    units: int | None = None,
    hidden_units: Sequence[int] = (64, 64),
    base: Any = None,
    train_base: bool = False,
) -> Flow:
    """Layers y = x + Q R tanh(R' Q^T x + b): planar flows with M units at once (van den Berg et al. 2018).

    Choose it in variational inference where `planar` is too narrow: M directions bend in each layer. Draws and their
    own density are closed forms; the density of other points takes M scalar searches a layer. Choose the form
    "orthogonal" for M below D directions, found by a QR decomposition; "householder" for the same without one, by M
    reflections; "triangular" for small D: all D directions bend, and there is no Q to compute.

    Args:
        key: for the initial weights.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a network of the condition moves the parameters of each layer, a
            `ConditionalDistribution` is returned, and `flow(c)` is a flow.
        layers: number of layers.
        form: of Q: "orthogonal" (the factor of a QR decomposition), "householder" (of `units` reflections), or
            "triangular" (the identity, with the order of the coordinates reversed between layers; then M = D).
        units: M; None for D, at most 32.
        hidden_units: of the networks of the condition.
        base: distribution of the latents, of event shape (D,); None for the standard normal.
        train_base: whether location and scale of the base train too.

    Returns:
        A `TransformedDistribution` on R^D, or a `ConditionalDistribution`.
    """
    if form not in _FORMS:
        raise ValueError(f"form is one of {_FORMS}, and got {form!r}; it says what the orthogonal matrix Q is made of")
    m = dim if form == "triangular" else min(dim, 32) if units is None else units
    if (form == "triangular" and units not in (None, dim)) or not (isinstance(m, int) and 1 <= m <= dim):
        raise ValueError(
            f"units: expected an integer from 1 to dim={dim} (for form='triangular' dim itself), and got {units!r}; "
            "there are no more orthonormal directions than coordinates"
        )
    return step_flow(
        key,
        dim,
        _sylvester,
        condition_dim=condition_dim,
        layers=layers,
        hidden_units=hidden_units,
        base=base,
        train_base=train_base,
        permutation="reverse" if form == "triangular" else None,
        form=form,
        units=m,
    )


def _sylvester(key: jax.Array, dim: int, *, form: str, units: int) -> Sylvester:
    """Near the identity, with directions of its own."""
    key_outer, key_inner, key_bias, key_basis = jax.random.split(key, 4)
    outer = 0.1 * jax.random.normal(key_outer, (units, units)) / units**0.5
    inner = jnp.eye(units) + 0.1 * jax.random.normal(key_inner, (units, units))
    bias = jax.random.normal(key_bias, (units,))
    if form == "orthogonal":
        return Sylvester(outer, inner, bias, orthogonal=jax.random.normal(key_basis, (dim, units)))
    if form == "householder":
        return Sylvester(outer, inner, bias, householder=jax.random.normal(key_basis, (units, dim)))
    return Sylvester(outer, inner, bias)
