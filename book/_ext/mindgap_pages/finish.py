"""Every page is put in order as its template has filled it, just before it is written.

No script stops the page from being shown. What the theme's templates and other extensions write that no page uses, or
that misleads a screen reader, is mended here, where all of it has come together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import lean, sections

SCRIPT = re.compile(r"[ \t]*<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script>[ \t]*\n?", re.DOTALL)
STYLE = re.compile(r'[ \t]*<link\b[^>]*\brel="stylesheet"[^>]*>\n?')
UNUSED_SCRIPTS = ("fontawesome.js", "sphinx-thebe.js")
SEARCH_SCRIPTS = ("searchtools.js", "language_data.js", "searchindex.js")
# A library of styles goes where none of its classes is on the page.
STYLES = {
    "sphinx-design": ' sd-|"sd-',
    "sphinx-thebe": "thebe-",
    "graphviz": "graphviz",
    "exercise.css": "exercise|solution",
}
TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
STACKED_FROM = 2  # columns; a table of numbers, which is read down its columns, is never stacked


def scripts_in_order(page: str, search: bool) -> str:
    """No script stops the page from being shown."""

    def place(script: re.Match[str]) -> str:
        attributes, body = script["attributes"], script["body"]
        if "application/json" in attributes:
            return script[0]
        if "thebe" in attributes or "THEBE_JS_URL" in body or body.startswith("kernelName ="):
            return ""
        source = re.search(r'src="([^"?]*)', attributes)
        if source is None:
            # These read what a deferred script defines.
            waits = body.startswith("DOCUMENTATION_OPTIONS.")
            return script[0].replace("<script>", '<script type="module">') if waits else script[0]
        name = source[1].rpartition("/")[2]
        if name in UNUSED_SCRIPTS or (name in SEARCH_SCRIPTS and not search):
            return ""
        if name == "design-tabs.js" and 'class="sd-tab' not in page:
            return ""
        if re.search(r"\b(?:defer|async)\b", attributes):
            return script[0]
        return script[0].replace("<script", "<script defer", 1)

    return SCRIPT.sub(place, page)


def styles_that_are_used(page: str) -> str:
    def place(link: re.Match[str]) -> str:
        wanted = next((classes for name, classes in STYLES.items() if name in link[0]), "")
        return link[0] if re.search(wanted, page.partition("<body")[2]) else ""

    return STYLE.sub(place, page)


def one_viewport(page: str) -> str:
    """The theme's templates say three times how wide a page is."""
    tags = re.findall(r'[ \t]*<meta name="viewport"[^>]*>\n?', page)
    for tag in tags[1:]:
        page = "".join(page.rpartition(tag)[::2])
    return page


def named_by_what_they_say(page: str) -> str:
    """Buttons whose label is another than the words on them, which speech control cannot press."""
    page = re.sub(r'(<button class="btn search-button-field[^>]*?) title="Search" aria-label="Search"', r"\1", page)
    page = re.sub(r'(<i class="theme-switch[^>]*?)\s+title="[^"]*"', r"\1", page)
    page = re.sub(r'(<button class="sidebar-toggle[^>]*? title="([^"]*)")', r'\1 aria-label="\2"', page)
    page = page.replace(
        '<div id="pst-primary-sidebar" class="', '<div id="pst-primary-sidebar" role="region" aria-label="Book" class="'
    )
    page = page.replace(
        '<span class="toctree-toggle" role="presentation">', '<span class="toctree-toggle" aria-hidden="true">'
    )
    return re.sub(
        r'(<li class="toctree-l\d[^"]*"><a [^>]*>([^<]*)</a><details[^>]*><summary)>',
        r'\1 aria-label="pages of \2">',
        page,
    )


def lists_that_are_lists(page: str) -> str:
    """The works of the bibliography are no list's items, and the lines of a long signature no descriptions."""

    def lines(signature: re.Match[str]) -> str:
        plain = re.sub(
            r"<(/?)dl>", lambda tag: f"<{tag[1]}span>" if tag[1] else '<span class="sig-lines">', signature[0]
        )
        return re.sub(r"<(/?)dd>", lambda tag: f"<{tag[1]}span>" if tag[1] else '<span class="sig-line">', plain)

    page = page.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    page = page.replace(' role="doc-biblioentry"', "")
    return re.sub(r'<dt class="sig.*?</dt>', lines, page, flags=re.DOTALL)


def stackable(html: str) -> str:
    """A table that a phone can show as one block a row, each value behind the heading of its column.

    Shown as blocks, a table is none to a browser any more, so its roles are written out.
    """
    table: Any = BeautifulSoup(html, "html.parser").table
    if table.thead is None or "dataframe" in table.get("class", []):
        return html
    headings = [heading.get_text(" ", strip=True) for heading in table.thead.find_all("th")]
    rows = table.tbody.find_all("tr", recursive=False) if table.tbody else []
    if len(headings) < STACKED_FROM or any(len(row.find_all(["td", "th"])) != len(headings) for row in rows):
        return html
    table["class"] = [*table.get("class", []), "stackable"]
    roles = {"thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
    table["role"] = "table"
    for element in table.find_all([*roles, "th"]):
        heads_a_row = element.name == "th" and element.find_parent("tbody") is not None
        element["role"] = roles.get(element.name, "rowheader" if heads_a_row else "columnheader")
    for row in rows:
        for cell, heading in zip(row.find_all(["td", "th"]), headings, strict=True):
            if heading:
                cell["data-label"] = heading
    return str(table)


HEADING = re.compile(r"<th\b[^>]*>[^<]*</th>")
INDEXED = re.compile(r"(?<![\w.])([a-z])_([a-z]{1,2})(?![\w(])")


def indices_set_low(page: str) -> str:
    """A heading of numbers that is a symbol of the text, c_xy, is set as one: notebooks' tables have plain names."""
    return HEADING.sub(lambda heading: INDEXED.sub(r"<i>\1</i><sub>\2</sub>", heading[0]), page)


def distinct_ids(page: str) -> str:
    """Each exercise and each solution gives its content one and the same id, which nothing refers to."""
    return re.sub(r'(<section) id="(?:exercise|solution)-content"', r"\1", page)


def finished(page: str, search: bool = False) -> str:
    """The page as it is written. `search` says that it is the one that searches."""
    for mend in (
        styles_that_are_used,
        one_viewport,
        named_by_what_they_say,
        lists_that_are_lists,
        distinct_ids,
        indices_set_low,
        lambda page: TABLE.sub(lambda table: stackable(table[0]), page),
        lambda page: scripts_in_order(page, search),
        sections.at_need,
        lean.lean,
    ):
        page = mend(page)
    return page


def finish_pages(app: Sphinx) -> None:
    """Sphinx has no event between a page's template and its file, so the template's result passes through here."""
    if app.builder.format != "html":
        return
    render: Callable[[str, dict[str, Any]], str] = app.builder.templates.render

    def render_and_finish(template: str, context: dict[str, Any]) -> str:
        text = render(template, context)
        return finished(text, context.get("pagename") == "search") if "</body>" in text else text

    app.builder.templates.render = render_and_finish


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", finish_pages, priority=900)
