"""IndependentStudentT: a base with power-law tails whose exponents train."""

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import StudentT, constraints

from ..bijectors import Chain, Identity, Scale, Shift
from .parametric import ParametricDistribution, exponential


class IndependentStudentT(ParametricDistribution):
    """y_i = loc_i + scale_i t_i with independent t_i of Student's distribution with df_i degrees of freedom.

    log p(y) = sum_i log t(z_i; df_i) - log scale_i, z = (y - loc) / scale;    support: real vectors.
    A density p(y_i) falls as |y_i|^-(df_i + 1): a flow with linear tails on this base has tails of that power, which it
    cannot make of a normal one. Degrees of freedom above 30 or so are as good as normal.

    Args:
        df: degrees of freedom, positive, shape [batch axes | D] or a number for all.
        loc: shape [batch axes | D]; None for zeros.
        scale_diag: positive, shape [batch axes | D]; None for ones.
        validate_args: check values, also under `jit`.

    The parameters that train, also as the base of a flow (`train_base=True`), are `raw_df` and `raw_scale_diag`, the
    logarithms, and `loc`.

    Raises:
        ValueError: if no argument says how many entries a vector has, a known df or scale is not positive, or shapes do
            not broadcast.

    References: Jaini, Kobyzev, Yu and Brubaker 2020, "Tails of Lipschitz triangular flows"; Laszkiewicz, Lederer and
        Fischer 2022, "Marginal tail-adaptive normalizing flows".
    """

    pytree_data_fields = ("raw_df", "loc", "raw_scale_diag")
    support = constraints.real_vector
    df = exponential("raw_df", "Degrees of freedom.")
    scale_diag = exponential("raw_scale_diag", "The units of y - loc, or None for ones.")

    def __init__(self, df: Any, loc: Any = None, scale_diag: Any = None, *, validate_args: bool = False):
        self._hold({"loc": loc}, {"df": df, "scale_diag": scale_diag}, validate_args=validate_args)
        if not self._event():
            raise ValueError(
                "IndependentStudentT expects df, loc or scale_diag of shape [batch axes | D], and got numbers only: D, "
                "the number of entries of a vector, is unknown. Give loc=jnp.zeros(D)."
            )

    def _event(self) -> tuple[int, ...]:
        return jnp.broadcast_shapes(*(leaf.shape[-1:] for leaf in jax.tree.leaves(self)))

    @property
    def base(self) -> Any:
        """Independent t_i."""
        df = self.df
        df = jnp.broadcast_to(df, (*df.shape[:-1], *self._event()))
        return StudentT(df, jnp.zeros((), df.dtype), jnp.ones((), df.dtype)).to_event(1)

    @property
    def bijector(self) -> Any:
        """loc + scale x."""
        parts: list[Any] = [] if self.loc is None else [Shift(self.loc)]
        parts += [] if self.raw_scale_diag is None else [Scale(self.scale_diag)]
        return Chain(parts) if parts else Identity()
