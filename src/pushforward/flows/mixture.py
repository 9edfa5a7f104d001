"""Mixture of flows of one recipe."""

from typing import Any

import jax

from ..distributions import ConditionalMixtureOfFlows, MixtureOfFlows
from ..nets import MLP
from .realnvp import realnvp
from .spline_autoregressive import spline_autoregressive
from .spline_coupling import spline_coupling

_RECIPES = {
    "realnvp": realnvp,
    "spline_autoregressive": spline_autoregressive,
    "spline_coupling": spline_coupling,
}


def mixture(
    key: jax.Array,
    dim: int,
    *,
    condition_dim: int | None = None,
    components: int = 4,
    recipe: str = "spline_coupling",
    layers: int = 4,
    hidden_units: tuple[int, ...] = (64, 64),
    **options: Any,
) -> MixtureOfFlows | ConditionalMixtureOfFlows:
    """p(x) = sum_k w_k p_k(x), K flows of one recipe, weights and flows trained together.

    With a condition, p(x | c) = sum_k w_k(c) p_k(x | c), where a perceptron of the flows' hidden sizes gives w(c).

    Choose it for data of separate clusters: a single flow, which is continuous, keeps a thread of mass between them.
    With `fit(..., loss=training.each_member)` it is an ensemble instead, each flow fitted to all of the data. It costs
    K flows in time, compiled once.

    Args:
        key: for the initial weights; every flow has its own.
        dim: size D of a data vector.
        condition_dim: size of the condition; then a `ConditionalMixtureOfFlows` is returned; `flow(c)` is a mixture.
        components: number of flows K.
        recipe: "spline_coupling", "spline_autoregressive" or "realnvp".
        layers: of each flow.
        hidden_units: of each flow.
        options: further arguments of the recipe.

    Returns:
        A `MixtureOfFlows` on R^D, or a `ConditionalMixtureOfFlows`.

    Raises:
        ValueError: for another recipe, or no components.
    """
    if recipe not in _RECIPES:
        raise ValueError(f"recipe: expected one of {sorted(_RECIPES)}, and got {recipe!r}")
    if not isinstance(components, int) or components < 1:
        raise ValueError(f"components: expected a positive integer, and got {components!r}")
    keys = jax.random.split(key, components)
    sizes: dict[str, Any] = {"condition_dim": condition_dim, "layers": layers, "hidden_units": hidden_units}
    members = [_RECIPES[recipe](member, dim, **sizes, **options) for member in keys]
    if condition_dim is None:
        return MixtureOfFlows(members)
    gate = MLP(condition_dim, components, hidden_units=hidden_units, key=jax.random.fold_in(key, components))
    return ConditionalMixtureOfFlows(members, gate)
