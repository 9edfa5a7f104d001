"""Checkpoints: a run that was cut off at any moment continues to the same bits.

cut off by            a callback between epochs; an interruption between calls inside an epoch; kill -9 of the process
what continues        parameters, optimiser, averages, best weights, patience, statistics, history
what is refused       other data, settings, model or key; a checkpoint in the way; damage of every kind; newer formats
the disk              a full one is an error at first and a warning later; files are whole or not there
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pushforward import distributions
from pushforward.bijectors import BatchNormalization, Chain, Scale, Shift
from pushforward.core import Module
from pushforward.training import checkpoint as files
from pushforward.training import fit
from pushforward.training.pace import Pace
from pushforward.training.resume import Keeper


class Gaussian(Module):
    """N(loc, exp(log_scale)^2) on vectors."""

    loc: jax.Array
    log_scale: jax.Array

    def log_prob(self, x):
        z = (x - self.loc) * jnp.exp(-self.log_scale)
        return jnp.sum(-0.5 * z**2 - self.log_scale, -1)


def gaussian():
    return Gaussian(jnp.zeros(2), jnp.zeros(2))


def table(seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, (200, 2)).astype(np.float32)


def run(folder=None, model=None, x=None, key=None, **changes):
    arguments = {
        "epochs": 6, "batch_size": 32, "learning_rate": 0.05, "ema_decay": 0.9, "checkpoint": folder,
        "checkpoint_seconds": 0.0, "progress": False,
    }  # fmt: skip
    key = jax.random.key(3) if key is None else key
    return fit(key, gaussian() if model is None else model, table() if x is None else x, **(arguments | changes))


def same(a, b):
    rows = [[(r.train_loss, r.validation_loss, r.learning_rate, r.skipped) for r in c.history] for c in (a, b)]
    leaves = [[np.asarray(leaf) for leaf in jax.tree.leaves(c.model)] for c in (a, b)]
    return rows[0] == rows[1] and a.stopped == b.stopped and all(map(np.array_equal, *leaves))


def interrupted_after(epoch):
    def callback(record):
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return callback


def normalised():
    bijector = Chain([Shift(jnp.zeros(2)), BatchNormalization(2, momentum=0.8), Scale(log_scale=jnp.zeros(2))])
    return distributions.TransformedDistribution(distributions.StandardNormal((2,)), bijector)


RUNS = {
    "averages": {},
    "patience": {"ema_decay": None, "patience": 2, "learning_rate": 0.5, "epochs": 30, "schedule": "constant"},
    "no validation": {"validation_fraction": 0.0},
    "optax": {"optimizer": optax.adamw},
    "statistics": {"model": normalised(), "ema_decay": None},
}


@pytest.mark.parametrize("name", RUNS)
def test_cut_off_between_epochs(tmp_path, name):
    whole = run(**RUNS[name])
    # Where patience ends the run, it is cut off while patience is running out.
    epoch = whole.history.best_epoch + 1 if whole.stopped == "patience" else 2
    cut = run(tmp_path, progress=interrupted_after(epoch), **RUNS[name])
    assert cut.stopped == "interrupted"
    assert len(cut.history) == epoch
    assert same(whole, run(tmp_path, resume=True, **RUNS[name]))
    assert os.listdir(tmp_path) == [files.FILE]


def test_patience_is_among_the_runs():
    assert run(**RUNS["patience"]).stopped == "patience"


@pytest.mark.parametrize("calls", [1, 2, 3, 9])
def test_cut_off_inside_an_epoch(tmp_path, monkeypatch, calls):
    whole = run()
    monkeypatch.setattr(Pace, "measured", lambda self, steps, seconds: None)  # one step a call, 6 calls an epoch
    left, save = calls, Keeper.save_if_due

    def save_and_stop(self, snapshot):
        nonlocal left
        save(self, snapshot)
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "save_if_due", save_and_stop)
    run(tmp_path)
    monkeypatch.undo()
    assert same(whole, run(tmp_path, resume=True))


_CHILD = """
import sys, time
sys.path[:0] = [{root!r}, {source!r}]
import jax
jax.config.update("jax_compilation_cache_dir", {cache!r})
from tests.test_resume import run
def slowly(record):
    print(record.epoch, flush=True)
    time.sleep(0.02)
