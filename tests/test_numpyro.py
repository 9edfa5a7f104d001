"""A flow is a distribution like any other in a NumPyro program: a prior, a guide, a likelihood, in plates, masked."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro import handlers
from numpyro.contrib.control_flow import scan
from numpyro.infer import MCMC, NUTS, SVI, Trace_ELBO
from numpyro.infer.util import log_density

from pushforward.bijectors import Bijector, Chain, Exp, Scale, ScaleMatvecTriL, Shift, Sigmoid
from pushforward.distributions import ConditionalDistribution, Normal, StandardNormal, TransformedDistribution

# y_k ~ N(z, 1), z a priori normal with this mean and covariance L L^T: the posterior of z is normal too.
MEAN, LOWER = np.array([1.0, -1.0]), np.array([[2.0, 0.0], [0.6, 0.5]])
DATA = np.array([[1.0, 0.0], [2.0, 0.3], [0.0, 0.1], [2.5, -0.4]])


def prior():
    return TransformedDistribution(StandardNormal(2), Chain([Shift(MEAN), ScaleMatvecTriL(LOWER)]))


def posterior():
    precision = np.linalg.inv(LOWER @ LOWER.T)
    covariance = np.linalg.inv(precision + len(DATA) * np.eye(2))
    return covariance @ (precision @ MEAN + DATA.sum(0)), covariance


def model(data):
    z = numpyro.sample("z", prior())
    with numpyro.plate("rows", len(data)):
        numpyro.sample("y", Normal(z, 1.0).to_event(1), obs=data)


@pytest.mark.standard_promotion  # NumPyro's adaptation of the step size
def test_nuts_recovers_a_conjugate_posterior(key):
    mcmc = MCMC(NUTS(model), num_warmup=150, num_samples=1000, progress_bar=False)
    mcmc.run(key, jnp.asarray(DATA))
    z = np.asarray(mcmc.get_samples()["z"])
    mean, covariance = posterior()
    # Four standard errors at half the nominal sample size.
    error = 4 * np.sqrt(np.diag(covariance) / (len(z) / 2))
    assert np.all(np.abs(z.mean(0) - mean) < error)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.15 * covariance.max())


class OneWay(Scale):
    """A scale that cannot be inverted."""

    def _inverse_and_log_det(self, y):
        raise AssertionError("the guide was inverted")


def test_svi_fits_a_flow_as_guide_without_inverting_it(key):
    def guide(data):
        shift = numpyro.param("shift", jnp.zeros(2))
        lower = numpyro.param("lower", jnp.eye(2))
        chain = Chain([Shift(shift), ScaleMatvecTriL(lower), OneWay(1.0)])
        numpyro.sample("z", TransformedDistribution(StandardNormal(2), chain))

    svi = SVI(model, guide, numpyro.optim.Adam(0.03), Trace_ELBO(num_particles=16))
    fitted = svi.run(key, 500, jnp.asarray(DATA), progress_bar=False).params
    mean, covariance = posterior()
    # Adam at a fixed step wanders by about the step's size.
    np.testing.assert_allclose(fitted["shift"], mean, atol=0.1)
    lower = np.tril(fitted["lower"])
    np.testing.assert_allclose(lower @ lower.T, covariance, atol=0.06)


def test_plates_masks_and_events(key):
    positive = Exp()(Normal(0.0, 1.0))
    vectors = TransformedDistribution(StandardNormal(2), Scale(2.0))
    kept = jnp.array([True, False, True])

    def program():
        with numpyro.plate("three", 3):
            numpyro.sample("scalar", positive)
            numpyro.sample("vector", vectors)
            numpyro.sample("kept", positive.mask(kept))
        numpyro.sample("event", positive.expand((3,)).to_event(1))

    trace = handlers.trace(handlers.seed(program, key)).get_trace()
    values = {name: site["value"] for name, site in trace.items() if site["type"] == "sample"}
    assert {name: value.shape for name, value in values.items()} == {
        "scalar": (3,),
        "vector": (3, 2),
        "kept": (3,),
        "event": (3,),
    }
    log_normal = numpyro.distributions.LogNormal(0.0, 1.0)
    expected = (
        log_normal.log_prob(values["scalar"]).sum()
        + Normal(0.0, 2.0).log_prob(values["vector"]).sum()
        + jnp.where(kept, log_normal.log_prob(values["kept"]), 0).sum()
        + log_normal.log_prob(values["event"]).sum()
    )
    # Once from the forward pass of sampling, once by inversion.
    np.testing.assert_allclose(sum(jnp.sum(site_log_prob(site)) for site in trace.values()), expected, rtol=1e-5)
    np.testing.assert_allclose(log_density(program, (), {}, values)[0], expected, rtol=1e-5)


def site_log_prob(site):
    if site["type"] != "sample":
        return jnp.zeros(())
    return site["fn"].log_prob(site["value"], *([site["intermediates"]] if site["intermediates"] else []))


def test_a_likelihood_with_a_condition_for_each_row(key):
    class ShiftedBy(Bijector):
        bound: jax.Array | None = None
        forward_min_event_ndims = 1

        def condition(self, c):
            return ShiftedBy(c)

        def _forward_and_log_det(self, x):
            return x + self.bound, jnp.zeros((), x.dtype)

        def _inverse_and_log_det(self, y):
            return y - self.bound, jnp.zeros((), y.dtype)

    flow = ConditionalDistribution(StandardNormal(2), ShiftedBy(), 2)
    rows = jnp.arange(10.0).reshape(5, 2)

    def program(observed):
        with numpyro.plate("rows", 5):
            numpyro.sample("y", flow(rows), obs=observed)

    total, _ = log_density(program, (rows + 1.0,), {}, {})
    np.testing.assert_allclose(total, 10 * Normal(0.0, 1.0).log_prob(1.0), rtol=1e-6)


def test_a_support_that_depends_on_another_variable(key):
    def program():
        width = numpyro.sample("width", Exp()(Normal(0.0, 0.3)))
        numpyro.sample("inside", Chain([Scale(width), Sigmoid()])(Normal(0.0, 1.0)))

    # Refuses where no start has a finite density and gradient in NumPyro's unconstrained coordinates.
    initial = numpyro.infer.util.initialize_model(key, program).param_info
    assert jnp.isfinite(initial.potential_energy)
    assert jnp.all(jnp.isfinite(jnp.stack(jax.tree.leaves(initial.z_grad))))


def test_a_time_series(key):
    def program():
        def step(level, _):
            level = numpyro.sample("level", TransformedDistribution(StandardNormal(2), Shift(level)))
            return level, level

        scan(step, jnp.zeros(2), None, length=4)

    trace = handlers.trace(handlers.seed(program, key)).get_trace()
    site = trace["level"]
    assert site["value"].shape == (4, 2)
    steps = jnp.diff(jnp.concatenate([jnp.zeros((1, 2)), site["value"]]), axis=0)
    # The sites of all steps come back as one, its leaves stacked.
    np.testing.assert_allclose(site["fn"].log_prob(site["value"]), StandardNormal(2).log_prob(steps), rtol=1e-5)
