"""The page: head, first screen, sections, one file without anything outside it."""

import datetime as dt
from importlib import resources

from .._version import __version__
from . import sections, summary, tables
from .doubts import doubts
from .facts import Facts
from .text import plain, safe

_SECTIONS = (
    ("plane", "The density", sections.plane),
    ("training", "Training", sections.training),
    ("pairs", "Pairs of columns", sections.pairs),
    ("columns", "Each column", sections.columns),
    ("calibration", "Calibration", sections.calibration),
    ("rows", "Least likely rows", tables.rows),
    ("certificate", "Certificate", tables.certificate),
    ("settings", "Settings and versions", tables.settings),
)
# Nothing is fetched, whatever a name in the table says.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(facts: Facts) -> str:
    """The whole report as one HTML document."""
    built = [(anchor, title, html) for anchor, title, build in _SECTIONS if (html := build(facts))]
    found = doubts(facts)
    present = {"fit", *(anchor for anchor, _, _ in built)}
    links = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in built)
    body = "".join(f'<section id="{anchor}"><h2>{title}</h2>{html}</section>' for anchor, title, html in built)
    cards = summary.fit_card(facts) + _without_dead_links(summary.doubts_card(found, facts), present)
    script = f"<script>{_asset('player.js')}</script>" if 'class="player"' in body else ""
    day = dt.date.today().isoformat()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{safe(facts.title)}: report on a flow</title><style>{_asset('style.css')}</style></head><body>"
        f'<header><p class="kicker">Report on a density <span>{day}</span></p><h1>{safe(plain(facts.title))}</h1>'
        f'<p class="lead">{summary.headline(facts)}</p>{summary.strip(facts)}</header>'
        f'<main><div class="first">{cards}</div><nav aria-label="Sections">{links}</nav>{body}</main>'
        f"<footer>Made by pushforward {safe(__version__)}. Nothing on this page is loaded from elsewhere.</footer>"
        f"{script}</body></html>\n"
    )


def _without_dead_links(html: str, present: set[str]) -> str:
    for anchor in ("fit", *(anchor for anchor, _, _ in _SECTIONS)):
        if anchor not in present:
            html = html.replace(f' <a href="#{anchor}">See</a>', "")
    return html


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
