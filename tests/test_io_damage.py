"""Damaged, tampered and foreign model folders; kills, full disks and rivals while saving."""

import errno
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import pushforward as pf
from pushforward.bijectors import Chain, Scale
from pushforward.io import atomic
from pushforward.io import model as model_file


def make(value):
    return Chain([Scale(jnp.full(5, value)), pf.freeze(Scale(log_scale=jnp.asarray(0.5)))])


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("io") / "original"
    pf.save(folder, make(2.0), metadata={"note": "n" * 50})
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "model"))


def refused(folder, words):
    """`load` raises ValueError with one sentence that has these words; returns it."""
    with pytest.raises(ValueError, match=words) as caught:
        pf.load(folder)
    message = str(caught.value)
    assert len(message) < 700
    assert message.count("\n") == 0
    return message


# ------------------------------------------------------------------------------------- accidents


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_a_file_cut_short_or_missing(folder, name):
    file = folder / name
    content = file.read_bytes()
    for keep in (0, 1, 7, 8, 9, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:keep])
        refused(folder, name)
    file.write_bytes(content + b"\0")
    refused(folder, name)
    file.unlink()
    refused(folder, f"has no {name}")


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors"])
def test_any_flipped_bit_is_noticed(folder, name):
    rng = random.Random(5)
    file = folder / name
    content = file.read_bytes()
    for _ in range(150):
        place = rng.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        refused(folder, "model")


def test_files_of_two_models(folder, tmp_path):
    pf.save(tmp_path / "other", make(3.0), metadata={"note": "n" * 50})
    for name in ("config.json", "weights.safetensors"):
        ours = (folder / name).read_bytes()
        shutil.copy(tmp_path / "other" / name, folder / name)
        refused(folder, "belongs? to (another model|other weights)")
        (folder / name).write_bytes(ours)
    assert pf.load(folder)[0].scale[0] == 2.0


def test_the_same_model_with_other_metadata_is_another_model(folder, tmp_path):
    pf.save(tmp_path / "other", make(2.0), metadata={"note": "m" * 50})
    shutil.copy(tmp_path / "other/config.json", folder / "config.json")
    refused(folder, "changed after saving")


def test_what_is_no_model_folder(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="there is no model at"):
        pf.load(tmp_path / "nothing")
    refused(folder / "config.json", "is a file, and a model is a folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", r"has no config\.json")
    for config in ("", "[]", "3", '{"architectures": ["BertModel"]}', '{"kind": "pushforward model"}', "\xff", "{" * 9):
        (folder / "config.json").write_bytes(config.encode("latin-1"))
        refused(folder, r"is not a model of pushforward, or config\.json is damaged")


def test_links_pipes_and_folders_in_place_of_files(folder, tmp_path):
    for name in ("config.json", "weights.safetensors"):
        file = folder / name
        real = tmp_path / ("real " + name)
        file.rename(real)
        file.symlink_to(real)
        refused(folder, f"{name} in .* is not a regular file")
        file.unlink()
        os.mkfifo(file)
        refused(folder, f"{name} in .* is not a regular file")
        file.unlink()
        file.mkdir()
        refused(folder, f"{name} in .* is not a regular file")
        file.rmdir()
        file.symlink_to(tmp_path / "nowhere")
        refused(folder, f"{name} in .* is not a regular file")
        file.unlink()
        real.rename(file)
    (tmp_path / "link").symlink_to(folder)  # a link to a whole folder is fine
    assert pf.load(tmp_path / "link")[0].scale[0] == 2.0


def test_a_newer_format(folder):
    config = json.loads((folder / "config.json").read_text()) | {"format": 7, "model": {"holograms": []}, "extra": 1}
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder, r"saved by a newer version of pushforward \(format 7; this one reads up to 1\); upgrade")


# ------------------------------------------------------------- malice: digests that fit, made by hand


