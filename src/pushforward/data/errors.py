"""The error of everything that is wrong with a table, and the words that its messages share."""

import difflib
import os
from collections.abc import Iterable, Sequence

_SHOWN = 40


class TableError(ValueError):
    """Something is wrong with a table, its file or its schema: one sentence that says what, where, and the cure."""


def show(text: object) -> str:
    """A name or a cell in quotes on one line, cut to 40 characters; nothing in it can act on a terminal."""
    text = str(text)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def one_line(text: object, most: int = 100) -> str:
    """What another library says, as a part of a sentence."""
    first = (str(text).splitlines() or [""])[0]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in first[:most])


def label(path: str | os.PathLike[str]) -> str:
    """A path as it is; in quotes where it could not stand in a line."""
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def listed(names: Iterable[object], most: int = 6) -> str:
    """`'a', 'b' and 'c'`, or the first few and how many more."""
    shown = [show(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def instead(name: str, names: Sequence[str]) -> str:
    """What to write in place of a name that is not among `names`: the nearest, or what there is."""
    folded = {other.strip().casefold(): other for other in reversed(names[:20_000])}
    found = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return f"did you mean {show(folded[found[0]])}?" if found else f"it has {listed(names, 12)}"


def option(names: Sequence[str], limit: int = 120) -> str:
    """`--columns a,b,c`; only the option where that would be long, or a name cannot be typed like that."""
    text = ",".join(names)
    plain = bool(names) and all(name.isprintable() and not set(name) & set(" ,'\"\\$`!&|;<>()*?") for name in names)
    return f"--columns {text}" if plain and len(text) <= limit else "--columns"


def leaving_out(name: str, names: Sequence[str]) -> str:
    """How to do without the column `name` of those kept."""
    others = [other for other in names if other != name]
    return f"or leave the column out with {option(others)}" if others else "for it is the only column"


def count(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