run({folder!r}, epochs=40, progress=slowly)
"""


def test_kill_9(tmp_path):
    root = Path(__file__).resolve().parent.parent
    cache = jax.config.jax_compilation_cache_dir
    code = _CHILD.format(root=str(root), source=str(root / "src"), cache=cache, folder=str(tmp_path / "run"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if int(line) >= 5:
                break
        time.sleep(float(np.random.default_rng().uniform(0, 0.1)))  # any moment, writing included
        child.send_signal(signal.SIGKILL)
    _, record = files.read(str(tmp_path / "run"))
    assert 4 <= len(record["records"]) < 40
    assert same(run(epochs=40), run(tmp_path / "run", epochs=40, resume=True))


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    first = run(tmp_path)
    monkeypatch.setattr("pushforward.training.run.run_steps", None)
    again = run(tmp_path, resume=True)
    assert same(first, again)
    assert [r.seconds for r in again.history] == [r.seconds for r in first.history]


def test_resume_without_a_checkpoint_starts(tmp_path):
    assert same(run(), run(tmp_path / "a" / "new" / "folder", resume=True))


OTHERS = {
    "data": ({"x": table(1)}, "other data"),
    "weights": ({"sample_weight": np.arange(200)}, "other data"),
    "key": ({"key": jax.random.key(4)}, "another key"),
    "model": ({"model": Gaussian(jnp.zeros(2), jnp.zeros(()))}, "another structure"),
    "epochs": ({"epochs": 7}, "epochs=6, and this call has epochs=7"),
    "rate": ({"learning_rate": 0.1}, "learning_rate=0.05, and this call has learning_rate=0.1"),
    "optimizer": ({"optimizer": optax.adamw}, "optimizer=None"),
    "loss": ({"loss": lambda model, batch, key: jnp.sum(model.loc**2)}, "loss"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_run_is_refused(tmp_path, name):
    changes, words = OTHERS[name]
    run(tmp_path, epochs=6, progress=interrupted_after(1))
    before = (tmp_path / files.FILE).read_bytes()
    with pytest.raises(ValueError, match=words):
        run(tmp_path, resume=True, **changes)
    assert (tmp_path / files.FILE).read_bytes() == before


def test_a_checkpoint_in_the_way_is_not_overwritten(tmp_path):
    run(tmp_path, progress=interrupted_after(1))
    with pytest.raises(ValueError, match="resume=True"):
        run(tmp_path)


def test_damage_is_refused(tmp_path):
    run(tmp_path, progress=interrupted_after(1))
    path = tmp_path / files.FILE
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-3] ^= 1
    damaged = [
        b"",
        content[:5],
        content[: len(content) // 2],
        content[:-1],
        content + b"x",
        b"no such file",
        bytes(flipped),
    ]
    for bad in damaged:
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="damaged"):
            run(tmp_path, resume=True)
    path.write_bytes(content)
    assert same(run(), run(tmp_path, resume=True))


def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FORMAT", files.FORMAT + 1)
    run(tmp_path, epochs=1)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer version"):
        run(tmp_path, epochs=1, resume=True)


def test_a_full_disk(tmp_path, monkeypatch):
    whole = run()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    run(tmp_path / "a", progress=interrupted_after(2))
    before = (tmp_path / "a" / files.FILE).read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path / "b")
    assert os.listdir(tmp_path / "b") == []
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        assert same(whole, run(tmp_path / "a", resume=True))
    assert (tmp_path / "a" / files.FILE).read_bytes() == before


def test_the_record_is_plain_json(tmp_path):
    result = run(tmp_path, epochs=2)
    _, record = files.read(str(tmp_path))
    assert json.loads(json.dumps(record)) == record
    assert [values[1] for values in record["records"]] == result.history.train_loss
    assert record["done"] is True


def test_seldom_by_default(tmp_path, monkeypatch):
    written = []
    write = files.write
    monkeypatch.setattr(files, "write", lambda *arguments: written.append(write(*arguments)))
    run(tmp_path, checkpoint_seconds=30.0)
    assert len(written) == 2  # at the beginning and at the end
