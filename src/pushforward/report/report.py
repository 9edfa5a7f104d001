"""`write_report` and `report_html`: a report on a table's model."""

import os

from ..data import Table, check_output
from ..data.output import new_file
from ..estimators import TableFlow
from .facts import gather
from .page import page


def report_html(model: TableFlow, table: Table | None) -> str:
    """The report on a model as one HTML document that needs nothing else.

    Args:
        model: a model of a table.
        table: the table that it was fitted to, whose held-out rows then tell how good it is; or another table with
            these columns, all of whose rows count as new; or None, to tell only what the model itself knows.

    The scores of a Gaussian and a mixture, where they are measured for the first time, are added to
    `model.record["baselines"]`.

    Raises:
        TableError: if the table lacks a column of the model.
    """
    return page(gather(model, table))


def write_report(path: str | os.PathLike, model: TableFlow, table: Table | None, *, overwrite: bool = False) -> None:
    """Write `report_html` to a file, whole or not at all.

    Args:
        path: of the file; its folder must exist.
        model: as in `report_html`.
        table: as in `report_html`.
        overwrite: replace a file that stands there.

    Raises:
        FileExistsError: if there is a file and `overwrite` is False.
        TableError: as in `report_html`, and if the file cannot be written.
    """
    check_output(path, overwrite=overwrite)
    content = report_html(model, table).encode("utf-8")
    with new_file(path, overwrite=overwrite) as file:
        file.write(content)
