"""Sphinx settings: `make docs`."""

import re

import pushforward

project = "pushforward"
author = "The pushforward authors"
copyright = "The pushforward authors"
release = version = pushforward.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "pushforward"

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

SECTION = re.compile(r"(Args|Arguments|Attributes|Raises|Returns|Yields|Note|Notes|References?|Warning|See Also):\s*$")
EXAMPLE = re.compile(r"Examples?:\s*$")
MARKUP = re.compile(r"\\|\||(?<!\*)\*(?!\*)|_(?!\w)")


def escape(line: str) -> str:
    """One line of plain text as reStructuredText: |x| is no substitution, *n no emphasis, `name` is code."""
    pieces = re.split(r"(`+[^`]*`+)", line)
    for i, piece in enumerate(pieces):
        is_code = i % 2 == 1
        pieces[i] = f"``{piece.strip('`')}``" if is_code else MARKUP.sub(r"\\\g<0>", piece)
    return "".join(pieces)


def plain_text(app, what, name, obj, options, lines):
    """Docstrings are plain text with Google sections; indented blocks in them are formulae, tables or code."""
    out, in_section, in_literal = [], False, False
    for line in lines:
        indented = line.startswith("  ")
        if EXAMPLE.match(line):
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


def setup(app):
    # Before napoleon, which listens at priority 500.
    app.connect("autodoc-process-docstring", plain_text, priority=100)
