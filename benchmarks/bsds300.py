"""BSDS300: 63-dimensional patches of natural images, within a budget of minutes; test log-likelihood in nats.

    PUSHFORWARD_DATA=... python -m benchmarks.bsds300                       # one hour
    PUSHFORWARD_DATA=... python -m benchmarks.bsds300 --minutes 5           # a shorter run of the same
    PUSHFORWARD_DATA=... python -m benchmarks.bsds300 --recipe spline_autoregressive --minutes 5

The patches are made by the data folder's own `load.py` with the published recipe (8 x 8, dequantised, patch mean
subtracted, last pixel dropped; 1,000,000 / 50,000 / 250,000). They are redrawn, so published figures compare to some
+- 0.3 nats. Columns are whitened by the Cholesky factor of their training covariance, z = L^-1 (x - mean): z_i is what
pixel i adds to those before it. Its log-determinant is part of the figures.

    PUSHFORWARD_DATA=... python -m benchmarks.bsds300 --mix NAME ...        # of runs that were given a --name

An equal mixture of separate runs is an ensemble; give each its own `--seed`, and one core (`taskset -c 0 ...`), to
train them at the same time. A patch is as natural in a mirror or turned, so one flow gives eight: each g of the eight
symmetries of the square is a linear map of the 63 columns of determinant +-1, and the mean of p(g x) over them is a
density. `--mix` scores that too, for one NAME or more.

    PUSHFORWARD_DATA=... python -m benchmarks.bsds300 --recipe spline_autoregressive --layers 5 --units 512 512 \
        --affine 5 --symmetries --precision tensorfloat32 --batch-size 1024 --minutes 6.2      # for a GPU

`--symmetries` trains on all eight versions of every patch, and scores their mean too. `--affine` puts so many affine
autoregressive layers between the recipe's and the data: what a pixel may be scales with its neighbours' contrast.

The budget covers whitening, compiling, training and validation, not making the patches. Steps are timed first, on the
compiled program that trains; as many epochs are taken as fit into what is left, under one cosine schedule. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent / "results"
VALIDATION_ROWS = 20_000


def patches(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training, validation and test patches, float32."""
    path = Path(os.environ.get("PUSHFORWARD_DATA", "")) / "load.py"
    if not os.environ.get("PUSHFORWARD_DATA") or not path.exists():
        sys.exit("Set PUSHFORWARD_DATA to the folder that holds load.py and bsds300.")
    spec = importlib.util.spec_from_file_location("load", path)
    load = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(load)
    return load.bsds300(n_train=rows)


