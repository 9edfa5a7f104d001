"""`save` and `load`: the same bits, structure and compiled programs come back; what cannot come back is refused."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import constraints, transforms

import pushforward as pf
from pushforward import bijectors as b
from pushforward import core
from pushforward.distributions import (
    ConditionalDistribution,
    MultivariateNormalDiag,
    StandardNormal,
    TransformedDistribution,
)
from pushforward.io.functions import function_table
from pushforward.io.names import find, name_of
from pushforward.nets import AutoregressiveNetwork


def leaf_facts(leaf):
    """Everything about a leaf that a program can see."""
    if not hasattr(leaf, "dtype"):
        return type(leaf), repr(leaf)
    kind = "jax" if isinstance(leaf, jax.Array) else type(leaf)
    weak = getattr(leaf, "weak_type", None)
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return kind, str(leaf.dtype), jax.random.key_data(leaf).tolist()
    plain = np.asarray(leaf)
    return kind, weak, plain.dtype.name, plain.shape, plain.astype(plain.dtype.newbyteorder("=")).tobytes()


def assert_same(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert leaf_facts(left) == leaf_facts(right)


def save_and_load(tmp_path, model, **options):
    pf.save(tmp_path / "model", model, **options)
    return pf.load(tmp_path / "model")


def maf(key, dim=3, condition_dim=None, depth=2):
    def layer(key):
        net = AutoregressiveNetwork(
            2,
            dim,
            conditional=condition_dim is not None,
            conditional_event_shape=condition_dim,
            hidden_units=(8,),
            activation=jax.nn.silu,
            key=key,
        )
        return b.Chain([b.MaskedAutoregressiveFlow(net), b.Permute(jnp.arange(dim - 1, -1, -1))])

    stack = b.Stack([layer(k) for k in jax.random.split(key, depth)])
    if condition_dim is None:
        return TransformedDistribution(StandardNormal(dim), stack)
    return ConditionalDistribution(MultivariateNormalDiag(jnp.zeros(dim)), stack, condition_dim, train_base=True)


KEY = jax.random.key(7)
MODULES = {
    "chain": lambda: b.Chain([b.Shift(jnp.arange(3.0)), b.Invert(b.Scale(log_scale=jnp.asarray(2.0)))]),
    "empty chain": lambda: b.Chain([]),
    "stack": lambda: b.Stack([b.Scale(2.0), b.Scale(3.0)]),
    "frozen part": lambda: b.Chain([pf.freeze(b.Scale(2.0)), b.Scale(3.0)]),
    "unfrozen": lambda: pf.unfreeze(pf.freeze(b.Scale(2.0))),
    "frozen foreign": lambda: pf.freeze(eqx.nn.Linear(2, 3, key=KEY)),
    "after tree.map": lambda: jax.tree.map(lambda x: x, b.Chain([b.Scale(2.0)])),
    "bound": lambda: maf(KEY, condition_dim=2)(jnp.ones(2)),
    "validating": lambda: b.Scale(2.0, validate_args=True),
    "function": lambda: core.as_callable(jnp.tanh),
    "equinox net": lambda: eqx.nn.MLP(2, 3, 4, 2, key=KEY),
    "equinox net as a callable": lambda: core.as_callable(eqx.nn.MLP(2, 3, 4, 2, activation=jax.nn.gelu, key=KEY)),
    "equinox layers": lambda: eqx.nn.Sequential([eqx.nn.Lambda(jnp.sin), eqx.nn.Dropout(0.5), eqx.nn.LayerNorm(3)]),
    "scalar flow": lambda: b.Exp()(dist.Normal(0.0, 1.0)),
    "lifted": lambda: TransformedDistribution(dist.Normal(0.0, 1.0), b.Exp(), event_shape=(2,), batch_shape=(3,)),
    "frozen flow": lambda: pf.freeze(maf(KEY)),
    "conditional": lambda: maf(KEY, condition_dim=2),
    "several": lambda: {"flow": maf(KEY), "scale": (b.Scale(2.0), [None, 1])},
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_come_back_as_they_were(tmp_path, name):
    model = MODULES[name]()
    loaded = save_and_load(tmp_path, model)
    assert_same(model, loaded)
    assert jax.tree.leaves(pf.trainable(model)) == jax.tree.leaves(pf.trainable(loaded))
    assert repr(model) == repr(loaded)


def test_same_bits_from_the_same_compiled_program(tmp_path, key):
    traces = []

    @jax.jit
    def run(flow, key):
        traces.append(1)
        return flow.sample_and_log_prob(key, (5,))

    flow = maf(key)
    loaded = save_and_load(tmp_path, flow)
    x, log_prob = run(flow, key)
    y, again = run(loaded, key)
    assert np.asarray(x).tobytes() == np.asarray(y).tobytes()
    assert np.asarray(log_prob).tobytes() == np.asarray(again).tobytes()
    assert len(traces) == 1
    assert np.asarray(flow.log_prob(x)).tobytes() == np.asarray(loaded.log_prob(x)).tobytes()


NUMPYRO = [
    lambda: dist.Normal(0.0, 1.0),
    lambda: dist.Normal(jnp.zeros(3), 2.0, validate_args=True).to_event(1),
    lambda: dist.Normal(0.0, 1.0).expand([3]).to_event(1),
    lambda: dist.Uniform(0.0, jnp.ones(2)),
    lambda: dist.Beta(1.0, 2.0),
    lambda: dist.LogNormal(0.0, 1.0),
    lambda: dist.StudentT(3.0, jnp.zeros(2), 1.0),
    lambda: dist.InverseGamma(2.0, 3.0),
    lambda: dist.MultivariateNormal(jnp.zeros(2), jnp.eye(2)),
    lambda: dist.LowRankMultivariateNormal(jnp.zeros(3), jnp.ones((3, 1)), jnp.ones(3)),
    lambda: dist.MixtureSameFamily(dist.Categorical(logits=jnp.zeros(3)), dist.Normal(jnp.arange(3.0), 1.0)),
    lambda: dist.MixtureGeneral(dist.Categorical(jnp.ones(2) / 2), [dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)]),
    lambda: dist.TransformedDistribution(dist.Normal(0.0, 1.0), [transforms.AffineTransform(1.0, 2.0)]),
    lambda: dist.TruncatedNormal(0.0, 1.0, low=-1.0),
    lambda: dist.Delta(jnp.ones(3), event_dim=1),
    lambda: dist.Bernoulli(logits=jnp.zeros(2)),
    lambda: dist.Normal(0.0, 1.0).mask(jnp.array([True, False])),
    lambda: dist.ImproperUniform(constraints.positive, (), (2,)),
]


@pytest.mark.standard_promotion  # NumPyro's constructors mix dtypes
@pytest.mark.parametrize("make", NUMPYRO)
def test_numpyro_distributions_as_class_and_arguments(tmp_path, make):
    for original in (make(), jax.jit(lambda d: d)(make())):
        loaded = save_and_load(tmp_path, original, overwrite=True)
        assert type(loaded) is type(original)
        assert (loaded.batch_shape, loaded.event_shape) == (original.batch_shape, original.event_shape)
        for name, value in vars(original).items():
            if hasattr(value, "dtype"):
                assert leaf_facts(getattr(loaded, name)) == leaf_facts(value)


@pytest.mark.standard_promotion
def test_numpyro_distributions_give_the_same_bits(tmp_path):
    components = dist.Normal(jnp.arange(3.0), 1.0)
    original = dist.MixtureSameFamily(dist.Categorical(logits=jnp.array([0.0, 1.0, 2.0])), components)
    loaded = save_and_load(tmp_path, original)
    x = original.sample(KEY, (3,))
    assert leaf_facts(loaded.sample(KEY, (3,))) == leaf_facts(x)
    assert leaf_facts(loaded.log_prob(x)) == leaf_facts(original.log_prob(x))


def test_other_parts_of_numpyro(tmp_path):
    parts = (
        constraints.real,
        constraints.independent(constraints.interval(0.0, 1.0), 1),
        constraints.greater_than(jnp.ones(2)),
        transforms.ExpTransform().inv,
        transforms.ComposeTransform([transforms.AffineTransform(0.0, 2.0), transforms.SigmoidTransform()]),
    )
    loaded = save_and_load(tmp_path, parts)
    assert_same(parts, loaded)
    assert loaded[0] is constraints.real


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_static_values_keep_their_types(tmp_path):
    values = [
        (1, -(2**70), 2.5, -0.0, float("inf"), float("-inf"), True, None, "ä\n\ud800", 1 + 2j, ...),
        {"a": [1, (2,)], 3: {}},
        {(1, 2): frozenset({"x", "y"})},
        slice(0, None, 2),
        np.dtype("bfloat16"),
        jnp.float32,
        np.float64,
        b.Scale,
        constraints.positive,
    ]
    loaded = save_and_load(tmp_path, values)
    assert repr(loaded) == repr(values)
    assert loaded[5] is jnp.float32
    assert loaded[6] is np.float64
    assert loaded[7] is b.Scale
    assert np.isnan(save_and_load(tmp_path, float("nan"), overwrite=True))


def test_arrays_keep_dtype_shape_order_and_holder(tmp_path):
    arrays = [jnp.arange(6).reshape(2, 3).astype(t) for t in ("bool", "int8", "uint16", "int32", "uint32", "float16")]
    arrays += [
        jnp.linspace(0, 1, 3, dtype=jnp.bfloat16),
        jnp.ones((2, 0, 3)),
        jnp.asarray(2.0),  # weakly typed
        jnp.broadcast_to(jnp.asarray(2), (2, 3)),
        jnp.array([np.nan, -np.inf, -0.0, 1e-45], jnp.float32),
        jax.random.key(3),
        jax.random.split(jax.random.key(3, impl="rbg"), 2),
        np.arange(3.0)[::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3).astype(">i4"),
        np.float32(0.5),
        np.bool_(True),
        np.array(3, np.uint64),
    ]
    assert_same(arrays, save_and_load(tmp_path, arrays))


def test_doubles_come_back_and_are_refused_in_32_bits(tmp_path, x64):
    model = b.Scale(jnp.linspace(1, 2, 3))
    assert model.scale.dtype == jnp.float64
    assert_same(model, save_and_load(tmp_path, model))
    with jax.enable_x64(False), pytest.raises(ValueError, match=r"model\.scale was saved as float64.*JAX_ENABLE_X64=1"):
        pf.load(tmp_path / "model")


def test_every_function_of_the_table_is_found_under_its_name():
    for name, function in function_table().items():
        assert find(name_of(function)) is function, name
    for name in ("jax.nn.relu", "jax.nn.silu", "jax.nn.gelu", "jax.numpy.tanh", "jax.nn.leaky_relu", "jax.nn.elu"):
        assert name in function_table()


def test_partial_functions(tmp_path):
    fn = core.as_callable(functools.partial(jax.nn.leaky_relu, negative_slope=0.25))
    loaded = save_and_load(tmp_path, fn)
    assert loaded(jnp.asarray(-4.0)) == -1.0
    part = jax.tree_util.Partial(jnp.add, jnp.asarray(1.0))
    assert_same(part, save_and_load(tmp_path, part, overwrite=True))


class Unregistered(b.Bijector):
    """y = x."""

    forward_min_event_ndims = 0

    def _forward(self, x):
        return x


class Kept(b.Bijector):
    """y = x + shift(x)."""

    shift: Any
    unset: Any
    size: int = core.static_field()

    forward_min_event_ndims = 0

    def __init__(self):
        raise AssertionError("load must not run the constructor")

    @classmethod
    def make(cls):
        new = object.__new__(cls)
        for name, value in {"shift": jnp.ones(2), "size": 3}.items():
            object.__setattr__(new, name, value)
        return new


@dataclasses.dataclass(frozen=True)
class Settings:
    bound: float = 1.0


def plus_one(x):
    return x + 1


@pytest.fixture
def registry(monkeypatch):
    """What a test registers is forgotten after it."""
    monkeypatch.setattr("pushforward.io.names._registered", {})


def test_what_cannot_be_rebuilt_is_refused_by_its_place(tmp_path, registry):
    cases = [
        (b.Chain([b.Scale(2.0), Unregistered()]), r"model\.bijectors\[1\] is a Unregistered.*pushforward\.register"),
        (core.as_callable(lambda x: x), r"model\.rest is the function .*lambda.*pushforward\.register"),
        (core.as_callable(plus_one), r"model\.rest is the function plus_one"),
        ({"a": [1, print]}, r"model\['a'\]\[1\] is the function print"),
        (eqx.nn.Lambda(len), r"model\.fn is the function len"),
        ((object(),), r"model\[0\] is a object"),
        ([np.array([object()])], r"model\[0\] is an array of dtype object"),
        ([jnp.ones(2, jnp.complex64)], r"model\[0\] is an array of dtype complex64"),
        ({"s": {1, 2}}, r"model\['s'\] is a set"),
        (functools.partial(plus_one), r"model\.func is the function plus_one"),
    ]
    deep = ()
    for _ in range(200):
        deep = (deep,)
    cases.append((deep, "lies deeper than"))
    for model, words in cases:
        with pytest.raises(TypeError, match=words):
            pf.save(tmp_path / "model", model)
    with pytest.raises(TypeError, match="traced value"):
        jax.jit(lambda scale: pf.save(tmp_path / "model", scale))(jnp.ones(2))
    assert list(tmp_path.iterdir()) == []


def test_a_distribution_that_its_arguments_do_not_make_is_refused(tmp_path):
    changed = dist.Normal(jnp.zeros(2), 1.0)
    changed._batch_shape = (7,)
    with pytest.raises(TypeError, match=r"model\['base'\] is a Normal that its own arguments do not make again"):
        pf.save(tmp_path / "model", {"base": changed})


def test_registered_classes_and_functions(tmp_path, registry):
    pf.register(Kept)
    assert pf.register(name="one more")(plus_one) is plus_one
    pf.register(Settings)
    model = (Kept.make(), core.as_callable(plus_one), Settings(2.0))
    loaded = save_and_load(tmp_path, model)
    assert_same(model[:2], loaded[:2])
    assert model[2] == loaded[2]
    assert not hasattr(loaded[0], "unset")
    assert loaded[1](1) == 2
    assert "one more" in (tmp_path / "model/config.json").read_text()


def test_what_is_not_registered_where_it_is_loaded_is_named(tmp_path, monkeypatch, registry):
    pf.save(tmp_path / "model", pf.register(Settings)())
    monkeypatch.setattr("pushforward.io.names._registered", {})
    with pytest.raises(ValueError, match=r"'Settings', which is not known here.*pushforward\.register"):
        pf.load(tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["model"]["module"] == "Settings"


def test_register_refuses_what_could_be_confused(registry):
    pf.register(Settings)
    pf.register(Settings)
    again = type("Settings", (eqx.Module,), {"__module__": Settings.__module__, "__qualname__": "Settings"})
    assert pf.register(again) is again  # as when a notebook cell is run again
    with pytest.raises(ValueError, match=r"belongs to .* already"):
        pf.register(Kept, name="Settings")
    with pytest.raises(ValueError, match="begins like a built-in one"):
        pf.register(Kept, name="pushforward.bijectors.Scale")
    with pytest.raises(ValueError, match="no name of its own"):
        pf.register(lambda x: x)
    with pytest.raises(TypeError, match="register expects"):
        pf.register(int)
    with pytest.raises(TypeError, match="register expects"):
        pf.register(3)


def test_info_and_metadata(tmp_path):
    x = np.arange(6.0).reshape(3, 2)
    metadata = {
        "seed": np.int64(3),
        "loss": jnp.asarray(0.5),
        "best": float("nan"),
        "data": pf.io.data_hash(x),
        "l": (1,),
    }
    pf.save(tmp_path / "model", b.Scale(2.0), metadata=metadata)
    info = pf.io.info(tmp_path / "model")
    assert info["metadata"] == {"seed": 3, "loss": 0.5, "best": "nan", "data": pf.io.data_hash(x), "l": [1]}
    assert info["versions"]["pushforward"] == pf.__version__
    assert set(info["versions"]) == {"pushforward", "jax", "equinox", "numpyro", "numpy", "python"}
    assert info["saved"].endswith("+00:00")
    assert pf.io.data_hash(x) == pf.io.data_hash(jnp.asarray(x).astype(float).tolist())
    assert pf.io.data_hash(x) != pf.io.data_hash(x.T)
    assert pf.io.data_hash(x) != pf.io.data_hash(x.astype(np.float32))
    with pytest.raises(TypeError, match=r"metadata\['x'\] is a ndarray.*data_hash"):
        pf.save(tmp_path / "other", b.Scale(2.0), metadata={"x": x})


PROCESS = """
import sys
import jax, jax.numpy as jnp, numpy as np
import pushforward as pf
from tests.test_io import maf

doing, folder = sys.argv[1:]
events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
key = jax.random.key(3)
if doing == "save":
    flow = maf(key)
    pf.save(folder, flow)
flow = pf.load(folder)
events.clear()
x = flow.sample(key, (4,))
log_prob = flow.log_prob(x)
print(np.asarray(x).tobytes().hex(), np.asarray(log_prob).tobytes().hex())
print(sum("cache_hits" in e for e in events), sum("cache_misses" in e for e in events))
"""


def test_another_process_with_another_hash_seed_finds_the_compiled_programs(tmp_path):
    def run(doing, seed):
        settings = {
            "PYTHONHASHSEED": seed,
            "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "PUSHFORWARD_TEST_CACHE": "0",
        }
        command = [sys.executable, "-c", PROCESS, doing, str(tmp_path / "model")]
        root = Path(__file__).resolve().parent.parent
        done = subprocess.run(command, env=os.environ | settings, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        bits, counts = done.stdout.splitlines()
        return bits, *map(int, counts.split())

    bits, _, misses = run("save", "1")
    again, hits, new_misses = run("load", "2")
    assert again == bits
    assert misses > 0
    assert new_misses == 0
    assert hits >= misses
