"""Model folders: `save`, `load` and `info`.

    config.json           what the model is: a tree of class names, fields and references to arrays (see `encode`), with
                          the versions that wrote it, the time, and the metadata given
    weights.safetensors   its arrays
    schema.json, history.csv, report.html   what else belongs to it, if it was given

Each of the first two holds the SHA-256 of the other, so files of two models are not mixed up unnoticed. This finds
accidents; it is no signature. Whatever a folder holds, reading it runs nothing but pushforward's own code, NumPyro's
constructors and what you gave to `register`.
"""

import datetime as dt
import hashlib
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .._version import __version__
from .arrays import from_bytes, to_bytes
from .atomic import check_place, write_folder
from .decode import decode
from .encode import encode
from .folder import CONFIG, KNOWN_FILES, WEIGHTS, read_folder

FORMAT = 1
_MARK = "pushforward model"
_CONFIG_LIMIT = 256 * 2**20
_KEYS = {"kind", "format", "versions", "saved", "metadata", "model", "weights"}


def save(
    path: str | os.PathLike,
    model: Any,
    *,
    overwrite: bool = False,
    metadata: Mapping | None = None,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write `model` to the folder `path`: config.json and weights.safetensors.

    `load` rebuilds it with no code of the model's construction, to the same bits, the same structure (so programs that
    were compiled for one run the other) and the same frozen parts. The folder appears whole or not at all, also if the
    process is killed or the disk is full.

    Args:
        path: of the folder to make; its parent must exist.
        model: a distribution, bijector, network, or a tuple, list or dict of them.
        overwrite: replace a model that stands there. The older one stays until the new one is complete.
        metadata: anything worth keeping that JSON can hold: the seed, `data_hash(x)`, final losses.
        files: contents of further files of the folder, by name: schema.json, history.csv, report.html.

    Raises:
        ValueError: if `files` has another name.
        TypeError: if some part cannot be rebuilt from a file (a lambda, a class that was not given to `register`),
            naming its place in the model.
        FileExistsError: if `path` exists (with `overwrite`: and is no model folder).
        OSError: if the disk is full or not writable.
    """
    place = os.path.abspath(os.fspath(path))
    check_place(place, overwrite)
    others = _checked_files(files or {})
    tree, arrays = encode(model)
    config: dict[str, Any] = {
        "kind": _MARK,
        "format": FORMAT,
        "versions": _versions(),
        "saved": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "metadata": _plain(dict(metadata or {}), "metadata"),
        "model": tree,
    }
    weights = to_bytes(arrays, _digest(config))
    config["weights"] = {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    text = json.dumps(config, allow_nan=False, indent=1)
    write_folder(place, {CONFIG: text.encode(), WEIGHTS: weights, **others}, overwrite=overwrite)


def load(path: str | os.PathLike) -> Any:
    """The model in the folder `path`.

    Args:
        path: of a folder written by `save`.

    Raises:
        FileNotFoundError: if there is nothing at `path`.
        ValueError: if it is not a model folder, is damaged, its two files do not belong together, it was written by a
            newer version, or it holds a class or function that is neither ours nor given to `register`.
    """
    return load_folder(path)[0]


def load_folder(path: str | os.PathLike, files: Iterable[str] = ()) -> tuple[Any, dict[str, Any], dict[str, bytes]]:
    """The model in a folder, its metadata, and the contents of those of the further `files` that are there.

    All of one model, also while another one takes its place.

    Args:
        path: of a folder written by `save`.
        files: names of further files: schema.json, history.csv, report.html.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    config, weights, others = _read(path, files)
    del config["weights"]
    try:
        arrays, digest = from_bytes(weights)
        if digest != _digest(config):
            raise ValueError(
                f"{CONFIG} was changed after saving, or belongs to other weights; restore it as it was saved"
            )
        return decode(config["model"], arrays), config["metadata"], others
    except ValueError as error:
        raise ValueError(f"cannot load {os.fspath(path)!r}: {error}") from None
    except RecursionError:
        raise ValueError(f"cannot load {os.fspath(path)!r}: {CONFIG} is nested too deeply") from None


def info(path: str | os.PathLike) -> dict[str, Any]:
    """What a model folder says of itself: `format`, `versions`, `saved` (UTC), `metadata`, and `bytes` of the weights.

    Raises:
        FileNotFoundError, ValueError: as `load`.
    """
    config, weights, _ = _read(path)
    return {key: config[key] for key in ("format", "versions", "saved", "metadata")} | {"bytes": len(weights)}


def data_hash(x: Any) -> str:
    """SHA-256 of an array's dtype, shape and values, to record which data a model was trained on."""
    array = np.array(x, order="C", copy=None)
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def _read(path: str | os.PathLike, files: Iterable[str] = ()) -> tuple[dict[str, Any], bytes, dict[str, bytes]]:
    place = os.fspath(path)
    others = read_folder(place, _CONFIG_LIMIT, files)
    text, weights = others.pop(CONFIG), others.pop(WEIGHTS)
    foreign = f"{place!r} is not a model of pushforward, or {CONFIG} is damaged"
    try:
        config = json.loads(text.decode(), object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"{foreign}: {reason}") from None
    if type(config) is not dict or config.get("kind") != _MARK or type(config.get("format")) is not int:
        raise ValueError(f"{foreign}: it does not say that it is one")
    if config["format"] > FORMAT:
        raise ValueError(
            f"{place!r} was saved by a newer version of pushforward (format {config['format']}; this one reads up to "
            f"{FORMAT}); upgrade"
        )
    entry = config.get("weights")
    if set(config) != _KEYS or config["format"] < 1 or type(entry) is not dict or set(entry) != {"sha256", "bytes"}:
        raise ValueError(f"{foreign}: it does not have the entries that save writes")
    if entry["bytes"] != len(weights):
        raise ValueError(
            f"{WEIGHTS} in {place!r} has {len(weights):,} bytes where {CONFIG} expects {entry['bytes']!r}; "
            "it was cut short, or belongs to another model"
        )
    if entry["sha256"] != hashlib.sha256(weights).hexdigest():
        raise ValueError(f"{WEIGHTS} in {place!r} was changed after saving, or belongs to another model")
    return config, weights, others


def _checked_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    allowed = sorted(KNOWN_FILES - {CONFIG, WEIGHTS})
    for name, content in files.items():
        if name not in allowed:
            raise ValueError(
                f"files: a model folder may also hold {', '.join(allowed)}, and got {name!r}; replacing a model "
                "deletes its folder, so nothing else is kept there. Write the file elsewhere."
            )
        if not isinstance(content, bytes):
            raise TypeError(f"files: expected the bytes of {name!r}, and got {type(content).__name__}; encode text")
    return dict(files)


def _digest(config: dict[str, Any]) -> str:
    """SHA-256 of the content of a config, whatever its layout as text."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _versions() -> dict[str, str]:
    names = ("jax", "equinox", "numpyro", "numpy")
    return {"pushforward": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }


def _plain(value: Any, where: str) -> Any:
    """Metadata as JSON: numbers of NumPy and JAX as numbers, those that are not finite as text."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, list | tuple):
        return [_plain(v, f"{where}[{k}]") for k, v in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(k, str) for k in value):
        return {k: _plain(v, f"{where}[{k!r}]") for k, v in value.items()}
    raise TypeError(
        f"{where} is a {type(value).__name__}, and metadata is kept as JSON: numbers, text, lists and dicts with text "
        "as keys. Of data, store data_hash(x)"
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
