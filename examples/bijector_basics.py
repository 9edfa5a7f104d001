"""Bijectors, one after another: figures that anybody can check by hand.

    python examples/bijector_basics.py [--out pictures] [--small]

A bijector maps forward and back and knows the log-determinant of its Jacobian. Called on a distribution it gives the
distribution of the mapped variable. Seven short sections:

    1  forward and inverse            5  two networks, their shapes, and what sees what
    2  the normal distribution        6  your own bijector: a class
    3  its relatives                  7  your own bijector: plain functions, and a slope that is learnt
    4  the relaxed categorical
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from numpyro.distributions import constraints

import pushforward as pf
from helpers import BLUE, ORANGE, Page
from pushforward.bijectors import (
    AutoregressiveNetwork,
    Bijector,
    Chain,
    Exp,
    Inline,
    Invert,
    Log,
    NormalCDF,
    Scale,
    Shift,
    Sigmoid,
    SoftmaxCentered,
    real_nvp_default_template,
)
from pushforward.distributions import Distribution, Exponential, Logistic, Normal, Uniform

ROUNDING = 2e-6  # float32 keeps seven digits; what follows takes a few operations


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    forward_and_inverse(page)
    normal(page)
    relatives(page)
    relaxed_categorical(page)
    networks(page)
    subclass(page)
    inline(page)


def forward_and_inverse(page: Page) -> None:
    """A chain applies the last of its list first, as in g ∘ f."""
    print("1  Forward and inverse")
    double = Scale(2.0)
    page.promise("Scale(2) forward [1, 2, 3]", double.forward(jnp.array([1.0, 2.0, 3.0])), near=[2.0, 4.0, 6.0])
    page.promise("Scale(2) inverse [5, 3, 1]", double.inverse(jnp.array([5.0, 3.0, 1.0])), near=[2.5, 1.5, 0.5])
    chain = Chain([Shift(1.0), Scale(2.0)])
    page.promise(
        "Chain([Shift(1), Scale(2)]) forward [1, 2, 3]", chain.forward(jnp.array([1.0, 2.0, 3.0])), near=[3.0, 5.0, 7.0]
    )
    page.promise(
        "Chain([Shift(1), Scale(2)]) inverse [2, 5, 8]", chain.inverse(jnp.array([2.0, 5.0, 8.0])), near=[0.5, 2.0, 3.5]
    )


def normal(page: Page) -> None:
    """The standard normal is what the inverse of its own CDF makes of a uniform variable."""
    print("2  The normal distribution")
    from_uniform = Invert(NormalCDF())(Uniform(0.0, 1.0))
    page.promise(
        "log p(2.01) of N(0, 1), from Uniform(0, 1)", from_uniform.log_prob(2.01), near=-2.938989, within=ROUNDING
    )

    points, cdf = jnp.array([0.0, 0.5, 1.0]), [0.5, 0.6914625, 0.8413447]
    standard, scaled = Normal(0.0, 1.0), Scale(2.0)(Normal(0.0, 1.0))
    log_p, log_q = [-0.9189385, -1.0439385, -1.4189385], [-1.6120857, -1.7370857, -2.1120858]
    page.promise("N(0, 1): log p at 0, 0.5, 1", standard.log_prob(points), near=log_p, within=ROUNDING)
    page.promise("N(0, 1): CDF", standard.cdf(points), near=cdf, within=ROUNDING)
    page.promise("scaled by 2: log p at the images 0, 1, 2", scaled.log_prob(2 * points), near=log_q, within=ROUNDING)
    page.promise("scaled by 2: CDF, unchanged", scaled.cdf(2 * points), near=cdf, within=ROUNDING)


def relatives(page: Page) -> None:
    """Distributions with names of their own are simple maps of others; the picture shows samples under the formulae."""
    print("3  Its relatives")
    rate = 1.5
    log_normal = Exp()(Normal(0.0, 0.5))
    gumbel = Chain([Scale(-1.0), Log()])(Exponential(1.0))  # -log of an exponential variable
    exponential = Chain([Scale(-1 / rate), Log(), Shift(1.0), Scale(-1.0)])(Uniform(0.0, 1.0))  # -log(1 - u) / rate

    x = jnp.array([0.2, 1.0, 3.0])
    by_hand = -jnp.log(x) - jnp.log(x) ** 2 / (2 * 0.5**2) - math.log(0.5 * math.sqrt(2 * math.pi))
    page.promise("LogNormal = Exp of Normal(0, 0.5): log p", log_normal.log_prob(x), near=by_hand, within=5e-6)
    page.promise("Gumbel = −log of Exponential(1): log p", gumbel.log_prob(x), near=-x - jnp.exp(-x), within=5e-6)
    page.promise("Gumbel: CDF", gumbel.cdf(x), near=jnp.exp(-jnp.exp(-x)), within=5e-6)
    # In 1 - exp(-rate x) digits cancel.
    page.promise("Uniform → Exponential(1.5): CDF", exponential.cdf(x), near=1 - jnp.exp(-rate * x), within=5e-6)

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    shown = (
        ("LogNormal: Exp of Normal(0, 0.5)", log_normal, (0.01, 4.0)),
        ("Gumbel: −log of Exponential(1)", gumbel, (-2.5, 6.0)),
        ("Exponential(1.5): −log(1 − u) / 1.5", exponential, (0.0, 4.0)),
    )
    for axes, (title, flow, window) in zip(figure.subplots(1, 3), shown, strict=True):
        samples = np.asarray(flow.sample(jax.random.key(0), (page.size(20_000, 5_000),)))
        side = np.linspace(*window, 300)
        # Each bar has the share of all samples over its width, also where the window cuts some off.
        heights = np.full(len(samples), 60 / (window[1] - window[0]) / len(samples))
        axes.hist(samples, bins=60, range=window, weights=heights, color=ORANGE, alpha=0.6, label="samples")
        axes.plot(side, np.exp(flow.log_prob(side)), color=BLUE, label="exp(log_prob)")
        axes.set_title(title, fontsize="medium")
        axes.set(xlabel="x", xlim=window, ylim=(0, None))
    figure.axes[0].set_ylabel("density")
    figure.axes[0].legend(frameon=False)
    page.picture(figure, "bijector_basics")


class GumbelDifferences(Distribution):
    """u_i = g_i − g_K, i < K, of K standard Gumbel variables g: p(u) = (K − 1)! exp(−Σu) / (1 + Σ exp(−u))^K."""

    support = constraints.real_vector

    def sample(self, key, sample_shape=()):
        gumbel = jax.random.gumbel(key, (*sample_shape, self.event_shape[0] + 1))
        return gumbel[..., :-1] - gumbel[..., -1:]

    def log_prob(self, value):
        classes = self.event_shape[0] + 1
        total = jax.nn.logsumexp(jnp.concatenate([-value, jnp.zeros_like(value[..., :1])], -1), -1)
        return math.lgamma(classes) - jnp.sum(value, -1) - classes * total


def concrete_log_density(y: jax.Array, logits: jax.Array, temperature: float) -> jax.Array:
    """Of softmax((logits + Gumbel) / temperature): Maddison, Mnih & Teh (2017), definition 1."""
    terms, classes = logits - temperature * jnp.log(y), y.shape[-1]
    constant = math.lgamma(classes) + (classes - 1) * math.log(temperature)
    return constant + jnp.sum(terms - jnp.log(y), -1) - classes * jax.nn.logsumexp(terms, -1)


def relaxed_categorical(page: Page) -> None:
    """Concrete, or RelaxedOneHotCategorical: a softmax sees K variables by their differences to the last alone."""
    print("4  The relaxed categorical")
    logits, temperature = jnp.array([0.3, -1.0, 0.6]), 0.7
    to_simplex = Chain([SoftmaxCentered(), Scale(1 / temperature), Shift(logits[:-1] - logits[-1])])
    concrete = to_simplex(GumbelDifferences((), (2,)))
    y = jnp.array([[0.2, 0.3, 0.5], [0.9, 0.05, 0.05]])
    exact = concrete_log_density(y, logits, temperature)
    page.promise("K = 3, SoftmaxCentered of Gumbel differences: log p", concrete.log_prob(y), near=exact, within=5e-6)

    draws = page.size(20_000, 5_000)
    winner = jnp.argmax(concrete.sample(jax.random.key(1), (draws,)), axis=-1)
    share = jnp.mean(jax.nn.one_hot(winner, 3), axis=0)
    page.promise(
        "largest entry: frequencies = softmax(logits)", share, near=jax.nn.softmax(logits), within=2 / draws**0.5
    )

    two = logits[:2]
    relaxed = Chain([Sigmoid(), Scale(1 / temperature), Shift(two[0] - two[1])])(Logistic(0.0, 1.0))
    first = jnp.array([0.02, 0.5, 0.97])
    exact = concrete_log_density(jnp.stack([first, 1 - first], -1), two, temperature)
    page.promise("K = 2, Sigmoid of Logistic: log p", relaxed.log_prob(first), near=exact, within=5e-6)


def networks(page: Page) -> None:
    """What computes the shifts and scales of autoregressive and of coupling layers."""
    print("5  Two networks")
    network = AutoregressiveNetwork(params=2, event_shape=[3], hidden_units=[16, 16], key=jax.random.key(0))
    page.promise("AutoregressiveNetwork: shape (2, 3) gives", network(jnp.ones((2, 3))).shape, near=[2, 3, 2])
    # Entry (i, j): whether one of the two outputs of coordinate i changes with input j.
    sees = jnp.any(jax.jacobian(network)(jnp.array([0.3, -0.5, 0.8])) != 0, axis=1).astype(int)
    page.promise("output i sees the inputs before i only", sees, near=[[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    template = real_nvp_default_template([512, 512], input_units=2, output_units=1, key=jax.random.key(0))
    shift, log_scale = template(jnp.ones(2), 1)
    page.promise(
        "RealNVP, D = 3, d = 2: shapes of shift and log-scale", [shift.shape, log_scale.shape], near=[[1], [1]]
    )


class HandWrittenSigmoid(Bijector):
    """y = 1 / (1 + exp(−x)): two directions and one log-det are enough, the rest follows."""

    forward_min_event_ndims = 0
    is_increasing = True

    def _forward(self, x):
        return jax.nn.sigmoid(x)

    def _inverse(self, y):
        return jnp.log(y) - jnp.log1p(-y)

    def _forward_log_det_jacobian(self, x):
        return -jax.nn.softplus(-x) - jax.nn.softplus(x)


def subclass(page: Page) -> None:
    """A class of one's own is a bijector like any other."""
    print("6  A class of your own")
    ours, own, x = Sigmoid(), HandWrittenSigmoid(), jnp.array([-3.0, 0.0, 0.5])
    y = own.forward(x)
    page.promise("sigmoid by hand: forward", y, near=ours.forward(x), within=ROUNDING)
    page.promise("and back", own.inverse(y), near=x, within=5e-6)
    slope = jnp.log(jax.vmap(jax.grad(jax.nn.sigmoid))(x))
    page.promise(
        "its log-det against automatic differentiation", own.forward_log_det_jacobian(x), near=slope, within=ROUNDING
    )
    inverse = own.inverse_log_det_jacobian(y)
    page.promise("that of the inverse, which nobody wrote", inverse, near=-slope, within=5e-6)
    page.promise(
        "logit-normal median, quantile(0.5)",
        own(Normal(1.0, 2.0)).quantile(0.5),
        near=jax.nn.sigmoid(1.0),
        within=ROUNDING,
    )


