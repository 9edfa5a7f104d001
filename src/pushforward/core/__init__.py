"""Layer 0: what everything else stands on.

Modules (frozen dataclasses that are pytrees), what trains and what does not, the shape contract, stable elementary
functions. Nothing here knows what a bijector is.
"""

from .allocation import keep_freed_memory
from .callables import Function, as_callable
from .freeze import Frozen, freeze, trainable, unfreeze
from .module import Module, carried_over, constant_field, replace, static_field
from .shapes import (
    broadcast_batch,
    extra_event_ndims,
    map_ndims,
    numeric_inputs,
    sum_event,
)

keep_freed_memory()

__all__ = [
    "Frozen",
    "Function",
    "Module",
    "as_callable",
    "broadcast_batch",
    "carried_over",
    "constant_field",
    "extra_event_ndims",
    "freeze",
    "map_ndims",
    "numeric_inputs",
    "replace",
    "static_field",
    "sum_event",
    "trainable",
    "unfreeze",
]
