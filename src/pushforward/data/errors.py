"""The error of everything that is wrong with a table, and the words that its messages share."""

import difflib
from collections.abc import Iterable, Sequence

_SHOWN = 40


class TableError(ValueError):
    """Something is wrong with a table, its file or its schema; the message is one sentence that says where and the cure."""


def show(text: object) -> str:
    """A name or a cell in quotes on one line, cut to 40 characters; nothing in it can act on a terminal."""
    text = str(text)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def listed(names: Iterable[object], most: int = 6) -> str:
    """`'a', 'b' and 'c'`, or the first few and how many more."""
    shown = [show(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def nearest(name: str, names: Sequence[str]) -> str:
    """`; did you mean 'x'?`, or nothing where no name is near."""
    folded = {other.strip().casefold(): other for other in reversed(names)}
    found = difflib.get_close_matches(name.strip().casefold(), list(folded)[:20_000], n=1, cutoff=0.6)
    return f"; did you mean {show(folded[found[0]])}?" if found else ""


def option(names: Sequence[str], limit: int = 120) -> str:
    """`--columns a,b,c`, cut where it would be long or where a name could not be typed like that."""
    text = ",".join(names)
    plain = bool(names) and all(name.isprintable() and not set(name) & set(" ,'\"\\$`!&|;<>()*?") for name in names)
    return f"--columns {text}" if plain and len(text) <= limit else "--columns"


def count(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
