"""The files of a table's model besides config.json and weights.safetensors: schema.json and history.csv."""

import csv
import dataclasses
import hashlib
import io
import json
from typing import Any

from ..data import Schema
from ..training import EpochRecord, History

SCHEMA, HISTORY = "schema.json", "history.csv"


def schema_bytes(schema: Schema) -> bytes:
    """The content of schema.json."""
    return json.dumps(schema.to_json(), indent=1, ensure_ascii=False, allow_nan=False).encode()


def schema_of(content: bytes, digest: Any) -> Schema:
    """The schema in schema.json.

    Raises:
        ValueError: if its SHA-256 is not `digest`, or it holds no schema.
    """
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{SCHEMA} was changed after saving, or belongs to another model; restore it as it was saved")
    try:
        return Schema.from_json(json.loads(content))
    except RecursionError:
        raise ValueError(f"{SCHEMA} is nested too deeply") from None


def digest_of(content: bytes) -> str:
    """SHA-256 of the content of a file."""
    return hashlib.sha256(content).hexdigest()


def history_bytes(history: History) -> bytes:
    """The content of history.csv: a line an epoch, with a header; empty where there was no validation."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_FIELDS)
    writer.writerows(dataclasses.astuple(record) for record in history)
    return text.getvalue().encode()


def history_of(content: bytes, stopped: str) -> History:
    """The history in history.csv.

    Raises:
        ValueError: if it is not what `history_bytes` writes.
    """
    try:
        head, *lines = csv.reader(io.StringIO(content.decode(), newline=""))
        if tuple(head) != _FIELDS:
            raise ValueError("the columns are others")
        records = [_record(*line) for line in lines]
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(f"{HISTORY} is damaged ({error}); restore it as it was saved, or delete it") from None
    return History(records, stopped)


_FIELDS = tuple(field.name for field in dataclasses.fields(EpochRecord))


def _record(epoch: str, train: str, validation: str, rate: str, skipped: str, seconds: str) -> EpochRecord:
    loss = float(validation) if validation else None
    return EpochRecord(int(epoch), float(train), loss, float(rate), int(skipped), float(seconds))
