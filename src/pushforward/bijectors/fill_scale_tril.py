"""FillScaleTriL: a vector as a lower-triangular matrix with a positive diagonal."""

from typing import Any

import numpy as np
from numpyro.distributions import constraints

from ..core import freeze, static_field
from ..core.parameters import known_values
from .base import Bijector
from .chain import Chain
from .domains import constraint_bounds
from .fill_triangular import FillTriangular
from .shift import Shift
from .softplus import Softplus
from .transform_diagonal import TransformDiagonal


class FillScaleTriL(Chain):
    """y = FillTriangular(x) with its diagonal passed through diag_bijector and shifted: Cholesky factors from vectors.

    inverse  the same backwards;    log |det dy/dx| = that of diag_bijector, of the diagonal;
    domain: vectors of n (n + 1) / 2 numbers;    codomain: lower-triangular matrices with diagonals above diag_shift.

    It is `Chain([TransformDiagonal(Chain([freeze(Shift(diag_shift)), diag_bijector])), FillTriangular()])`.

    Args:
        diag_bijector: bijector of scalars for the diagonal; None for `Softplus()`.
        diag_shift: added to the diagonal thereafter, so that it keeps away from 0; None for nothing. It does not train.
        validate_args: check values, also under `jit`.

    Raises:
        ValueError: if x has no triangular number of entries, or y is not square.
    """

    positive_diagonal: bool = static_field()

    def __init__(self, diag_bijector: Bijector | None = None, diag_shift: Any = 1e-5, *, validate_args: bool = False):
        diagonal = Softplus() if diag_bijector is None else diag_bijector
        lower = known_values(constraint_bounds(diagonal.codomain)[0])
        shift = known_values(0.0 if diag_shift is None else diag_shift)
        self.positive_diagonal = lower is not None and shift is not None and bool(np.all(lower + shift >= 0))
        if diag_shift is not None:
            diagonal = Chain([freeze(Shift(diag_shift)), diagonal])
        parts = [TransformDiagonal(diagonal, validate_args=validate_args), FillTriangular(validate_args=validate_args)]
        super().__init__(parts, validate_args=validate_args)

    @property
    def codomain(self) -> Any:
        """Cholesky factors, where the diagonal was known to be positive at construction; else real matrices."""
        return constraints.lower_cholesky if self.positive_diagonal else constraints.real_matrix
