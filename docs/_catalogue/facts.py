"""What a class says of itself: its signature, the lines of its docstring, the facts that it declares."""

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

from pushforward.bijectors import Bijector
from pushforward.distributions import Distribution

PIECES = re.compile(r";(?:\s{2,}|\n\s*)")
# A new sentence after the last fact of a paragraph.
SENTENCE = re.compile(r"(?<=[.)])\s+(?=[A-Z(])")
# What the docstring of a distribution says, in a paragraph or two before the arguments.
LAW = re.compile(r"(?:;\s{2,}|[;.,]?\n\s*)(?=(?:log p\(|P\(|support:|mean\s{2}|variance\s{2}))|;\s{2,}")
LAW_KEYS = (
    ("distribution function", re.compile(r"(P\(\w+ <= .*)", re.DOTALL)),
    ("log-density", re.compile(r"(log p\(.*)", re.DOTALL)),
    ("support", re.compile(r"support:\s*(.*)", re.DOTALL)),
    ("mean", re.compile(r"mean\s+(.*)", re.DOTALL)),
    ("variance", re.compile(r"variance\s+(.*)", re.DOTALL)),
)
KEYS = (
    ("inverse and log-det", re.compile(r"inverse and log-det:\s*(.*)", re.DOTALL)),
    ("inverse", re.compile(r"inverse(?::|\s)\s*(.*)", re.DOTALL)),
    ("log-det", re.compile(r"(log \|.*)", re.DOTALL)),
    ("log-det", re.compile(r"log-det(?:erminant)?(?::|\s)\s*(.*)", re.DOTALL)),
    ("domain and codomain", re.compile(r"domain and codomain:\s*(.*)", re.DOTALL)),
    ("domain", re.compile(r"domain:\s*(.*)", re.DOTALL)),
    ("codomain", re.compile(r"codomain:\s*(.*)", re.DOTALL)),
)
# Fields that every module has, and that no caller of a catalogue asks about.
EVERYWHERE = {"frozen"}


@dataclass
class Facts:
    """What the catalogue says of a class.

    Args:
        signature: "(scale=None, ...)".
        formula: the first paragraph of the docstring.
        rows: (what, value), of the docstring: inverse, log-det, domain, codomain.
        remark: what follows the rows in their paragraph.
        declared: of the class attributes, in words.
    """

    signature: str
    formula: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    remark: str = ""
    declared: str = ""


def facts_of(thing: Any) -> Facts:
    """The facts of an exported class or function."""
    paragraphs = re.split(r"\n\s*\n", inspect.getdoc(thing) or "")
    first, *rest = paragraphs[0].split("\ninverse", 1)
    rows, remark = _rows(_facts_of_a_map(["inverse" + rest[0]] if rest else paragraphs[1:]))
    is_map = inspect.isclass(thing) and issubclass(thing, Bijector)
    if inspect.isclass(thing) and issubclass(thing, Distribution):
        rows = _law(paragraphs[1:])
    return Facts(signature(thing), _joined(first), rows, remark, declared(thing) if is_map else "")


def signature(thing: Any) -> str:
    """Names and defaults, without types: "(scale=None, *, validate_args=False)"."""
    if getattr(thing, "_is_protocol", False):
        return ""
    found = inspect.signature(thing)
    kept = [
        p.replace(annotation=p.empty, default=p.default if p.default is p.empty else _Default(p.default))
        for p in found.parameters.values()
        if p.name not in EVERYWHERE
    ]
    return str(found.replace(parameters=kept, return_annotation=found.empty))


class _Default:
    """A default as one writes it: functions by name."""

    def __init__(self, value: Any):
        self.value = value

    def __repr__(self) -> str:
        name = getattr(self.value, "__name__", None)
        return name if callable(self.value) and name else repr(self.value)


def declared(bijector: type[Bijector]) -> str:
    """Direction, ranks and Jacobian in words, "increasing; rank 0 → 0; constant Jacobian"."""
    increasing = bijector.__dict__.get("is_increasing", getattr(bijector, "is_increasing", None))
    ranks = (_fact(bijector, "forward_min_event_ndims"), _fact(bijector, "inverse_min_event_ndims"))
    if ranks[1] is ... and not _overrides(bijector, "inverse_min_event_ndims"):
        ranks = (ranks[0], ranks[0])
    words = []
    if ranks[0] == 0:
        directions = {True: "increasing", False: "decreasing", None: "not monotone"}
        words.append(directions.get(_known(increasing), "monotone"))
    if ranks[0] is None:
        return "event ranks and the rest: declared by the subclass"
    words.append("event ranks: by its arguments" if ... in ranks else f"event ranks {ranks[0]} → {ranks[1]}")
    constant = _fact(bijector, "is_constant_jacobian")
    jacobian = {True: "constant Jacobian", False: "Jacobian not constant"}
    words.append(jacobian.get(constant, "constant Jacobian or not: by its arguments"))
    return "; ".join(words)


def _fact(bijector: type[Bijector], name: str) -> Any:
    """A declared fact; `...` where it is a property that looks at the instance."""
    value = inspect.getattr_static(bijector, name)
    if not isinstance(value, property):
        return value
    try:
        return value.fget(None)
    except AttributeError:
        return ...


def _known(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else ...


def _overrides(bijector: type[Bijector], name: str) -> bool:
    return inspect.getattr_static(bijector, name) is not inspect.getattr_static(Bijector, name)


def _law(paragraphs: list[str]) -> list[tuple[str, str]]:
    """What the paragraphs before the arguments say of the law, of those that begin with such a fact."""
    rows: list[tuple[str, str]] = []
    for paragraph in paragraphs:
        if re.match(r"(Args|Raises|Axes|Reference)", paragraph):
            break
        first, *others = LAW.split(paragraph)
        for piece in [first, *others]:
            value, *_ = SENTENCE.split(_joined(piece), maxsplit=1)
            found = next(((key, match[1]) for key, p in LAW_KEYS if (match := p.fullmatch(value))), None)
            if found is None:
                break
            rows.append((found[0], found[1].rstrip(".;")))
    return rows


def _facts_of_a_map(paragraphs: list[str]) -> str:
    """The text from the line on that begins with "inverse", else of the paragraph that begins with another fact."""
    for begin in (r"^inverse", r"\A(?:log \||log-det)"):
        for i, paragraph in enumerate(paragraphs):
            found = re.search(begin, paragraph, re.MULTILINE)
            if not found:
                continue
            text = paragraph[found.start() :]
            # A sentence goes on after a formula that is set apart.
            for more in paragraphs[i + 1 :]:
                if text.endswith(".") or re.match(r"\w+:\n", more):
                    break
                text += "\n" + more
            return text
    return ""


def _rows(paragraph: str) -> tuple[list[tuple[str, str]], str]:
    """The facts of the paragraph that begins with "inverse", and what follows them."""
    rows: list[tuple[str, str]] = []
    if not paragraph:
        return rows, ""
    remark = ""
    pieces = PIECES.split(paragraph)
    for i, piece in enumerate(pieces):
        value = _joined(piece)
        if i == len(pieces) - 1:
            value, *others = SENTENCE.split(value, maxsplit=1)
            remark = " ".join(others)
        for key, pattern in KEYS:
            match = pattern.fullmatch(value)
            if match:
                # What stands below in the docstring does not stand below here.
                rows.append((key, match[1].rstrip(".").strip().removesuffix(", see below")))
                break
        else:
            if not rows:
                return [], _joined(paragraph)
            rows[-1] = (rows[-1][0], f"{rows[-1][1]}; {value}")
    return rows, remark


def _joined(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines()).strip()
