"""Which columns of a file are kept: all, or those that are asked for, by name or by position."""

from collections.abc import Sequence

from .errors import TableError, count, listed, nearest, option


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
    chosen = range(len(names)) if columns is None else [_place(c, names, places, has_header, source) for c in columns]
    kept = [names[j] for j in chosen]
    if twice := [name for name in dict.fromkeys(kept) if len(places[name]) > 1]:
        at = listed([j + 1 for j in places[twice[0]]]).replace("'", "")
        raise TableError(
            f"{source}: several columns have the name {listed(twice)} (columns {at}); "
            "give each a name of its own in the header, or leave them out with --columns"
        )
    if len(set(kept)) < len(kept):
        again = [name for name in dict.fromkeys(kept) if kept.count(name) > 1]
        raise TableError(f"{source}: {listed(again)} is asked for twice; name each column once")
    return list(chosen)


def _place(column: str, names: Sequence[str], places: dict[str, list[int]], has_header: bool, source: object) -> int:
    column = str(column)
    if column in places:
        return places[column][0]
    if not has_header and column.isdecimal() and 1 <= int(column) <= len(names):
        return int(column) - 1
    if not has_header:
        raise TableError(
            f"{source} has no header, so its columns are x1 to x{len(names)} or 1 to {len(names)}; {listed([column])} is none of them"
        )
    raise TableError(
        f"{source} has no column {listed([column])}{nearest(column, names) or f'; it has {listed(names, 12)}'}"
    )


def refuse_text(
    names: Sequence[str],
    text: Sequence[int],
    numeric: Sequence[int],
    *,
    source: object,
    example: str = "",
    hint: str = "",
) -> None:
    """Raise for columns that hold no numbers, naming those that could be used in their place."""
    if not text:
        return
    kept = [names[j] for j in numeric]
    cure = (
        f"keep columns of numbers with {option(kept)}"
        if kept
        else f"expected columns of numbers, and there are none{hint}"
    )
    which = "column" if len(text) == 1 else f"{count(len(text), 'column')}"
    verb = "holds" if len(text) == 1 else "hold"
    raise TableError(f"{source}: {which} {listed([names[j] for j in text])} {verb} text, not numbers{example}; {cure}")
