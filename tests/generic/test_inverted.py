"""Every registered bijector inverts, and composes with its inverse: ranks and shapes, by tracing only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pushforward.bijectors import Chain, Invert
from pushforward.testing import check_bijector

from ..registry import ENTRIES

RANKS = ["final", "event_shapes", "ranks"]


def first_case(entry, key):
    return next(iter(entry.cases.values()))(key)


def bound(bijector, entry):
    return bijector if entry.condition_dim is None else bijector.condition(jnp.zeros(entry.condition_dim))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_inverted(entry, key):
    bijector = first_case(entry, key)
    if not bijector.is_injective:
        with pytest.raises(ValueError, match="injective"):
            Invert(bijector)
        return
    out_shape = bound(bijector, entry).forward_event_shape(entry.event_shape)
    check_bijector(
        Invert(bijector),
        event_shape=out_shape,
        batch_shape=entry.batch_shape,
        condition_dim=entry.condition_dim,
        checks=[name for name in RANKS if name not in entry.exempt],
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_composed_with_its_inverse(entry, key):
    bijector = bound(first_case(entry, key), entry)
    if not bijector.is_injective:
        return
    there_and_back = Invert(bijector)(bijector)
    assert isinstance(there_and_back, Chain)
    ranks = there_and_back.forward_min_event_ndims
    assert there_and_back.inverse_min_event_ndims == ranks
    shape = jax.tree.map(lambda n, s: (2,) * (n - len(s)) + tuple(s), ranks, entry.event_shape)
    assert there_and_back.forward_event_shape(shape) == shape
    x = jax.tree.map(
        lambda s: jax.ShapeDtypeStruct((4, *entry.batch_shape, *s), np.float32),
        shape,
        is_leaf=lambda node: isinstance(node, tuple) and all(isinstance(n, int) for n in node),
    )
    y, log_det = (
        jax.eval_shape(lambda x: there_and_back(x), x),
        jax.eval_shape(there_and_back.forward_log_det_jacobian, x),
    )
    assert jax.tree.map(lambda a: a.shape, y) == jax.tree.map(lambda a: a.shape, x)
    assert log_det.shape == (4, *entry.batch_shape)
