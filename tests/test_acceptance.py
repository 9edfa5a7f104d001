"""Default fits of real tables, found in the folder that PUSHFORWARD_DATA names: `make acceptance`."""

import os

import jax
import numpy as np
import pytest

import pushforward as pf
from pushforward import flows

pytestmark = [pytest.mark.acceptance, pytest.mark.standard_promotion]

# Test log-likelihood of the best Gaussian mixture of 1 to 20 components chosen on validation, same rows, same
# standardisation: python -m benchmarks.gaussian_mixture.
MIXTURES = {"protein": 0.578, "htru2": 5.184, "power_head": 0.544, "gaia": -8.832}


@pytest.mark.parametrize("name", MIXTURES)
def test_default_beats_the_best_gaussian_mixture(name, tmp_path):
    if "PUSHFORWARD_DATA" not in os.environ:
        pytest.fail("set PUSHFORWARD_DATA to the folder with the data sets; the acceptance tests train on them")
    from benchmarks.data import main

    main([name, "--out", str(tmp_path)])
    with np.load(tmp_path / f"{name}.npz") as file:
        table = dict(file)
    key = jax.random.key(0)
    flow = flows.default(key, table["train"].shape[1])
    model = pf.fit(key, flow, table["train"], validation_data=table["val"], progress=False).model
    assert float(np.mean(np.asarray(model.log_prob(table["test"]), np.float64))) > MIXTURES[name]
