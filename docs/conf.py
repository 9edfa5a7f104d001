"""Sphinx settings: `make docs`."""

import os
import re
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.util import logging

# The pictures of the catalogue are small; no accelerator need be woken for them.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import pushforward

project = "pushforward"
author = "The pushforward authors"
copyright = "The pushforward authors"
release = version = pushforward.__version__

# The pages of catalogue/ are made of the classes, by an extension that lies beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent))
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "_catalogue.directive"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "pushforward"
html_static_path = ["_static"]
html_css_files = ["site.css"]

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
# A default that is a function, by its name in the source.
autodoc_preserve_defaults = True

# What is exported for convenience and documented by its own library, or on another page here.
ELSEWHERE = {"pushforward.bijectors.AutoregressiveNetwork"}

LAYER = re.compile(r"^Layer \d+: (\w)")
SECTION = re.compile(r"(Args|Arguments|Raises|Returns|Yields|Note|Notes|References?|Warning|See Also):\s*$")
ATTRIBUTES = re.compile(r"Attributes:\s*$")
ATTRIBUTE = re.compile(r"    (\w[\w, ]*): (.*)$")
EXAMPLE = re.compile(r"Examples?:\s*$")
MARKUP = re.compile(r"\\|\||(?<!\*)\*(?!\*)|_(?!\w)")


PROPERTIES: dict[str, list[str]] = {}


def escape(line: str) -> str:
    """One line of plain text as reStructuredText: |x| is no substitution, *n no emphasis, `name` is code."""
    pieces = re.split(r"(`+[^`]*`+)", line)
    for i, piece in enumerate(pieces):
        is_code = i % 2 == 1
        pieces[i] = f"``{piece.strip('`')}``" if is_code else MARKUP.sub(r"\\\g<0>", piece)
    return "".join(pieces)


def plain_text(app, what, name, obj, options, lines):
    """Docstrings are plain text with Google sections; indented blocks in them are formulae, tables or code."""
    if what == "module" and lines:
        lines[0] = LAYER.sub(lambda match: match[1].upper(), lines[0])
    out, in_section, in_literal, in_attributes = [], False, False, False
    for line in lines:
        indented = line.startswith("  ")
        in_attributes = in_attributes and (indented or not line.strip())
        if ATTRIBUTES.match(line):
            out += ["", ":Attributes:"]
            in_section, in_literal, in_attributes = False, False, True
        elif in_attributes:
            # A list: napoleon would describe attributes that are properties twice, and split `a, b: ...` oddly.
            named = ATTRIBUTE.match(line)
            out.append(f"    * **{named[1]}** – {escape(named[2])}" if named else f"      {escape(line.strip())}")
        elif EXAMPLE.match(line):
            out += ["", line.strip() + ":", ""]
            in_section, in_literal = False, True
        elif SECTION.match(line):
            out += ["", line]
            in_section, in_literal = True, False
        elif in_section:
            out.append(escape(line))
            in_section = indented or not line.strip()
        elif indented and not in_literal:
            out += ["", "::", "", line]
            in_literal = True
        elif indented or not line.strip():
            out.append(line)
        else:
            out += ["", escape(line)] if in_literal else [escape(line)]
            in_literal = False
    lines[:] = out
    if what == "property":
        PROPERTIES[name] = out


def restore_property(app, what, name, obj, options, lines):
    """Undo what napoleon does to a property, where it takes all that stands before a colon for the type."""
    lines[:] = PROPERTIES.get(name, lines) if what == "property" else lines


def skip(app, what, name, obj, would_skip, options):
    """A field of a named tuple is described in the docstring of the tuple."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def everything_is_there(app, env):
    """Warn of exported names that no page describes."""
    described = set(env.domains["py"].objects)
    for name in pushforward.__all__:
        package = getattr(pushforward, name)
        if not hasattr(package, "__path__"):
            continue
        for exported in package.__all__:
            home = getattr(getattr(package, exported), "__module__", None) or ""
            full = f"{package.__name__}.{exported}"
            if full not in described | ELSEWHERE and not home.startswith("numpyro."):
                logging.getLogger(__name__).warning("%s is exported, and no page of docs/api describes it", full)


def visit_math(writer, node):
    """A formula as MathML: browsers draw it themselves, also from a folder and without a network."""
    is_block = isinstance(node, nodes.math_block)
    mathml = latex2mathml.tex2mathml(node.astext(), as_block=is_block)
    # Room after log and det, which not every browser leaves by itself.
    mathml = mathml.replace("<mo>&ApplyFunction;</mo>", '<mspace width="0.17em"></mspace>')
    writer.body.append(f'<div class="formula">{mathml}</div>' if is_block else mathml)
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    # Before napoleon, which listens at priority 500.
    app.connect("autodoc-process-docstring", plain_text, priority=100)
    app.connect("autodoc-process-docstring", restore_property, priority=900)
    app.connect("autodoc-skip-member", skip)
    app.connect("env-check-consistency", everything_is_there)
