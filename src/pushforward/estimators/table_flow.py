"""TableFlow: a flow with the schema of its table."""

import dataclasses
import hashlib
import importlib.metadata
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import io
from .._version import __version__
from ..data import Schema, Table, split_rows
from ..distributions.foreign import model_dtype
from ..training import History, fit
from ..training.progress import Progress
from . import files as parts
from .blocks import block_rows, filled, in_blocks
from .settings import check_size, described, recipe_of, training_defaults
from .units import Flow, in_data_units, in_standard_units

_FORMAT = 1


@dataclasses.dataclass(eq=False)
class TableFlow:
    """The density of a table's rows, in the units of its columns.

    log p(x | c) = log p_z((x - loc) / scale | (c - loc_c) / scale_c) - sum_j log scale_j

    p_z is a flow; locations and scales are those of the schema. Standardising and the last sum are done in float64.

    Example:
        model = TableFlow.fit(read_table("table.csv"))
        model.log_density(x)                     # [rows], nats
        model.sample(1000, seed=1)               # [1000, columns]
        model.save("model")

    Attributes:
        schema: names, locations and scales of the columns.
        flow: the distribution of z, or with a condition the `ConditionalDistribution`.
        history: of the training; None if it is not known.
        record: facts as JSON holds them: seed, source, data_hash, rows, split, flow, flow_options, training
            (batch_size, epochs, ...), epochs, best_epoch, stopped, seconds, held_out (rows, nll, standard_error),
            baselines, versions. Add to it before `save`.
    """

    schema: Schema
    flow: Flow
    history: History | None = None
    record: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        table: Table,
        *,
        condition: Sequence[str] = (),
        flow: str = "default",
        flow_options: Mapping[str, Any] | None = None,
        test_fraction: float = 0.1,
        seed: int = 0,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        progress: Progress = None,
        checkpoint: str | os.PathLike | None = None,
        resume: bool = False,
    ) -> "TableFlow":
        """Train a flow on a table, and score it on rows that it has not seen.

        Args:
            table: the columns of the density, and those of the condition.
            condition: names of the columns to condition on; the density is that of the others.
            flow: name of a recipe of `pushforward.flows`.
            flow_options: arguments of that recipe.
            test_fraction: share of the rows held out from training and validation, to score.
            seed: of the split, the initial weights, and the training.
            epochs, batch_size: as in `pushforward.fit`; where None by the number of rows, see `training_defaults`.
            learning_rate, patience: as in `pushforward.fit`, with its defaults where None.
            progress, checkpoint, resume: as in `pushforward.fit`.

        Returns:
            The model with the lowest validation loss; the best so far if Ctrl-C was pressed (`history.stopped`).

        Raises:
            TableError: for a table that is too small or too wide, or has a constant column.
            ValueError: for an unknown flow or option, or a number outside its range.
        """
        began = time.monotonic()
        options = dict(flow_options or {})
        check_size(table)
        recipe = recipe_of(flow, options)
        rest, held_out = split_rows(len(table), test_fraction, seed)
        schema = Schema.of(table, condition=tuple(condition), rows=rest)
        x, c = schema.select(table)

        key_flow, key_fit = jax.random.split(jax.random.key(seed))
        size = {"condition_dim": len(schema.condition)} if schema.condition else {}
        start = recipe(key_flow, len(schema.columns), **size, **options)
        training = cls(schema, start)
        given: dict[str, Any] = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "patience": patience,
        }
        given = training_defaults(len(rest)) | {name: value for name, value in given.items() if value is not None}
        result = fit(
            key_fit,
            start,
            training._standard(x[rest]),
            None if c is None else training._standard_condition(c[rest]),
            progress=progress,
            checkpoint=checkpoint,
            resume=resume,
            **given,
        )
        model = cls(schema, result.model, result.history)
        model.record = {
            "source": table.source,
            "data_hash": _hash_of(x, c),
            "rows": len(table),
            "seed": seed,
            "split": {"seed": seed, "fraction": test_fraction},
            "flow": flow,
            "flow_options": described(options),
            "training": given,
            "epochs": len(result.history),
            "best_epoch": result.history.best_epoch,
            "stopped": result.history.stopped,
            "held_out": model._score(x[held_out], None if c is None else c[held_out]),
            "baselines": {},
            "versions": {"pushforward": __version__, "jax": importlib.metadata.version("jax")},
        }
        model.record["seconds"] = round(time.monotonic() - began, 3)
        return model

    # ------------------------------------------------------------------ use
    def log_density(self, x: Any, condition: Any = None) -> np.ndarray:
        """log p(x) or log p(x | condition) of each row, in nats and the units of the data.

        Args:
            x: [rows, columns] in the order of the schema.
            condition: [rows, condition columns], for a model with a condition.

        Returns:
            float64 [rows]; -inf where the density is too small for the flow's dtype, NaN where a row has a NaN.

        Raises:
            ValueError: for arrays of other widths, or a condition that is missing or not taken.
        """
        return self._by_blocks(_log_density, x, condition, ()) + self.schema.log_jacobian

    def latents(self, x: Any, condition: Any = None) -> np.ndarray:
        """The points z of the base, standard normal if the model fits, that the flow takes to the rows.

        Args and raises: as `log_density`.

        Returns:
            float64 [rows, columns].
        """
        return self._by_blocks(_latents, x, condition, (len(self.schema.columns),))

    def sample(self, n: int, *, seed: int = 0, condition: Any = None) -> np.ndarray:
        """Draw rows. The first rows of a longer draw with the same seed are the same.

        Args:
            n: how many.
            seed: of the draw.
            condition: [n, condition columns], one for each row to draw, for a model with a condition.

        Returns:
            float64 [n, columns], in the units of the data.
        """
        if isinstance(n, bool) or not hasattr(n, "__index__") or n < 0:
            raise ValueError(f"n: expected how many rows to draw, an integer of at least 0, and got {n!r}")
        c = self._checked_condition(condition, int(n))
        columns, key = len(self.schema.columns), jax.random.key(seed)
        size = block_rows(columns)

        def compute(first: int, last: int) -> np.ndarray:
            given = None if c is None else filled(self._standard_condition(c[first:last]), size)
            z = _sample(self.flow, jax.random.fold_in(key, first // size), given, size)
            return self.schema.unstandardize(np.asarray(z, np.float64))

        return in_blocks(compute, int(n), size, np.empty((int(n), columns)))

    def model(self) -> Flow:
        """The distribution in the units of the data: what `save` writes and `pushforward.load` gives back.

        It standardises in the dtype of the flow, float32 as a rule, where `log_density` does so in float64.
        """
        return in_data_units(self.flow, self.schema)

    def split(self, table: Table) -> tuple[np.ndarray, np.ndarray]:
        """(rows used in training and validation, rows held out), as row numbers; another table is held out whole."""
        recorded = self.record.get("split")
        if recorded and self.record.get("data_hash") == _hash_of(*self.schema.select(table)):
            return split_rows(len(table), recorded["fraction"], recorded["seed"])
        return np.arange(0), np.arange(len(table))

    def held_out(self, table: Table) -> Table:
        """The rows of `table` that training did not see: the recorded ones of the training table, all of another."""
        return dataclasses.replace(table, values=table.values[self.split(table)[1]])

    # -------------------------------------------------------------- folders
    def save(
        self,
        path: str | os.PathLike,
        *,
        overwrite: bool = False,
        files: Mapping[str, bytes | str] | None = None,
    ) -> None:
        """Write the model folder: config.json, weights.safetensors, schema.json, history.csv; whole or not at all.

        Args:
            path: of the folder; its parent must exist.
            overwrite: replace a model that stands there.
            files: contents of further files: report.html.

        Raises:
            FileExistsError, OSError: as `pushforward.save`.
        """
        schema = parts.schema_bytes(self.schema)
        contents = {name: c.encode() if isinstance(c, str) else c for name, c in (files or {}).items()}
        contents[parts.SCHEMA] = schema
        if self.history is not None:
            contents[parts.HISTORY] = parts.history_bytes(self.history)
        metadata = {"table_flow": _FORMAT, "schema_sha256": parts.digest_of(schema), "record": self.record}
        io.save(path, self.model(), overwrite=overwrite, metadata=metadata, files=contents)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "TableFlow":
        """The model in a folder that `save` wrote.

        Raises:
            FileNotFoundError: if there is nothing at `path`.
            ValueError: if the folder is damaged, or holds a model without a table's schema.
        """
        model, metadata, contents = io.load_folder(path, (parts.SCHEMA, parts.HISTORY))
        place = os.fspath(path)
        if "table_flow" not in metadata:
            raise ValueError(
                f"{place!r} holds a model that was not fitted to a table: it has no {parts.SCHEMA}; open it with "
                "pushforward.load"
            )
        try:
            record = metadata.get("record")
            if metadata["table_flow"] != _FORMAT or type(record) is not dict:
                raise ValueError(f"its format is {metadata['table_flow']!r}, and this version reads {_FORMAT}; upgrade")
            if parts.SCHEMA not in contents:
                raise ValueError(f"{parts.SCHEMA} is missing; restore it as it was saved")
            schema = parts.schema_of(contents[parts.SCHEMA], metadata.get("schema_sha256"))
            history = None
            if parts.HISTORY in contents:
                history = parts.history_of(contents[parts.HISTORY], str(record.get("stopped", "epochs")))
            return cls(schema, in_standard_units(model, schema), history, record)
        except ValueError as error:
            raise ValueError(f"cannot load {place!r}: {error}") from None

    # ------------------------------------------------------------ machinery
    def _by_blocks(self, compute: Any, x: Any, condition: Any, shape: tuple[int, ...]) -> np.ndarray:
        x = _rows("x", x, len(self.schema.columns))
        c = self._checked_condition(condition, len(x))
        size = block_rows(len(self.schema.columns))

        def block(first: int, last: int) -> np.ndarray:
            z = filled(self._standard(x[first:last]), size)
            given = None if c is None else filled(self._standard_condition(c[first:last]), size)
            return np.asarray(compute(self.flow, z, given), np.float64)

        return in_blocks(block, len(x), size, np.empty((len(x), *shape)))

    def _checked_condition(self, condition: Any, rows: int) -> np.ndarray | None:
        names = self.schema.condition_names
        if (condition is None) == bool(names):
            raise ValueError(
                f"condition: the model was fitted given {', '.join(names)}, and got no condition; pass one row for each"
                if names
                else "condition: the model was fitted without one, and got one; leave it out"
            )
        if condition is None:
            return None
        c = _rows("condition", condition, len(names))
        if len(c) != rows:
            raise ValueError(f"condition: expected {rows:,} rows, one for each row of the result, and got {len(c):,}")
        return c

    def _standard(self, x: np.ndarray) -> np.ndarray:
        return _cast(self.schema.standardize(x), model_dtype(self.flow))

    def _standard_condition(self, c: np.ndarray) -> np.ndarray:
        return _cast(self.schema.standardize_condition(c), model_dtype(self.flow))

    def _score(self, x: np.ndarray, c: np.ndarray | None) -> dict[str, Any] | None:
        """Rows, mean negative log density and its standard error; None without rows."""
        if len(x) == 0:
            return None
        nll = -self.log_density(x, c)
        error = float(np.std(nll, ddof=1)) / math.sqrt(len(nll)) if len(nll) > 1 else None
        return {"rows": len(nll), "nll": float(np.mean(nll)), "standard_error": error}


@eqx.filter_jit
def _log_density(flow: Flow, z: Any, condition: Any) -> jax.Array:
    return _bound(flow, condition).log_prob(z)


@eqx.filter_jit
def _latents(flow: Flow, z: Any, condition: Any) -> jax.Array:
    return _bound(flow, condition).bijector.inverse(z)


@eqx.filter_jit
def _sample(flow: Flow, key: jax.Array, condition: Any, size: int) -> jax.Array:
    return _bound(flow, condition).sample(key, (size,) if condition is None else ())


def _bound(flow: Any, condition: Any) -> Any:
    return flow if condition is None else flow(jnp.asarray(condition))


def _rows(name: str, value: Any, columns: int) -> np.ndarray:
    rows = np.asarray(value, np.float64)
    if rows.ndim != 2 or rows.shape[1] != columns:
        raise ValueError(
            f"{name}: expected an array of shape [rows, {columns}], its columns in the order of the schema, and got "
            f"{rows.shape}; Schema.select picks them from a table"
        )
    return rows


def _cast(z: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):  # Beyond the largest float32 is infinity, where the density is 0.
        return z.astype(dtype)


def _hash_of(x: np.ndarray, c: np.ndarray | None) -> str:
    """Of the columns of a table that a model uses, in the model's order."""
    digest = io.data_hash(x)
    return digest if c is None else hashlib.sha256(f"{digest} {io.data_hash(c)}".encode()).hexdigest()
