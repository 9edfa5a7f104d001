"""The Typer app, and `main`: arguments in, exit code out."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .. import __version__
from . import check, demo, fit, info, report, sample, score
from .errors import BROKEN_PIPE, BUG, DONE, INTERRUPTED, explain, traceback_of, usage_message
from .options import examples

NAME = "pushforward"
_HELP = ("-h", "--help")
_CONTEXT = {"help_option_names": list(_HELP), "max_content_width": 100}
_COMMANDS = (fit, sample, score, report, check, info)

app = typer.Typer(
    name=NAME,
    help="Normalizing flows for tables of numbers: train one, draw new rows, get the exact density of any row.",
    epilog=examples(
        "pushforward demo moons",
        "pushforward fit table.csv --out model",
        "pushforward sample model -n 1000 --out samples.csv",
        "pushforward score model table.csv --out scores.csv",
        "pushforward report model table.csv --out report.html",
    ),
    rich_markup_mode=None,  # Help in boxes takes twice as long to come.
    context_settings=_CONTEXT,
    pretty_exceptions_enable=False,
)
for _module in _COMMANDS:
    app.command(_module.NAME, epilog=_module.EXAMPLES)(_module.run)
_demos = typer.Typer(
    name="demo",
    help="See everything work, on data that the tool makes itself.",
    epilog=demo.EXAMPLES,
    rich_markup_mode=None,
)
_demos.command("moons", epilog=demo.EXAMPLES)(demo.run)
app.add_typer(_demos)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (those of the process if not given) and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if f"_{NAME.upper()}_COMPLETE" in os.environ:  # The shell asks what could come next.
        app(words, prog_name=NAME, standalone_mode=False)
        return DONE
    command: Any = typer.main.get_command(app)
    try:
        text = _help(command, words)
        if text is not None:
            print(text, flush=True)
            return DONE
        with command.make_context(NAME, words) as context:
            code = command.invoke(context)
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except typer.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, Exception) as error:
        return _failed(error, debug="--debug" in words)


def _help(command: Any, words: list[str]) -> str | None:
    """The help that `words` ask for, or None: asked for by an option, or by naming no command.

    Without reading the other arguments, for which Typer loads more than for everything before.
    """
    context = command.context_class(command, info_name=NAME, **_CONTEXT)
    for word in words:
        if word in _HELP:
            return context.get_help()
        commands = getattr(context.command, "commands", None)
        if commands is None:
            continue
        if word not in commands:
            return None
        context = context.command.context_class(commands[word], info_name=word, parent=context)
    return context.get_help() if hasattr(context.command, "commands") else None


def _failed(error: Any, debug: bool) -> int:
    if hasattr(error, "format_message"):  # Typer's own errors of usage.
        code, sentence = error.exit_code, usage_message(error)
    else:
        code, sentence = explain(error)
    if code == BROKEN_PIPE:  # The reader of our output has left; let Python's exit not complain about it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if debug:
        print(traceback_of(error), file=sys.stderr, end="")
    if sentence:
        lead = "" if code in (BUG, INTERRUPTED) else "error: "
        print(f"{NAME}: {lead}{sentence}", file=sys.stderr, flush=True)
    return code