def leaky(log_slope: jax.Array, x: jax.Array) -> jax.Array:
    """x where x ≥ 0, and slope · x elsewhere."""
    return jnp.where(x < 0, jnp.exp(log_slope) * x, x)


def leaky_inverse(log_slope: jax.Array, y: jax.Array) -> jax.Array:
    """y where y ≥ 0, and y / slope elsewhere."""
    return jnp.where(y < 0, jnp.exp(-log_slope) * y, y)


def leaky_log_det(log_slope: jax.Array, x: jax.Array) -> jax.Array:
    """0 where x ≥ 0, and log(slope) elsewhere."""
    return jnp.where(x < 0, log_slope, 0.0)


def inline(page: Page) -> None:
    """Functions with an array bound to them by `Partial`: the array is a parameter, one for all three, and trains."""
    print("7  Plain functions, and a slope that is learnt")
    log_slope = jnp.array(0.0)
    prelu = Inline(
        forward_fn=jax.tree_util.Partial(leaky, log_slope),
        inverse_fn=jax.tree_util.Partial(leaky_inverse, log_slope),
        forward_log_det_jacobian_fn=jax.tree_util.Partial(leaky_log_det, log_slope),
        forward_min_event_ndims=0,
        is_increasing=True,
    )
    # Data whose negative half is five times as narrow as its positive one.
    z = np.random.default_rng(0).standard_normal(page.size(20_000, 5_000))
    data = np.where(z < 0, 0.2 * z, z)
    flow = pf.fit(jax.random.key(0), prelu(Normal(0.0, 1.0)), data, epochs=page.size(20, 10), learning_rate=3e-2).model
    page.promise(
        "slope learnt, which began at 1", -flow.bijector.forward(-1.0), near=0.2, within=page.size(0.005, 0.02)
    )
    # The two halves keep their probability: P(x < 0) = 1/2 whatever the slope.
    page.promise(
        "CDF at 0 and at −0.2", flow.cdf(jnp.array([0.0, -0.2])), near=[0.5, 0.1587], within=page.size(0.005, 0.02)
    )


if __name__ == "__main__":
    main()
