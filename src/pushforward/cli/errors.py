"""Every exception as one sentence and an exit code: the only place where the tool translates them."""

import errno
import os
import re
import traceback
from typing import Any

DONE, FAILED, BAD_INPUT, BUG, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 70, 130, 141

# What the library calls its arguments, and what the tool calls them.
_OPTIONS = {
    r"pass overwrite=True": "add --overwrite",
    r"overwrite=True": "--overwrite",
    r"[Pp]ass resume=True": "add --resume",
    r"resume=True": "--resume",
    r"\blearning_rate\b": "--learning-rate",
    r"\bbatch_size\b": "--batch-size",
    r"\btest_fraction\b": "--test-fraction",
    r"\bmax_grad_norm\b": "the gradient norm",
    r"\bepochs: expected": "--epochs: expected",
    r"\bpatience: expected": "--patience: expected",
}
_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "your quota of disk space is used up; free some space and run the command again",
    errno.EACCES: "permission denied; choose a place that you may write to (and files that you may read)",
    errno.EPERM: "permission denied; choose a place that you may write to (and files that you may read)",
    errno.EROFS: "the file system is read-only; choose another place for the output",
    errno.ENOENT: "no such file or folder; check the spelling",
    errno.EISDIR: "this is a folder, where a file is expected",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
    errno.EMFILE: "too many files are open; raise the limit with `ulimit -n`",
}


class UsageError(ValueError):
    """Options that do not fit together, or an input that the tool refuses; the message says what to do."""


def explain(error: BaseException) -> tuple[int, str]:
    """(exit code, sentence) for an exception; the sentence is empty where nothing need be said."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted; nothing was written"
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE, ""
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return BAD_INPUT, (
            "there is not enough memory for this; use fewer rows, fewer --columns or a smaller --batch-size, or a "
            "machine with more memory"
        )
    if isinstance(error, OSError):
        return BAD_INPUT, _of_the_system(error)
    if isinstance(error, ValueError) or type(error).__name__ == "TrainingDivergedError":
        return BAD_INPUT, in_words_of_the_tool(str(error))
    return BUG, (
        f"this is a bug in pushforward, not in your input ({type(error).__name__}: {one_line(str(error), 200)}). "
        "Please report it with the command, the versions (`pushforward --version`) and the traceback that --debug shows"
    )


def usage_message(error: Any) -> str:
    """What a mistake in the arguments is, and where help is."""
    context = getattr(error, "ctx", None)
    place = context.command_path if context is not None else "pushforward"
    text = one_line(error.format_message())
    return f"{text if text.endswith(('.', '?')) else text + '.'} See `{place} --help`"


def in_words_of_the_tool(text: str) -> str:
    """A message of the library with the names of the tool's options."""
    text = one_line(text)
    for name, option in _OPTIONS.items():
        text = re.sub(name, option, text)
    return text


def one_line(text: str, most: int = 1000) -> str:
    """Text on one line, without control characters that a hostile name may hold, and not endless."""
    text = "".join(c if c.isprintable() else " " for c in text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= most else text[: most - 1] + "…"


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it."""
    return "".join(traceback.format_exception(error))


def _of_the_system(error: OSError) -> str:
    text = error.strerror or str(error)
    plain = error.errno is not None and text == os.strerror(error.errno)
    if plain and error.errno in _CAUSES:
        text = _CAUSES[error.errno]
    elif error.errno == errno.ENOSPC and "free" not in text:
        text = f"{text}. Free some space and run the command again"
    name = error.filename
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    where = f"{name}: " if name is not None and (plain or str(name) not in text) else ""
    return in_words_of_the_tool(where + text)
