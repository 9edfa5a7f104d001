"""The directive `{catalogue}`: the entries of a family, whose name is that of the page."""

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from pushforward import bijectors, distributions

from .facts import facts_of
from .families import BIJECTORS, DISTRIBUTIONS, family_of
from .pictures import density, picture

log = logging.getLogger(__name__)


class Catalogue(SphinxDirective):
    """One section a class, in the order of the family."""

    def run(self) -> list[nodes.Node]:
        """The sections."""
        family = self.env.docname.rsplit("/", 1)[-1]
        package = bijectors if family in BIJECTORS else distributions
        names = (BIJECTORS | DISTRIBUTIONS).get(family)
        if names is None:
            raise self.error(f"docs/_catalogue/families.py has no family {family}")
        for part in ("families", "facts", "examples", "pictures", "directive"):
            self.env.note_dependency(f"_catalogue/{part}.py")
        entries = [self.entry(package, name) for name in names]
        return [self.overview(entries), *entries]

    def overview(self, entries: list[nodes.section]) -> nodes.paragraph:
        """The names, each leading to its entry."""
        links: list[nodes.Node] = []
        for section in entries:
            links += [nodes.reference("", section["title"], internal=True, refid=section["ids"][0]), nodes.Text(" ")]
        return nodes.paragraph("", "", *links, classes=["overview"])

    def entry(self, package: Any, name: str) -> nodes.section:
        """Name, signature, formula, facts and picture."""
        thing = getattr(package, name)
        if inspect.isclass(thing) and thing.__name__ != name:
            return self.alias(package, name, thing.__name__)
        source = inspect.getsourcefile(thing)
        if source:
            self.env.note_dependency(source)
        facts = facts_of(thing)
        anchor = name.lower()
        section = nodes.section("", nodes.title("", name), ids=[anchor], names=[anchor], classes=["entry"], title=name)
        call = [self.link(package, name), nodes.literal("", facts.signature)]
        section += nodes.paragraph("", "", *call, classes=["call"])
        section += nodes.paragraph("", "", *inline(facts.formula), classes=["formula-line"])
        rows = [*facts.rows, *([("facts", facts.declared)] if facts.declared else [])]
        if rows:
            section += self.table(rows)
        if facts.remark:
            section += nodes.paragraph("", "", *inline(facts.remark), classes=["remark"])
        drawn = picture(name) if package is bijectors else density(name)
        if drawn:
            section += nodes.raw("", drawn, format="html")
        return section

    def alias(self, package: Any, name: str, original: str) -> nodes.section:
        """A second name of a class."""
        anchor = name.lower()
        section = nodes.section("", nodes.title("", name), ids=[anchor], names=[anchor], classes=["entry"], title=name)
        said = [nodes.Text("Another name of "), self.link(package, original), nodes.Text(".")]
        section += nodes.paragraph("", "", *said)
        return section

    def link(self, package: Any, name: str) -> nodes.Node:
        """The name, leading to its entry in the reference."""
        thing = getattr(package, name)
        kind = "class" if inspect.isclass(thing) else "func"
        # What a package exports for convenience is described with its own.
        home = ".".join(thing.__module__.split(".")[:2])
        target = f"{home}.{name}"
        where = {"refdomain": "py", "reftype": kind, "reftarget": target, "refexplicit": True, "refwarn": True}
        return addnodes.pending_xref("", nodes.literal("", name), refdoc=self.env.docname, **where)

    def table(self, rows: list[tuple[str, str]]) -> nodes.field_list:
        """What and value, a line each."""
        fields = nodes.field_list(classes=["facts"])
        for key, value in rows:
            body = nodes.field_body("", nodes.paragraph("", "", *inline(value)))
            fields += nodes.field("", nodes.field_name("", key), body)
        return fields


def inline(text: str) -> list[nodes.Node]:
    """Plain text in which `name` is code and **words** are strong."""
    found: list[nodes.Node] = []
    for piece in re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text):
        if piece.startswith("`"):
            found.append(nodes.literal("", piece.strip("`")))
        elif piece.startswith("**"):
            found.append(nodes.strong("", piece.strip("*")))
        elif piece:
            found.append(nodes.Text(piece))
    return found


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """In the tables of tfp_names.md, the names of the second column lead to the reference, where it has them."""
    if app.env.docname != "tfp_names":
        return
    for row in doctree.findall(nodes.row):
        for name in list(row[1].findall(nodes.literal)):
            package = next((p for p in (bijectors, distributions) if hasattr(p, name.astext())), None)
            if package is None:
                continue
            home = ".".join(getattr(package, name.astext()).__module__.split(".")[:2])
            where = {"refdomain": "py", "reftype": "obj", "reftarget": f"{home}.{name.astext()}", "refexplicit": True}
            name.replace_self(addnodes.pending_xref("", name.deepcopy(), refdoc="tfp_names", refwarn=False, **where))


def everything_has_a_page(app: Sphinx, env: Any) -> None:
    """Warn of exported names that are in no family, and of families without a page."""
    for name in bijectors.__all__:
        if family_of(name) is None:
            log.warning("pushforward.bijectors exports %s, which is in no family of docs/_catalogue/families.py", name)
    for family in BIJECTORS | DISTRIBUTIONS:
        if f"catalogue/{family}" not in env.found_docs:
            log.warning("there is no page docs/catalogue/%s.md for this family", family)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("catalogue", Catalogue)
    app.connect("doctree-read", link_names)
    app.connect("env-check-consistency", everything_has_a_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
