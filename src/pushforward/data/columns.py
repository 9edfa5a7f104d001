"""Which columns of a file are kept: all, or those that are asked for, by name or by position."""

from collections.abc import Sequence

from .errors import TableError, count, instead, listed, option, show


def choose(names: Sequence[str], columns: Sequence[str] | None, *, has_header: bool, source: object) -> list[int]:
    """Positions of `columns` among `names`, in the order asked for; all where it is None.

    Without a header a column may also be asked for by its position, counted from 1.

    Raises:
        TableError: if a column is not there, is asked for twice, or shares its name with another.
    """
    if isinstance(columns, str):
        raise TypeError("columns must be a sequence of names, not one text; write ['a', 'b'] for columns a and b")
    if columns is not None and not columns:
        raise TableError(f"{source}: no columns are asked for; name at least one")
    places: dict[str, list[int]] = {}
    for j, name in enumerate(names):
        places.setdefault(name, []).append(j)
    if columns is None:
        chosen = list(range(len(names)))
    else:
        chosen = [_place(str(column), names, places, has_header, source) for column in columns]
    for j in chosen:
        if len(places[names[j]]) > 1:
            numbers = ", ".join(f"{k + 1:,}" for k in places[names[j]][:6])
            raise TableError(
                f"{source}: several columns are named {show(names[j])} (numbers {numbers}); "
                "give each a name of its own in the header, or leave them out with --columns"
            )
    if len(set(chosen)) < len(chosen):
        again = next(j for j in chosen if chosen.count(j) > 1)
        raise TableError(f"{source}: column {show(names[again])} is asked for twice; name each column once")
    return chosen


def _place(column: str, names: Sequence[str], places: dict[str, list[int]], has_header: bool, source: object) -> int:
    if column in places:
        return places[column][0]
    if has_header:
        raise TableError(f"{source} has no column {show(column)}; {instead(column, names)}")
    if column.isdecimal() and 1 <= int(column) <= len(names):
        return int(column) - 1
    raise TableError(
        f"{source} has no header and no column {show(column)}; it has x1 to x{len(names)}, or 1 to {len(names)}"
    )


def refuse_text(
    names: Sequence[str],
    text: Sequence[int],
    numeric: Sequence[int],
    *,
    source: object,
    example: str,
    hint: str = "",
) -> None:
    """Raise if there are columns `text`, which hold no numbers, naming those that could be kept.

    Raises:
        TableError: unless `text` is empty.
    """
    if not text:
        return
    kept = [names[j] for j in numeric]
    cure = f"keep columns of numbers with {option(kept)}" if kept else f"none of its columns holds numbers{hint}"
    which = "column" if len(text) == 1 else count(len(text), "column")
    verb = "holds" if len(text) == 1 else "hold"
    raise TableError(f"{source}: {which} {listed([names[j] for j in text])} {verb} {example}, not numbers; {cure}")
