"""Layer 8: the command line, a thin shell over the library.

    pushforward fit | sample | score | report | check | info | demo

A file a command; what they share:

    entry.py     the Typer app and `main`: arguments in, exit code out
    options.py   options that several commands have, with their help
    errors.py    every exception as one sentence and an exit code
    console.py   messages and progress on stderr, results on stdout
    waiting.py   a sign of life from work that cannot tell how far it is
    pipeline.py  reading, computing and writing side by side
    models.py    model folders, and the columns of a table that they want
    places.py    where outputs go: checked before the work, locked while it runs
    caching.py   compiled programs kept between runs

Exit codes: 0 done; 1 a check failed; 2 bad input or usage; 70 a bug of pushforward; 130 interrupted.

Nothing is imported at module level but the standard library and Typer, so that `--help` answers at once and bad input
is refused before JAX is loaded.
"""

from .entry import main

__all__ = ["main"]
