"""Every registered bijector is the same after save and load: the same structure, the same bits."""

import inspect

import jax
import numpy as np
import pytest

from pushforward.core import trainable
from pushforward.io import load, register, save

from .. import registry
from .test_bijectors import CASES


@pytest.fixture
def registered(monkeypatch):
    """The functions that cases are built from, as a user registers theirs."""
    monkeypatch.setattr("pushforward.io.names._registered", {})
    for module in registry.MODULES:
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                register(value, name=f"{module.__name__}.{name}")


@pytest.mark.parametrize(("entry", "case"), CASES)
def test_loaded_is_equal(entry, case, key, tmp_path, registered):
    saved = entry.cases[case](key)
    save(tmp_path / "model", saved)
    loaded = load(tmp_path / "model")
    # One structure means one compiled program; with the same bits in, the same bits come out.
    assert jax.tree.structure(loaded) == jax.tree.structure(saved)
    for got, want in zip(jax.tree.leaves(loaded), jax.tree.leaves(saved), strict=True):
        got, want = np.asarray(got), np.asarray(want)
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        assert got.tobytes() == want.tobytes()
    assert jax.tree.leaves(trainable(loaded)) == jax.tree.leaves(trainable(saved))
    assert repr(loaded) == repr(saved)
