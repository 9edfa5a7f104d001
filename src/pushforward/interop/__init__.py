"""Layer 4: maps of other libraries as bijectors, and bijectors as NumPyro transforms.

    from_numpyro(transform)     a NumPyro transform as a bijector           to_numpyro(bijector)    and back
    from_flowjax(bijection)     a FlowJAX bijection as a bijector
    from_tfp(bijector)          a TensorFlow Probability bijector (of its JAX substrate) as a bijector

FlowJAX and TensorFlow Probability need not be installed: whoever has an object of theirs has them. What these functions
return is a bijector like any other, in chains and distributions, under `jit` and `fit`; but it cannot be saved.
"""

from .flowjax import from_flowjax
from .numpyro import from_numpyro, to_numpyro
from .tfp import from_tfp

__all__ = ["from_flowjax", "from_numpyro", "from_tfp", "to_numpyro"]
