"""From a flow of standardised columns to the distribution in the units of the data, and back."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..bijectors import Bijector, Chain, Scale, Shift, StandardizedCondition
from ..core import freeze
from ..data import Column, Schema
from ..distributions import ConditionalDistribution, TransformedDistribution
from ..distributions.foreign import model_dtype

Flow = TransformedDistribution | ConditionalDistribution


def in_data_units(flow: Flow, schema: Schema) -> Flow:
    """The distribution of x = loc + scale z, z ~ flow; conditional flows take their condition as it was measured.

    Location and scale do not train. They have the dtype of the flow, float32 as a rule: a column whose location is
    large against its scale then keeps the fewer digits of its scale.
    """
    dtype = model_dtype(flow)
    inner = flow.bijector
    if schema.condition:
        inner = StandardizedCondition(inner, *_loc_and_scale(schema.condition, dtype))
    loc, scale = _loc_and_scale(schema.columns, dtype)
    return _with_bijector(flow, Chain([freeze(Shift(loc)), freeze(Scale(scale)), inner]))


def in_standard_units(model: Any, schema: Schema) -> Flow:
    """The flow that `in_data_units` was given.

    Raises:
        ValueError: if the model is not of this form, or of other sizes than the schema.
    """
    inner = _without_units(model, schema)
    if inner is None:
        raise ValueError(
            f"the model is not a flow of {len(schema.columns)} standardised columns"
            + (f" given {len(schema.condition)}" if schema.condition else "")
            + ", as schema.json has it; restore the folder as it was saved"
        )
    return _with_bijector(model, inner)


def _without_units(model: Any, schema: Schema) -> Bijector | None:
    kind = ConditionalDistribution if schema.condition else TransformedDistribution
    if type(model) is not kind or type(model.bijector) is not Chain or len(model.bijector) != 3:
        return None
    shift, scale, inner = model.bijector
    sizes = (len(schema.columns),)
    if type(shift) is not Shift or type(scale) is not Scale or not shift.shift.shape == jnp.shape(scale.scale) == sizes:
        return None
    if not schema.condition:
        return inner
    if type(inner) is not StandardizedCondition or inner.loc.shape != (len(schema.condition),):
        return None
    return inner.bijector


def _with_bijector(flow: Flow, bijector: Bijector) -> Flow:
    if isinstance(flow, ConditionalDistribution):
        return ConditionalDistribution(flow.base, bijector, flow.condition_dim, train_base=flow.train_base)
    return TransformedDistribution(flow.base, bijector, train_base=flow.train_base)


def _loc_and_scale(columns: tuple[Column, ...], dtype: Any) -> tuple[Any, Any]:
    loc, scale = np.array([(column.loc, column.scale) for column in columns]).T
    return jnp.asarray(loc, dtype), jnp.asarray(scale, dtype)
