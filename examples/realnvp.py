"""RealNVP in three layers: why the coordinates are permuted in between.

    python examples/realnvp.py [--out pictures] [--small]

A coupling layer moves half of the coordinates, by an amount that the other half decides:

    y₁ = x₁,    y₂ = x₂ exp(s(x₁)) + t(x₁),    log |det dy/dx| = s(x₁).

Both directions are one call of the network (s, t), which may be any function at all: it is never inverted. The price is
y₁ = x₁. More such layers do not help, as all of them leave the same coordinate alone; permutations between them do.
Here are two flows of the same three layers, one with permutations and one without.

Dinh, Sohl-Dickstein & Bengio (2017), Density estimation using Real NVP.
"""

import jax
import jax.numpy as jnp
from matplotlib.figure import Figure

import pushforward as pf
from helpers import BLUE, GREEN, ORANGE, Page, plane, two_moons
from pushforward.bijectors import Chain, Permute, RealNVP, real_nvp_default_template
from pushforward.distributions import MultivariateNormalDiag, TransformedDistribution


def coupling(key: jax.Array, hidden_layers: list[int]) -> RealNVP:
    """One layer for the plane: the first coordinate stays and steers the second."""
    network = real_nvp_default_template(hidden_layers, input_units=1, output_units=1, key=key)
    return RealNVP(num_masked=1, shift_and_log_scale_fn=network)


def three_layers(key: jax.Array, hidden_layers: list[int], *, permute: bool) -> TransformedDistribution:
    """Three coupling layers on a standard normal. The last of the list is applied first."""
    first, second, third = (coupling(k, hidden_layers) for k in jax.random.split(key, 3))
    swap = Permute([1, 0])
    chain = Chain([third, swap, second, swap, first]) if permute else Chain([third, second, first])
    return TransformedDistribution(MultivariateNormalDiag(loc=jnp.zeros(2)), chain)


def main(argv: list[str] | None = None) -> None:
    """Run the example."""
    page = Page(__doc__, argv)
    moons = two_moons(page.size(10_000, 2_000), seed=0), two_moons(5_000, seed=1)
    train, test = ((x - moons[0].mean(0)) / moons[0].std(0) for x in moons)

    fitted, nll = {}, {}
    learn = {"epochs": page.size(50, 120), "batch_size": page.size(256, 64), "patience": None}  # the same for both
    for permute in (True, False):
        flow = three_layers(jax.random.key(0), page.size([128, 128], [32, 32]), permute=permute)
        fitted[permute] = pf.fit(jax.random.key(1), flow, train, **learn).model
        nll[permute] = -float(jnp.mean(fitted[permute].log_prob(test)))
    page.promise("test NLL with permutations, nats", nll[True], at_most=page.size(1.45, 1.9))
    page.promise("test NLL without, nats", nll[False], at_least=nll[True] + page.size(0.4, 0.1))

    z = jax.random.normal(jax.random.key(2), (page.size(4_000, 1_000), 2))
    x = {permute: flow.bijector.forward(z) for permute, flow in fitted.items()}
    moved = {permute: jnp.mean(jnp.abs(x[permute] - z), axis=0) for permute in x}
    page.promise("mean distance that x₁ and x₂ move with permutations", moved[True], at_least=0.1)
    page.promise("mean distance that x₁ moves without", moved[False][0], near=0.0)

    bijector = fitted[True].bijector
    back, log_det = bijector.inverse_and_log_det(x[True])
    cancel = jnp.max(jnp.abs(log_det + bijector.forward_log_det_jacobian(z)))
    page.promise("round trip z -> x -> z, largest error", jnp.max(jnp.abs(back - z)), at_most=1e-2)
    page.promise("sum of the two log-dets, largest", cancel, at_most=1e-2)

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    shown = (
        ("data", test[: len(z)], GREEN),
        (f"with permutations, NLL {nll[True]:.2f}", x[True], BLUE),
        (f"without, NLL {nll[False]:.2f}: $x_1$ stays normal", x[False], ORANGE),
    )
    for axes, (title, points, colour) in zip(figure.subplots(1, 3), shown, strict=True):
        axes.scatter(*points.T, s=4, alpha=0.4, linewidths=0, color=colour)
        plane(axes, title, (-3, 3), (-3, 3))
    page.picture(figure, "realnvp")


if __name__ == "__main__":
    main()