def whitening(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(mean, matrix, log |det|) of z = matrix (x - mean), white and lower triangular."""
    mean = x.mean(0, dtype=np.float64)
    lower = np.linalg.cholesky(np.cov(x.T.astype(np.float64)))
    return mean, np.linalg.inv(lower), -float(np.log(np.diagonal(lower)).sum())


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--epochs", type=int, help="so many, instead of those that --minutes allow")
    parser.add_argument("--recipe", default="maf", help="of pushforward.flows")
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--units", type=int, nargs="+", default=[256, 256])
    parser.add_argument("--activation", default="silu")
    parser.add_argument("--permutation", default="lu")
    parser.add_argument("--more", type=json.loads, default={}, help="other arguments of the recipe, as JSON")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--clip", type=float, default=5.0)
    parser.add_argument("--ema", type=float, default=0.9995)
    parser.add_argument("--affine", type=int, default=0, help="affine autoregressive layers next to the data")
    parser.add_argument("--symmetries", action="store_true", help="train on patches turned and mirrored too")
    parser.add_argument("--precision", help="of the networks' products: matmul_precision of fit")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="", help="keep checkpoint, model and result below benchmarks/results as this")
    parser.add_argument("--mix", nargs="+", metavar="NAME", help="score the mixture of these runs instead")
    return parser.parse_args()


def turned_and_mirrored(x: np.ndarray) -> Iterator[np.ndarray]:
    """The patches under the eight symmetries of the square; the pixel left out is minus the sum of the others."""
    square = np.concatenate([x, -x.sum(1, keepdims=True)], 1).reshape(-1, 8, 8)
    for a in (square, square.transpose(0, 2, 1)):
        for b in (a, a[:, ::-1], a[:, :, ::-1], a[:, ::-1, ::-1]):
            yield b.reshape(-1, 64)[:, :63]


def scores_of(model: Any, x: np.ndarray) -> np.ndarray:
    """log p of each row, in slices."""
    import jax

    log_prob = jax.jit(lambda model, x: model.log_prob(x))
    return np.concatenate([np.asarray(log_prob(model, x[k : k + 5000]), np.float64) for k in range(0, len(x), 5000)])


def mix(names: list[str], whitened: Callable[[np.ndarray], np.ndarray], test: np.ndarray, log_det: float) -> None:
    """Print what each of the runs, their equal mixture, and that over the eight symmetries too give the test rows."""
    import pushforward as pf

    models = [pf.load(FOLDER / f"bsds300-{name}" / "model") for name in names]
    copies = [whitened(x) for x in turned_and_mirrored(test)]
    each = log_det + np.stack([[scores_of(model, x) for x in copies] for model in models])
    line: dict[str, Any] = {"members": dict(zip(names, each[:, 0].mean(1).tolist(), strict=True))}
    for name, part in (("mixture", each[:, :1]), ("symmetric", each)):
        together = np.logaddexp.reduce(part.reshape(-1, len(test)), axis=0) - np.log(part.shape[0] * part.shape[1])
        line[name] = {"test_ll": together.mean(), "test_se": together.std() / len(together) ** 0.5}
    (FOLDER / f"bsds300-{'+'.join(names)}-mixed.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line))


def model_of(chosen: argparse.Namespace, dim: int) -> Any:
    """The recipe's flow, with the affine layers that were asked for next to the data."""
    import jax

    from pushforward import flows
    from pushforward.bijectors import Chain
    from pushforward.distributions import TransformedDistribution

    key = jax.random.key(chosen.seed)
    shared = {
        "hidden_units": tuple(chosen.units),
        "activation": getattr(jax.nn, chosen.activation),
        "permutation": None if chosen.permutation == "none" else chosen.permutation,
    }
    flow = getattr(flows, chosen.recipe)(key, dim, layers=chosen.layers, **shared, **chosen.more)
    if not chosen.affine:
        return flow
    affine = flows.maf(jax.random.fold_in(key, 1), dim, layers=chosen.affine, **shared)
    return TransformedDistribution(flow.base, Chain([affine.bijector, flow.bijector]))


def main() -> None:
    """Train within the budget, and score all test patches."""
    chosen = options()
    import jax

    import pushforward as pf

    pf.training.enable_compilation_cache()
    parts = patches(chosen.rows)
    began = time.monotonic()
    mean, matrix, log_det = whitening(parts[0])

    def whitened(x: np.ndarray) -> np.ndarray:
        return ((x - mean) @ matrix.T).astype(np.float32)

    if chosen.mix:
        mix(chosen.mix, whitened, parts[2], log_det)
        return
    train, validation, test = map(whitened, parts)
    if chosen.symmetries:
        # Mixed, so that the first rows are some of each.
        train = np.stack([whitened(x) for x in turned_and_mirrored(parts[0])], 1).reshape(-1, train.shape[1])
    model = model_of(chosen, train.shape[1])
    settings = {
        "batch_size": chosen.batch_size, "learning_rate": chosen.rate, "max_grad_norm": chosen.clip,
        "ema_decay": chosen.ema, "patience": None, "validation_data": validation[:VALIDATION_ROWS],
        "matmul_precision": chosen.precision,
    }  # fmt: skip

    def said(record) -> None:
        print(
            f"{time.monotonic() - began:6.0f} s  epoch {record.epoch}: train {log_det - record.train_loss:.3f}, "
            f"validation {log_det - record.validation_loss:.3f}",
            flush=True,
        )

    def within(seconds: float) -> int:
        """How many epochs fit into the seconds: of 1 % of the rows, the first run compiles, the others take steps."""
        few = train[: max(len(train) // 100, 10 * chosen.batch_size)]
        taken = []
        for passes in (1, 1, 5):
            start = time.monotonic()
            pf.fit(jax.random.key(1), model, few, epochs=passes, progress=False, **settings)
            taken.append(time.monotonic() - start)
        validating = 0.25 * VALIDATION_ROWS  # a forward pass is a third to a quarter of a step
        epoch = (taken[2] - taken[1]) / 4 * (len(train) + validating) / (len(few) + validating)
        epochs = max(1, int((seconds - sum(taken)) / epoch))
        print(f"{taken[0]:.0f} s to compile and start; {epoch:.0f} s an epoch: {epochs} epochs", flush=True)
        return epochs

    epochs = chosen.epochs or within(60 * chosen.minutes - (time.monotonic() - began))
    result = pf.fit(
        jax.random.key(chosen.seed + 1), model, train, epochs=epochs, progress=said, resume=False,
        checkpoint=FOLDER / f"bsds300-{chosen.name}" / "run" if chosen.name else None, checkpoint_seconds=300,
        **settings,
    )  # fmt: skip
    spent = time.monotonic() - began
    scores = scores_of(result.model, test)
    line: dict[str, Any] = {
        "test_ll": log_det + scores.mean(),
        "test_se": scores.std() / len(scores) ** 0.5,
        "validation_ll": log_det - min(result.history.validation_loss),
        "seconds": spent,
        "epochs": len(result.history),
        "cores": len(os.sched_getaffinity(0)),
        "options": vars(chosen),
    }
    if chosen.symmetries:
        each = np.stack([scores_of(result.model, whitened(x)) for x in turned_and_mirrored(parts[2])])
        together = log_det + np.logaddexp.reduce(each, axis=0) - np.log(len(each))
        line["symmetric"] = {"test_ll": together.mean(), "test_se": together.std() / len(together) ** 0.5}
    if chosen.name:
        pf.save(FOLDER / f"bsds300-{chosen.name}" / "model", result.model, overwrite=True)
        (FOLDER / f"bsds300-{chosen.name}.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
