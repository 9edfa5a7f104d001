"""Two moons with TFP 0.25 on TensorFlow and tf-keras ``fit``: the whole process.

The documented way: a ``TransformedDistribution``, its log density as the output of a Keras
model, and the negative of that output as the loss.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, since_start

tfb, tfd = tfp.bijectors, tfp.distributions


def build(dim: int, hidden: list[int], layers: int) -> tfd.Distribution:
    """Masked autoregressive layers with a reversal between."""
    chain = []
    for _ in range(layers):
        net = tfb.AutoregressiveNetwork(params=2, hidden_units=hidden, activation="relu")
        chain += [tfb.MaskedAutoregressiveFlow(net), tfb.Permute(list(range(dim))[::-1])]
    base = tfd.MultivariateNormalDiag(loc=tf.zeros(dim))
    return tfd.TransformedDistribution(base, tfb.Chain(chain[:-1]))


def main() -> None:
    """Train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    imported = since_start()
    tf_keras.utils.set_random_seed(arguments.seed)
    moons = Moons(arguments.points)
    flow = build(2, arguments.hidden, arguments.layers)
    inputs = tf_keras.layers.Input(shape=(2,), dtype=tf.float32)
    model = tf_keras.Model(inputs, flow.log_prob(inputs))
    adam = tf_keras.optimizers.Adam(learning_rate=ADAM_RATE)
    model.compile(optimizer=adam, loss=lambda _, log_prob: -log_prob)
    model.fit(
        x=moons.train,
        y=np.zeros((len(moons.train), 0), np.float32),
        batch_size=arguments.batch,
        epochs=arguments.epochs,
        shuffle=True,
        verbose=0,
    )
    trained = since_start()
    np.asarray(flow.log_prob(moons.grid))
    np.asarray(flow.sample(10_000))
    total = since_start()
    emit(
        "tfp",
        "moons",
        [total],
        ("tensorflow-probability", "tensorflow", "tf-keras"),
        nll=moons.raw_nll(np.asarray(flow.log_prob(moons.test))),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


if __name__ == "__main__":
    main()
