"""Numbers and names as people read them, safe to put into HTML."""

import html
import math
import unicodedata
from typing import Any

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# Joins the parts of an emoji; the other format characters may turn the direction of the page's text.
_JOINER = "\u200d"


def plain(text: Any) -> str:
    """One line of text: line ends become ↵, other control characters a dot."""
    text = str(text).replace("\r\n", "↵").replace("\n", "↵").replace("\r", "↵")
    return "".join(_visible(c) for c in text)


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    return "·" if kind in ("Cc", "Cf") and character != _JOINER else character


def safe(text: Any) -> str:
    """`plain` text, escaped for HTML and its attributes."""
    return html.escape(plain(text), quote=True)


def short(text: Any, most: int = 24) -> str:
    """`plain` text of at most so many characters."""
    text = plain(text)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def name(text: Any, most: int = 28) -> str:
    """A column's name as HTML, shortened, the whole of it as a tooltip."""
    title = f' title="{safe(text)}"' if len(plain(text)) > most else ""
    return f'<b class="name"{title}>{html.escape(short(text, most), quote=True)}</b>'


def names(items: Any, most: int = 4) -> str:
    """Several names, "a, b and 3 more"."""
    items = list(items)
    if len(items) <= most + 1:
        *first, last = (name(item) for item in items)
        return f"{', '.join(first)} and {last}" if first else last
    return f"{', '.join(name(item) for item in items[:most])} and {len(items) - most} more"


def count(value: float) -> str:
    """An integer with thousands set apart."""
    return f"{int(value):,}"


def plural(value: int, word: str, words: str | None = None) -> str:
    """`3 rows`, `1 row`."""
    return f"{count(value)} {word if value == 1 else words or word + 's'}"


def number(value: float, digits: int = 4) -> str:
    """A number to so many significant digits."""
    value = float(value)
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 7:
        text = f"{value:,.{min(max(digits - 1 - exponent, 0), 8)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", "−")
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPTS)}".replace("-", "−")


def nats(value: float, error: float | None = None) -> str:
    """A log density: as many decimals as its standard error has meaning for."""
    if not math.isfinite(value):
        return number(value)
    decimals = 3
    if error is not None and math.isfinite(error) and error > 0:
        decimals = min(max(1 - math.floor(math.log10(error)), 0), 4)
    return f"{value:,.{decimals}f}".replace("-", "−")


def with_error(value: float, error: float) -> str:
    """`1.234 ± 0.056`."""
    return f"{nats(value, error)} ± {nats(error, error)}" if math.isfinite(error) else nats(value)


def p_text(p: float) -> str:
    """A p-value with its sign: `= 0.23`, `< 10⁻¹⁰`."""
    if p < 1e-10:
        return "< 10⁻¹⁰"
    if p > 0.995:
        return "= 1"
    return f"= {p:.2f}" if p >= 0.095 else f"= {number(p, 1)}"


def percent(fraction: float) -> str:
    """`0.31 %`, which no line end parts."""
    value = 100 * float(fraction)
    return f"{number(value, 2) if abs(value) < 99.5 else number(value, 3)}\u202f%"


def seconds(value: float) -> str:
    """A duration."""
    if value < 90:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def subscript(index: int) -> str:
    """₁₂ of 12."""
    return str(index).translate(_SUBSCRIPTS)
