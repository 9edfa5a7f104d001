"""Settings of every test.

- four CPU devices, so that sharding is tested without an accelerator;
- strict dtype promotion: an accidental float32 + float64 is an error. A test of a third party that needs NumPy's
  promotion carries `@pytest.mark.standard_promotion`;
- warnings are errors (pyproject.toml), a missing 64-bit type included;
- 32-bit by default, as users have it; the fixture `x64` switches 64-bit types on for one test;
- fixed keys: the fixture `key`;
- a quick compiler: programs of tests run once, so optimising them would be most of the time. `make test-slow` compiles
  as users do (`XLA_FLAGS=`);
- tests named in `slow.txt` are slow, as if they were marked so. `PUSHFORWARD_TEST_COSTS=FOLDER` writes the processor
  seconds of each test into files there, which is how the list is made;
- compiled programs are kept in `.cache/jax` between runs, in a folder for each processor type and JAX version, so
  that none is loaded on a machine it was not made for. `PUSHFORWARD_TEST_CACHE=0` turns that off.
"""

import contextlib
import gc
import hashlib
import os
import platform
import signal
from pathlib import Path

os.environ.setdefault("JAX_NUM_CPU_DEVICES", "4")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("XLA_FLAGS", "--xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1")

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
# Tracing makes many small objects that live on; looking through them for cycles less often saves a sixth of the time.
gc.set_threshold(100_000, 50, 50)


SLOW = Path(__file__).resolve().parent / "slow.txt"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor() + platform.platform()


def _use_compilation_cache() -> None:
    name = hashlib.sha256(f"{jax.__version__} {platform.machine()} {_processor()}".encode()).hexdigest()[:12]
    folder = Path(__file__).resolve().parent.parent / ".cache" / "jax" / name
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Below a tenth of a second compiling again is as fast as reading.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


if os.environ.get("PUSHFORWARD_TEST_CACHE", "1") != "0":
    _use_compilation_cache()


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "standard_promotion: a third party in this test relies on NumPy's dtype promotion; say which"
    )
    # JAX writes an entry of its cache in place, so one that another process is writing, or was killed writing, is cut
    # short. It is then compiled as if it were not there.
    config.addinivalue_line("filterwarnings", "ignore:Error (reading|writing) persistent compilation cache entry")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    listed = set(SLOW.read_text("utf-8").splitlines())
    whole_files = {item.nodeid.split("::")[0] for item in items} if not any("::" in arg for arg in config.args) else ()
    there = {item.nodeid for item in items}
    if gone := sorted(name for name in listed - there if name.split("::")[0] in whole_files):
        raise pytest.UsageError(f"tests/slow.txt names tests that are not there (renamed?): {gone}")
    for item in items:
        if item.nodeid in listed:
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    folder = os.environ.get("PUSHFORWARD_TEST_COSTS")
    before = sum(os.times()[:4])
    result = yield
    if folder:
        costs = Path(folder) / os.environ.get("PYTEST_XDIST_WORKER", "main")
        with costs.open("a", encoding="utf-8") as file:
            file.write(f"{sum(os.times()[:4]) - before:.2f} {item.nodeid}\n")
    return result


@pytest.fixture
def key():
    """A fixed key."""
    return jax.random.key(20240229)


@pytest.fixture
def x64():
    """64-bit types for one test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def ctrl_c():
    """SIGINT as in a terminal: shells start what they put in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _promotion(request):
    if request.node.get_closest_marker("standard_promotion"):
        with jax.numpy_dtype_promotion("standard"):
            yield
    else:
        yield
