"""Normal vectors by a square root of their covariance: a triangular one, or a diagonal one plus low rank."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from numpyro.distributions import constraints

from ..bijectors import Affine, Chain, ScaleMatvecTriL, Shift
from ..core.parameters import known_values
from .normal import StandardNormal
from .parametric import ParametricDistribution


class _MultivariateNormal(ParametricDistribution):
    """y = loc + S x, x standard normal, with parameters of shape [batch axes | their own axes]."""

    support = constraints.real_vector

    @property
    def base(self) -> Any:
        """Independent standard normals."""
        return StandardNormal(self._size())

    @property
    def covariance_matrix(self) -> jax.Array:
        """S S^T, of shape [batch_shape | D, D]."""
        scale = self._in_one_dtype()._scale()
        covariance = jnp.einsum("...ij,...kj->...ik", scale, scale, precision=lax.Precision.HIGHEST)
        return jnp.broadcast_to(covariance, (*self.batch_shape, *covariance.shape[-2:]))

    @property
    def variance(self) -> jax.Array:
        """The diagonal of the covariance, of shape [batch_shape | D]."""
        return jnp.broadcast_to(jnp.sum(self._in_one_dtype()._scale() ** 2, axis=-1), self.shape())

    def _scale(self) -> jax.Array:
        raise NotImplementedError

    def _size(self) -> int:
        raise NotImplementedError

    def _set(self, ranks: dict[str, int], given: dict[str, Any]) -> None:
        """Hold the arguments, checked for their ranks and for one size D."""
        who = type(self).__name__
        if all(value is None for value in given.values()):
            raise ValueError(
                f"{who} expects one of {', '.join(ranks)}, and got none: D, the number of entries, is unknown. Give "
                "loc=jnp.zeros(D)."
            )
        for name, value in given.items():
            self._hold({name: value})
            array = getattr(self, name)
            if array is not None and array.ndim < ranks[name]:
                axes = ", ".join(["D", "D" if name == "scale_tril" else "r"][: ranks[name]])
                raise ValueError(
                    f"{who}: {name} expects an array of shape [batch axes | {axes}], and got shape {array.shape}: its "
                    "last axes are those of one vector. Add the missing axes."
                )


class MultivariateNormalTriL(_MultivariateNormal):
    """y = loc + L x, x standard normal, L the lower triangle of scale_tril; the covariance is L L^T.

    log p(y) = -|x|^2 / 2 - sum_i log |L_ii| - (D/2) log 2 pi, x = L^-1 (y - loc). Mean, variance and entropy are exact.

    Args:
        loc: shape [batch axes | D]; None for zeros.
        scale_tril: shape [batch axes | D, D], diagonal non-zero; None for the identity. What lies above the diagonal is
            not read.
        validate_args: check values, also under `jit`.

    Both parameters may take any real value (a diagonal of either sign), so they train.

    Raises:
        ValueError: if neither is given, a rank is too low, the matrix is not square, sizes differ, or an entry of the
            diagonal is known to be zero.
    """

    pytree_data_fields = ("loc", "scale_tril")
    loc: Any
    scale_tril: Any

    def __init__(self, loc: Any = None, scale_tril: Any = None, *, validate_args: bool = False):
        self._set({"loc": 1, "scale_tril": 2}, {"loc": loc, "scale_tril": scale_tril})
        if self.scale_tril is not None:
            size = self.loc.shape[-1] if self.loc is not None else self.scale_tril.shape[-1]
            if self.scale_tril.shape[-2:] != (size, size):
                raise ValueError(
                    f"MultivariateNormalTriL expects scale_tril of shape [batch axes | {size}, {size}], and got "
                    f"{self.scale_tril.shape}: a vector of {size} entries has a square matrix of that size."
                )
            diagonal = jnp.diagonal(self.scale_tril, axis1=-2, axis2=-1)
            if known_values(diagonal) is not None and not bool(jnp.all(diagonal != 0)):
                raise ValueError(
                    "MultivariateNormalTriL expects a scale_tril without zeros on its diagonal, and got one with: its "
                    "vectors would lie in a plane and have no density. Give a positive standard deviation."
                )
            if validate_args:
                fine = jnp.all(diagonal != 0)
                message = "MultivariateNormalTriL: expected scale_tril without zeros on its diagonal"
                self.scale_tril = eqx.error_if(self.scale_tril, ~fine, message)

    def _size(self) -> int:
        return int((self.loc if self.loc is not None else self.scale_tril).shape[-1])

    @property
    def bijector(self) -> Any:
        """loc + L x."""
        parts = [] if self.loc is None else [Shift(self.loc)]
        scale = jnp.eye(self._size(), dtype=self.loc.dtype) if self.scale_tril is None else self.scale_tril
        return Chain([*parts, ScaleMatvecTriL(scale)])

    def _scale(self) -> jax.Array:
        return jnp.eye(self._size(), dtype=self.loc.dtype) if self.scale_tril is None else jnp.tril(self.scale_tril)


class MultivariateNormalDiagPlusLowRank(_MultivariateNormal):
    """y = loc + S x, x standard normal, S = diag(scale_diag) + V diag(scale_perturb_diag) V^T, V =
    scale_perturb_factor.

    The covariance is S S^T (not S). The density costs D r^2, by Woodbury's identity and the matrix determinant lemma.
    Mean, variance and entropy are exact.

    Args:
        loc: shape [batch axes | D]; None for zeros.
        scale_diag: shape [batch axes | D], non-zero; None for ones.
        scale_perturb_factor: V, shape [batch axes | D, r]; None for no such part.
        scale_perturb_diag: shape [batch axes | r]; None for ones.
        validate_args: check values, also under `jit`.

    The parameters may take any real value for which S is regular, so they train.

    Raises:
        ValueError: if none is given, a rank is too low, sizes differ, or scale_perturb_diag comes without its factor.
    """

    pytree_data_fields = ("loc", "scale_diag", "scale_perturb_factor", "scale_perturb_diag")
    loc: Any
    scale_diag: Any
    scale_perturb_factor: Any
    scale_perturb_diag: Any

    def __init__(
        self,
        loc: Any = None,
        scale_diag: Any = None,
        scale_perturb_factor: Any = None,
        scale_perturb_diag: Any = None,
        *,
        validate_args: bool = False,
    ):
        given = {
            "loc": loc,
            "scale_diag": scale_diag,
            "scale_perturb_factor": scale_perturb_factor,
            "scale_perturb_diag": scale_perturb_diag,
        }
        ranks = {"loc": 1, "scale_diag": 1, "scale_perturb_factor": 2, "scale_perturb_diag": 1}
        self._set(ranks, given)
        size = self._size()
        self.bijector.forward_event_shape((size,))  # for the checks of its constructor

    def _size(self) -> int:
        if self.loc is not None or self.scale_diag is not None:
            return int((self.loc if self.loc is not None else self.scale_diag).shape[-1])
        if self.scale_perturb_factor is not None:
            return int(self.scale_perturb_factor.shape[-2])
        raise ValueError(
            "MultivariateNormalDiagPlusLowRank: scale_perturb_diag are factors of the columns of scale_perturb_factor, "
            "and came without it. Give both."
        )

    @property
    def bijector(self) -> Any:
        """loc + S x."""
        return Affine(
            self.loc,
            scale_diag=self.scale_diag,
            scale_perturb_factor=self.scale_perturb_factor,
            scale_perturb_diag=self.scale_perturb_diag,
        )

    def _scale(self) -> jax.Array:
        size = self._size()
        dtype = jnp.result_type(*(leaf for leaf in jax.tree.leaves(self)))
        diagonal = jnp.ones(size, dtype) if self.scale_diag is None else self.scale_diag
        scale = diagonal[..., None] * jnp.eye(size, dtype=dtype)
        if self.scale_perturb_factor is None:
            return scale
        factor = self.scale_perturb_factor
        weighted = factor if self.scale_perturb_diag is None else factor * self.scale_perturb_diag[..., None, :]
        return scale + jnp.einsum("...ir,...jr->...ij", weighted, factor, precision=lax.Precision.HIGHEST)
