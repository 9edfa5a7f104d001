"""Sinh: y = sinh(x)."""

from ..core.elementary import arsinh_and_log_cosh, at_least_single, sinh_and_log_cosh
from .base import Bijector


class Sinh(Bijector):
    """y = sinh(x), element by element.

    inverse  x = arsinh(y);    log |dy/dx| = log cosh(x) = log(1 + y^2) / 2;    domain and codomain: real.

    The log-determinant has two forms in either direction: for |x| < 1 it is log1p(y^2) / 2, precise relative to its
    size, which is x^2; beyond, one that does not overflow with y or y^2.

    Args:
        validate_args: check values, also under `jit`.
    """

    forward_min_event_ndims = 0
    is_increasing = True

    def _forward_and_log_det(self, x):
        return sinh_and_log_cosh(x)

    def _inverse_and_log_det(self, y):
        x, log_cosh = arsinh_and_log_cosh(at_least_single(y))
        return x.astype(y.dtype), -log_cosh
