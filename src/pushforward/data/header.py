"""Whether a text table begins with the names of its columns, and which they are."""

import re
from collections.abc import Sequence

from .cells import Cell, Record, kind_of, split
from .errors import TableError


def is_header(first: Sequence[Cell], below: Sequence[Sequence[Cell]], decimal: str) -> bool:
    """Whether the record `first`, above the rows `below`, names columns.

    It does if a cell of it is text, unless another is a number such as 1.5, which names nothing, or its texts come
    again below. A record of numbers does not, unless it counts 0, 1, 2, ... (the names that pandas gives) above
    numbers that are no counts. A quoted number is text, if nothing below is quoted.
    """
    in_quotes = not any(cell.quoted for row in below for cell in row)
    kinds = ["text" if in_quotes and cell.quoted else kind_of(cell.text, decimal) for cell in first]
    if "text" in kinds:
        if "number" in kinds:
            return False
        return "integer" not in kinds or not _comes_again(first, below, kinds)
    counted = [cell.text for cell in (first if first[0].text else first[1:])]
    counts = len(counted) > 1 and counted == [str(j) for j in range(len(counted))]
    return counts and any(kind_of(cell.text, decimal) == "number" for row in below for cell in row)


def _comes_again(first: Sequence[Cell], below: Sequence[Sequence[Cell]], kinds: Sequence[str]) -> bool:
    # 2019 and 2020 may be names, and then the texts beside them are names too. "Male" or a date comes again below.
    shapes = {(j, _shape(cell.text)) for j, cell in enumerate(first) if kinds[j] == "text"}
    return any((j, _shape(cell.text)) in shapes for row in below for j, cell in enumerate(row))


def _shape(text: str) -> str:
    return re.sub(r"\d", "9", text)


def names_in_comment(comment: Record, first: Sequence[Cell], delimiter: str) -> list[Cell] | None:
    """The names in `# x y z` above rows of three cells, or None where it holds none.

    The # may be the name of the first column.
    """
    text = comment.text.strip()
    for content in (text.lstrip("#").strip(), text):
        cells = split(content, delimiter)
        if len(cells) == len(first) and any(kind_of(cell.text) == "text" for cell in cells):
            return cells
    return None


def checked_names(cells: Sequence[Cell], line: int, source: object) -> tuple[str, ...]:
    """The names of the columns; one without is called by its position.

    Raises:
        TableError: if they are not UTF-8, or no text.
    """
    names = [cell.text if cell.quoted else cell.text.strip() for cell in cells]
    if any(ord(letter) < 9 for name in names for letter in name):
        raise TableError(
            f"{source} is not a text table (control characters in line {line}); give a CSV or Parquet file"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise TableError(
                f"{source}, line {line}: the names are not in UTF-8 (perhaps in Latin-1); save the file as UTF-8"
            ) from None
    return tuple(name if name.strip() else f"x{j + 1}" for j, name in enumerate(names))
