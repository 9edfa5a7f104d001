"""Every registered bijector is the same after save and load: the same structure, the same bits."""

import jax
import numpy as np
import pytest

from pushforward.core import trainable
from pushforward.io import load, save

from .test_bijectors import CASES


@pytest.mark.parametrize(("entry", "case"), CASES)
def test_loaded_is_equal(entry, case, key, tmp_path):
    saved = entry.cases[case](key)
    if not entry.saved:
        with pytest.raises(TypeError, match="register"):
            save(tmp_path / "model", saved)
        return
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
