"""Keeping the state of a run, and continuing from it."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import checkpoint as files

Snapshot = tuple[Any, dict[str, Any]]


class Keeper:
    """Writes snapshots of a run to a folder, now and then.

    Args:
        folder: where; made if it is not there.
        seconds: at least so long between two of them.
        resume: continue from what is there.
        settings: of the run, as plain text and numbers.
        identity: arrays and texts that identify the run otherwise, by name.
    """

    def __init__(
        self, folder: str, seconds: float, resume: bool, settings: dict[str, Any], identity: dict[str, list[Any]]
    ):
        self.folder, self.seconds, self.resume = folder, seconds, resume
        hashes = {name: files.hash_of(map(_as_array, parts)) for name, parts in identity.items()}
        self.identity = {**hashes, **settings}
        self._saved_at = time.monotonic()
        self._has_warned = False

    def found(self) -> tuple[list[np.ndarray], dict[str, Any]] | None:
        """The (arrays, record) to continue from, or None to start.

        Raises:
            ValueError: if there is a checkpoint that is damaged, of another run, or not to be continued.
        """
        if not files.exists(self.folder):
            return None
        if not self.resume:
            raise ValueError(
                f"checkpoint: there is one in {self.folder!r} already, which this run would overwrite. Pass "
                "resume=True to continue from it, or another folder, or delete it."
            )
        arrays, record = files.read(self.folder)
        files.check_same(record["identity"], self.identity)
        return arrays, record

    def save(self, snapshot: Snapshot, *, first: bool = False) -> None:
        """Write a snapshot. Training is worth more than a checkpoint: a failure (a full disk, say) is only warned of.

        Raises:
            OSError: if the first one cannot be written.
        """
        tree, record = snapshot
        try:
            files.write(self.folder, tree, {**record, "identity": self.identity})
        except OSError as error:
            if first:
                raise
            if not self._has_warned:
                warnings.warn(
                    f"the checkpoint in {self.folder!r} could not be written ({error.strerror or error}); training "
                    "goes on, and the last one that could be is still there",
                    RuntimeWarning,
                    stacklevel=2,
                )
                self._has_warned = True
        self._saved_at = time.monotonic()

    def save_if_due(self, snapshot: Callable[[], Snapshot]) -> None:
        """Write a snapshot if the last one is old enough."""
        if time.monotonic() - self._saved_at >= self.seconds:
            self.save(snapshot())


def _as_array(part: Any) -> Any:
    return np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else part