def forge(folder, change, arrays=None):
    """Write what `change` makes of the config, with matching digests, as somebody who reads our code could."""
    config = json.loads((folder / "config.json").read_text())
    weights = arrays if arrays is not None else safetensors.numpy.load_file(folder / "weights.safetensors")
    del config["weights"]
    config = change(config) or config
    content = safetensors.numpy.save(weights, {"config_sha256": model_file._digest(config)})
    config["weights"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "weights.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config))


def at(*path):
    def change_to(value):
        def change(config):
            node = config
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = value

        return change

    return change_to


PARTS = ("model", "fields", "bijectors", "tuple")
SCALE = (*PARTS, 0, "fields", "scale")
FORGERIES = {
    "a function of the system": (at(*PARTS, 0)({"function": "os.system"}), "'os.system', which is not known here"),
    "a builtin": (at(*PARTS, 0)({"function": "builtins.eval"}), "not known here"),
    "our own save": (at(*PARTS, 0)({"function": "pushforward.io.model.save"}), "not known here"),
    "an import of ours": (at(*PARTS, 0)({"function": "pushforward.bijectors.base.eqx"}), "not known here"),
    "a way up": (at(*PARTS, 0)({"function": "pushforward.bijectors...io.save"}), "not known here"),
    "an unknown class": (at(*PARTS, 0, "module")("pushforward.bijectors.Nonesuch"), "not known here"),
    "a private class of Equinox": (at(*PARTS, 0, "module")("equinox.nn._mlp.MLP"), "not known here"),
    "not a name": (at(*PARTS, 0, "module")(["x"]), "damaged at model.bijectors"),
    "a class that is no module": (
        at(*PARTS, 0, "module")("numpyro.distributions.Normal"),
        "damaged at model.bijectors",
    ),
    "an unknown field": (at(*PARTS, 0, "fields", "evil")(1), "Scale does not have the field 'evil'"),
    "a dunder field": (at(*PARTS, 0, "fields", "__class__")(1), "Scale does not have the field '__class__'"),
    "no such key": (at(*PARTS, 0, "extra")(1), "damaged at model.bijectors"),
    "two kinds": (at(*SCALE, "tuple")([]), "damaged at model.bijectors"),
    "an unknown kind": (at(*SCALE)({"pickle": "gASV"}), "damaged at model.bijectors"),
    "an empty node": (at(*SCALE)({}), "damaged at model.bijectors"),
    "a bare list": (at(*SCALE)([1]), "damaged at model.bijectors"),
    "an array outside": (at(*SCALE, "array")("../../secret"), r"has no array '\.\./\.\./secret'"),
    "a huge shape": (at(*SCALE, "shape")([2**60, 2**60]), "do not belong together"),
    "a negative shape": (at(*SCALE, "shape")([-5]), "do not belong together"),
    "another dtype": (at(*SCALE, "dtype")("float64"), "do not belong together"),
    "an unknown holder": (at(*SCALE, "held")("torch"), "does not say how the array was held"),
    "a key of floats": (at(*SCALE, "key")("threefry2x32"), "no random key"),
    "a forgotten array": (at(*SCALE)(None), "'bijectors\\[0\\].scale', which config.json does not mention"),
    "a dict with a list as key": (at(*SCALE)({"dict": [[{"list": []}, 1]]}), "damaged at"),
    "a set of lists": (at(*SCALE)({"frozenset": [{"list": []}]}), "damaged at"),
    "a float that is none": (at(*SCALE)({"float": "1e5"}), "damaged at"),
    "a partial of a number": (
        at(*SCALE)({"partial": 3, "arguments": [], "keywords": {}, "pytree": False}),
        "damaged at",
    ),
    "arguments that do not fit": (
        at(*SCALE)({"numpyro": "numpyro.distributions.Normal", "arguments": {"colour": 1}}),
        "Normal takes no argument 'colour'",
    ),
    "arguments that are refused": (
        at(*SCALE)({"numpyro": "numpyro.distributions.Independent", "arguments": {"base_dist": 1}}),
        "Independent refuses its arguments",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_configs(folder, name):
    change, words = FORGERIES[name]
    forge(folder, change)
    refused(folder, words)


def test_an_untouched_forgery_loads(folder):
    forge(folder, lambda config: None)
    assert pf.load(folder)[0].scale[0] == 2.0


def test_a_missing_field(folder):
    def change(config):
        del config["model"]["fields"]["bijectors"]["tuple"][0]["fields"]["log_scale"]

    forge(folder, change)
    refused(folder, r"Scale has, and the file does not set, the field 'log_scale'; .* another version of that class")


def test_nesting_bombs(folder):
    def nested(depth):
        node = {"tuple": []}
        for _ in range(depth):
            node = {"tuple": [node]}
        return node

    forge(folder, at(*SCALE)(nested(150)))
    refused(folder, "nested deeper than")
    for bomb in (
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"kind": "pushforward model", "format": 1, "model": ' + "[" * 50_000,
    ):
        (folder / "config.json").write_text(bomb)
        refused(folder, r"config\.json is damaged: it is nested too deeply|Expecting")


def test_unusual_json(folder):
    text = (folder / "config.json").read_text()
    for old, new, words in (
        ('"format": 1', '"format": 1, "format": 1', "a key appears twice"),
        ('"format": 1', '"format": NaN', "NaN is no number of JSON"),
        ('"format": 1', '"format": true', "does not say that it is one"),
        ('"format": 1', '"format": 0', "entries that save writes"),
        ('"sha256"', '"file": "../../w", "sha256"', "entries that save writes"),
        ('"format": 1', '"format": ' + "9" * 5000, "config.json is damaged"),
    ):
        assert old in text
        (folder / "config.json").write_text(text.replace(old, new, 1))
        refused(folder, words)


def test_an_oversized_config(folder, monkeypatch):
    monkeypatch.setattr(model_file, "_CONFIG_LIMIT", 1000)
    refused(folder, "more than any model needs")


def test_weights_whose_header_lies(folder):
    header = {"x": {"dtype": "F32", "shape": [2**31, 2**31], "data_offsets": [0, 4]}}
    for content in (
        b"\xff" * 8,
        (2**62).to_bytes(8, "little") + b"{}",
        (lambda h: len(h).to_bytes(8, "little") + h + b"\0" * 4)(json.dumps(header).encode()),
        (lambda h: len(h).to_bytes(8, "little") + h)(b"[" * 50_000),
    ):
        config = json.loads((folder / "config.json").read_text())
        config["weights"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "weights.safetensors").write_bytes(content)
        refused(folder, r"weights\.safetensors is damaged")


def test_loading_opens_nothing_but_the_two_files_and_never_unpickles(folder, monkeypatch):
    opened = []
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: (opened.append(os.path.basename(path)), real(path, *a, **k))[1]
    )
    monkeypatch.setattr("pickle.loads", None)
    monkeypatch.setattr("pickle.load", None)
    pf.load(folder)
    assert {name for name in opened if name.endswith((".json", ".safetensors"))} == {
        "config.json",
        "weights.safetensors",
    }


# ------------------------------------------------------------------------------------- saving


def listing(folder):
    return sorted(entry.name for entry in Path(folder).iterdir())


def test_an_existing_path_is_not_overwritten_unasked(folder, tmp_path):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        pf.save(folder, make(3.0))
    pf.save(folder, make(3.0), overwrite=True)
    assert pf.load(folder)[0].scale[0] == 3.0
    assert listing(tmp_path) == ["model"]
    with pytest.raises(FileNotFoundError, match="does not exist; make it first"):
        pf.save(tmp_path / "no/such/model", make(3.0))


def test_overwriting_deletes_nothing_but_models(tmp_path, folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds 'notes\.txt', which is no part of a model"):
        pf.save(folder, make(3.0), overwrite=True)
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(FileExistsError, match="is a file, not a model folder"):
        pf.save(file, make(3.0), overwrite=True)
    assert file.read_text() == "mine"
    assert pf.load(folder)[0].scale[0] == 2.0
    (folder / "notes.txt").unlink()
    (folder / "report.html").write_text("of the old model")
    (folder / "weights.safetensors").write_bytes(b"damaged")
    pf.save(folder, make(3.0), overwrite=True)
    assert listing(folder) == ["config.json", "weights.safetensors"]
    link = tmp_path / "link"
    link.symlink_to(folder)
    pf.save(link, make(4.0), overwrite=True)
    assert link.is_symlink()
    assert pf.load(folder)[0].scale[0] == 4.0


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_what_was_there(tmp_path, folder, overwrite):
    path = folder if overwrite else tmp_path / "new"
    before = listing(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"could not save to .* Nothing was left half-written"):
            pf.save(path, make(3.0), overwrite=overwrite)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert listing(tmp_path) == before
    assert pf.load(folder)[0].scale[0] == 2.0


@pytest.mark.parametrize("step", ["_write", "_flush_folder", "_publish"])
def test_a_failure_at_any_step_leaves_what_was_there(tmp_path, folder, monkeypatch, step):
    def fail(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, step, fail)
    with pytest.raises(OSError, match="No space left on device") as caught:
        pf.save(folder, make(3.0), overwrite=True)
    assert caught.value.errno == errno.ENOSPC
    assert listing(tmp_path) == ["model"]
    assert pf.load(folder)[0].scale[0] == 2.0


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
def test_two_savers_and_a_reader(tmp_path, folder, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(atomic, "_rename2", lambda *_: False)
    failures = []

    def work(action):
        try:
            for _ in range(15):
                action()
        except Exception as error:  # a thread's failure would go unseen
            failures.append(error)

    models = [make(3.0), make(4.0)]
    actions = [lambda m=m: pf.save(folder, m, overwrite=True) for m in models]
    threads = [threading.Thread(target=work, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(float(pf.load(folder)[0].scale[0]))
    assert failures == []
    assert seen <= {2.0, 3.0, 4.0}
    assert listing(tmp_path) == ["model"]


def test_of_two_first_savers_one_is_told(tmp_path, monkeypatch):
    real = atomic._publish

    def late(stem, path, overwrite):
        monkeypatch.setattr(atomic, "_publish", real)
        pf.save(path, make(9.0))
        real(stem, path, overwrite)

    monkeypatch.setattr(atomic, "_publish", late)
    with pytest.raises(FileExistsError):
        pf.save(tmp_path / "model", make(3.0))
    assert pf.load(tmp_path / "model")[0].scale[0] == 9.0
    assert listing(tmp_path) == ["model"]


CHILD = """
import sys, types
package = types.ModuleType("io_parts")
package.__path__ = [sys.argv[1]]
sys.modules["io_parts"] = package
from io_parts import atomic
from pathlib import Path
target, exchange, *sources = sys.argv[2:]
if exchange == "False":
    atomic._rename2 = lambda *_: False
models = [{f.name: f.read_bytes() for f in Path(s).iterdir()} for s in sources]
print("ready", flush=True)
while True:
    for files in models:
        atomic.write_folder(target, files, overwrite=True)
"""


@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "two renames"])
def test_killed_at_any_moment(tmp_path, monkeypatch, exchange):
    """kill -9 leaves the old model or the new one; the next save takes the leftovers away."""
    rng = random.Random(11)
    (tmp_path / "sources").mkdir()
    for value in (3.0, 4.0):
        # Large enough that a kill often falls into the writing.
        pf.save(tmp_path / f"sources/{value}", [make(value), np.full(200_000, value)])
    home = tmp_path / "home"
    home.mkdir()
    folder = home / "model"
    pf.save(folder, [make(2.0)])
    seen = []
    for _ in range(8):
        sources = [str(tmp_path / f"sources/{value}") for value in (3.0, 4.0)]
        command = [sys.executable, "-S", "-c", CHILD, os.path.dirname(atomic.__file__), str(folder), str(exchange)]
        with subprocess.Popen(command + sources, stdout=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.03))
            os.kill(child.pid, signal.SIGKILL)
        model = pf.load(folder)
        seen.append(float(model[0][0].scale[0]))
        assert seen[-1] in (2.0, 3.0, 4.0)
        assert np.all(np.asarray(model[-1] if len(model) > 1 else 2.0) == seen[-1])
    assert {3.0, 4.0} & set(seen)
    monkeypatch.setattr(atomic, "_STALE_SECONDS", -1.0)
    pf.save(folder, make(5.0), overwrite=True)
    assert pf.load(folder)[0].scale[0] == 5.0
    assert listing(home) == ["model"]


def test_leftovers_go_when_they_are_old_and_nobody_holds_them(tmp_path, folder, monkeypatch):
    names = [".model.0123456789abcdef.saving", ".model.1123456789abcdef.trash", ".model.2123456789abcdef.old"]
    held = ".model.3123456789abcdef.saving"
    others = [".model.saving", ".other.0123456789abcdef.saving", "model.old"]
    for name in (*names, held, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").write_text("x")
    pf.save(folder, make(3.0), overwrite=True)
    assert set(listing(tmp_path)) == {"model", *names, held, *others}  # too young: a writer may be about to lock them
    monkeypatch.setattr(atomic, "_STALE_SECONDS", -1.0)
    with atomic._locked(tmp_path / held):
        pf.save(folder, make(3.0), overwrite=True)
    assert set(listing(tmp_path)) == {"model", held, *others}


def test_a_model_that_stepped_aside_is_found(tmp_path, folder):
    """A writer without an exchange was killed between its two renames."""
    folder.rename(tmp_path / ".model.0123456789abcdef.old")
    (tmp_path / ".model.1123456789abcdef.saving").mkdir()
    assert pf.load(folder)[0].scale[0] == 2.0
    pf.save(folder, make(3.0))
    assert pf.load(folder)[0].scale[0] == 3.0
