"""MADE on binarised MNIST: test negative log-likelihood in nats, beside Germain et al. 2015, table 6.

    PUSHFORWARD_DATA=... python -m benchmarks.made_mnist                     # one hidden layer, one mask
    PUSHFORWARD_DATA=... python -m benchmarks.made_mnist --units 500 500 --masks 32
    PUSHFORWARD_DATA=... python -m benchmarks.made_mnist --time              # one epoch, and what all would take

Pixels are drawn once, Bernoulli(grey / 255) by `RandomState(42)`, in the order of the rows: 50,000 to train, 10,000 to
validate, 10,000 to test. (The paper has another draw of the same kind.) The weights of the epoch with the lowest
validation loss are scored. With `--masks` above 1 each step is under one of so many orders and connections, and what
is scored is the ensemble of all of them; the members' own mean is given beside it.

A line is printed an epoch. The run keeps a checkpoint below `benchmarks/results`, and the same command goes on from it.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "results"


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bits of the training, validation and test rows, float32."""
    folder = os.environ.get("PUSHFORWARD_DATA", "")
    path = Path(folder) / "mnist" / "mnist.npz"
    if not folder or not path.exists():
        sys.exit("Set PUSHFORWARD_DATA to the folder that holds mnist/mnist.npz.")
    with np.load(path) as stored:
        grey = np.concatenate([stored["x_train"], stored["x_test"]]).reshape(-1, 784)
    rng = np.random.RandomState(42)
    bits = np.empty(grey.shape, np.float32)
    for start in range(0, len(grey), 10_000):
        part = grey[start : start + 10_000]
        bits[start : start + 10_000] = rng.random_sample(part.shape) < part / 255
    return bits[:50_000], bits[50_000:60_000], bits[60_000:]


def nats(model, x: np.ndarray) -> np.ndarray:
    """-log p of each row, in slices."""
    return np.concatenate([-np.asarray(model.log_prob(x[k : k + 1000]), np.float64) for k in range(0, len(x), 1000)])


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, nargs="+", default=[500], help="sizes of the hidden layers")
    parser.add_argument("--masks", type=int, default=1)
    parser.add_argument("--direct", action="store_true", help="inputs reach the outputs directly too")
    parser.add_argument("--mask-weights", action="store_true", help="let the network see its mask")
    parser.add_argument("--same-order", action="store_true", help="masks of connections alone, all in one order")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--patience", type=int, default=20)
    parser.add_argument("--order", default="random")
    parser.add_argument("--decay", type=float, default=0.0, help="of the weights, by AdamW")
    parser.add_argument("--precision", help="of the network's products: matmul_precision of fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time", action="store_true", help="one epoch only, nothing is kept")
    return parser.parse_args()


def main() -> None:
    """Train and score one setting."""
    chosen = options()
    import jax
    import optax

    import pushforward as pf
    from pushforward import flows
    from pushforward.distributions import MaskEnsemble
    from pushforward.nets import draw_masks
    from pushforward.training import order_agnostic

    train, validation, test = data()
    key = jax.random.key(chosen.seed)
    model = flows.made(
        key, 784, conditionals="bernoulli", hidden_units=chosen.units, order=chosen.order,
        direct=chosen.direct, mask_weights=chosen.mask_weights,
    )  # fmt: skip
    masks = None
    if chosen.masks > 1:
        masks = draw_masks(jax.random.fold_in(key, 1), model, chosen.masks, orders=not chosen.same_order)
    settings = {name: value for name, value in vars(chosen).items() if name != "time"}
    name = "made_mnist-" + "-".join(str(value).strip("[]").replace(", ", "x") for value in settings.values())
    started = time.monotonic()

    def progress(record) -> None:
        print(
            f"epoch {record.epoch}: train {record.train_loss:.3f}, validation {record.validation_loss:.3f}, "
            f"{record.seconds:.0f} s",
            flush=True,
        )

    result = pf.fit(
        key,
        model,
        train,
        loss="maximum_likelihood" if masks is None else order_agnostic(masks),
        validation_data=validation,
        epochs=1 if chosen.time else chosen.epochs,
        batch_size=chosen.batch_size,
        learning_rate=chosen.rate,
        optimizer=partial(optax.adamw, weight_decay=chosen.decay) if chosen.decay else None,
        matmul_precision=chosen.precision,
        patience=chosen.patience,
        checkpoint=None if chosen.time else FOLDER / name,
        resume=not chosen.time,
        progress=progress,
    )
    scored = result.model if masks is None else MaskEnsemble(result.model, masks)
    losses = nats(scored, test)
    line = {
        "model": "made",
        "units": chosen.units,
        "masks": chosen.masks,
        "epochs": len(result.history),
        "best_epoch": result.history.best_epoch,
        "validation_loss": min(result.history.validation_loss),
        "test_nll": losses.mean(),
        "test_se": losses.std(ddof=1) / len(losses) ** 0.5,
        "units_of_loss": "nats",
        "seconds": time.monotonic() - started,
    }
    if masks is not None:
        line["members_test_nll"] = float(np.mean([nats(scored[m], test).mean() for m in range(len(masks))]))
    if chosen.time:
        line["seconds_for_all_epochs"] = result.history[-1].seconds * chosen.epochs
    else:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
