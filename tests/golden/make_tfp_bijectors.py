"""Write tfp_bijectors.json: values and log-dets of TensorFlow Probability's bijectors in float64.

    python -m venv tfp && tfp/bin/pip install jax tfp-nightly
    tfp/bin/python tests/golden/make_tfp_bijectors.py

The tests read the file; TensorFlow Probability is needed to make it only. Its JAX substrate is used.
"""

import json
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow_probability  # noqa: E402, TID251
from tensorflow_probability.substrates import jax as tfp  # noqa: E402, TID251

LINE = [-20.0, -3.0, -1.0, -0.3, 0.0, 0.2, 1.0, 4.0, 20.0]
HALF_LINE = [1e-3, 0.2, 1.0, 4.0, 20.0]
VECTORS = [[0.3, -1.2, 2.0], [-4.0, 0.0, 0.7]]
TRIL = [[1.5, 0.0, 0.0], [-0.4, -0.8, 0.0], [0.3, 1.1, 2.0]]
SQUARE = [[0.3, 1.0, -2.0], [0.5, -1.2, 0.1], [0.2, 0.4, 2.0]]
TRIANGLES = [np.arange(1.0, 1 + n * (n + 1) // 2).tolist() for n in (1, 2, 3, 4, 5)]


def inner(name, **arguments):
    return {"bijector": name, "arguments": arguments}


# (class, arguments, inputs of forward, rank of an event)
CASES = [
    ("Identity", {}, LINE, 0),
    ("Shift", {"shift": -1.5}, LINE, 0),
    ("Scale", {"scale": -2.5}, LINE, 0),
    ("Scale", {"log_scale": 0.3}, LINE, 0),
    ("Exp", {}, LINE, 0),
    ("Log", {}, HALF_LINE, 0),
    ("Sigmoid", {}, LINE, 0),
    ("Sigmoid", {"low": -1.0, "high": 2.5}, LINE, 0),
    ("Tanh", {}, LINE[1:-1], 0),
    ("Softplus", {}, LINE, 0),
    ("Softplus", {"hinge_softness": 0.3, "low": -0.5}, LINE[1:], 0),
    ("NormalCDF", {}, [-20.0, -3.0, -1.0, 0.0, 0.2, 1.0, 4.0], 0),
    ("SoftmaxCentered", {}, VECTORS, 1),
    ("SoftmaxCentered", {}, [[0.3], [-2.0]], 1),
    ("Permute", {"permutation": [2, 0, 1]}, VECTORS, 1),
    ("Permute", {"permutation": [1, 2, 0], "axis": -2}, SQUARE, 2),
    ("Reshape", {"event_shape_out": [3, -1]}, [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 1),
    ("Reshape", {"event_shape_out": [2], "event_shape_in": [1, 2]}, [[[1.0, 2.0]]], 2),
    ("Split", {"num_or_size_splits": [1, -1]}, VECTORS, 1),
    ("Split", {"num_or_size_splits": 3, "axis": -2}, SQUARE, 2),
    ("ScaleMatvecDiag", {"scale_diag": [0.5, -2.0, 3.0]}, VECTORS, 1),
    ("ScaleMatvecTriL", {"scale_tril": TRIL}, VECTORS, 1),
    ("ScaleMatvecTriL", {"scale_tril": TRIL, "adjoint": True}, VECTORS, 1),
    *[("FillTriangular", {"upper": u}, TRIANGLES[n], 1) for u in (False, True) for n in range(5)],
    ("TransformDiagonal", {"diag_bijector": inner("Exp")}, SQUARE, 2),
    ("FillScaleTriL", {"diag_shift": 1e-5}, [0.3, -1.0, 2.0, 0.4, -3.0, 1.0], 1),
    ("FillScaleTriL", {"diag_bijector": inner("Exp"), "diag_shift": None}, [0.3, -1.0, 2.0, 0.4, -3.0, 1.0], 1),
    ("Chain", {"bijectors": [inner("Shift", shift=1.0), inner("Scale", scale=2.0)]}, [1.0, 2.0, 3.0], 0),
    ("Chain", {"bijectors": [inner("Sigmoid"), inner("ScaleMatvecTriL", scale_tril=TRIL)]}, VECTORS, 1),
    ("Invert", {"bijector": inner("Softplus")}, HALF_LINE, 0),
]  # fmt: skip


def build(value):
    """Numbers become arrays: TFP takes plain ones for float32."""
    if isinstance(value, dict) and "bijector" in value:
        return getattr(tfp.bijectors, value["bijector"])(**{k: build(v) for k, v in value["arguments"].items()})
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [build(v) for v in value]
    return np.asarray(value) if isinstance(value, float | list) and value and not _whole(value) else value


def _whole(value):
    return isinstance(value, list) and all(isinstance(v, int) for v in value)


def plain(tree):
    return [np.asarray(leaf).tolist() for leaf in tree] if isinstance(tree, list | tuple) else np.asarray(tree).tolist()


def run(name, arguments, x, rank):
    b = build({"bijector": name, "arguments": arguments})
    x = jnp.asarray(x)
    y = b.forward(x)
    batch = x.shape[: x.ndim - rank]
    out_rank = b.forward_event_ndims(rank)
    # A copy: of the array it gave, TFP remembers where it came from, and would return that for the inverse.
    y = [jnp.asarray(np.array(part)) for part in y] if isinstance(y, list | tuple) else jnp.asarray(np.array(y))
    back = jnp.broadcast_to(b.inverse_log_det_jacobian(y, out_rank), batch)
    return {
        "bijector": name,
        "arguments": arguments,
        "event_ndims": rank,
        "x": x.tolist(),
        "y": plain(y),
        "inverse": b.inverse(y).tolist(),
        "forward_log_det": jnp.broadcast_to(b.forward_log_det_jacobian(x, rank), batch).tolist(),
        "inverse_log_det": back.tolist(),
    }


if __name__ == "__main__":
    contents = {
        "source": f"tensorflow_probability {tensorflow_probability.__version__}, JAX substrate, float64",
        "cases": [run(*case) for case in CASES],
    }
    lines = ",\n".join(json.dumps(case) for case in contents["cases"])
    text = f'{{"source": {json.dumps(contents["source"])},\n"cases": [\n{lines}\n]}}\n'
    Path(__file__).with_name("tfp_bijectors.json").write_text(text)
