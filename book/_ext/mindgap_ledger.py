"""Sphinx extension: the ledger of claims as a page, and the role by which chapters cite a claim.

The directive `ledger` makes a row of every claim in `mindgap/results/claims.json`, which is read, not computed: nothing
of the package is imported. The page says everything without JavaScript; `_static/mindgap-ledger.js` filters it and adds
the reader's own predictions. The role `claim` makes a link to a row, with its sentence on hovering.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

LOGGER = logging.getLogger(__name__)
BOOK = Path(__file__).parents[1]
LEDGER = BOOK.parent / "mindgap/results/claims.json"
MIME = "application/vnd.mindgap.predict.v1+json"
PAGE, SCRIPT, STYLE = "book/ledger", "mindgap-ledger.js", "ledger.css"
MARK, ROLE = 'class="mindgap-ledger"', "mindgap-cited-claim"

# Shapes that differ without colour, in a square of 16; the fill is the colour of the text around.
SHAPES = {
    "holds": '<circle cx="8" cy="8" r="7"/>',
    "holds at toy scale": '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<circle cx="8" cy="8" r="2.6"/>',
    "holds with a caveat": '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<path d="M8 2a6 6 0 0 0 0 12z"/>',
    "contested": '<path d="M8 1l7 7-7 7-7-7z" fill="none" stroke="currentColor" stroke-width="2"/>',
    "fails here": '<path d="M2.5 2.5l11 11m0-11l-11 11" stroke="currentColor" stroke-width="3"/>',
    "not testable here": '<path d="M2 8h12" stroke="currentColor" stroke-width="3"/>',
    "table changed": '<path d="M8 1v9m0 3v2" stroke="currentColor" stroke-width="3"/>',
}
ROLES = {"for": "For it", "against": "Against it", "caveat": "Limits it", "confirms": "Confirms a failure"}


def ledger() -> dict[str, Any]:
    """The committed ledger."""
    content: dict[str, Any] = json.loads(LEDGER.read_text(encoding="utf-8"))
    return content


def spelled(value: float) -> str:
    """As `mindgap claims` writes numbers."""
    if value == round(value) and abs(value) < 1e6:
        text = f"{value:.0f}"
    elif 0.99 < abs(value) < 1:
        text = f"{value:.4f}" if abs(value) < 0.99995 else f"{value:.6f}"
    else:
        text = f"{value:.3g}" if abs(value) < 0.0995 or abs(value) >= 100 else f"{value:.3f}"
    return text.replace("-", "−")


def anchor(verdict: str) -> str:
    return verdict.replace(" ", "-")


def sign(verdict: str) -> str:
    """A verdict's shape; the word stands beside it."""
    frame = 'viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="currentColor"'
    return f"<svg {frame}>{SHAPES[verdict]}</svg>"


def verdict_html(verdict: str) -> str:
    return f'<span class="mindgap-verdict is-{anchor(verdict)}">{sign(verdict)}<b>{escape(verdict)}</b></span>'


def counts_html(content: dict[str, Any]) -> str:
    """How many claims have each verdict: a bar, and a list that the script turns into buttons."""
    counts = Counter(one["verdict"] for one in content["claims"])
    there = [verdict for verdict in content["verdicts"] if counts[verdict]]
    bar = "".join(
        f'<span class="is-{anchor(verdict)}" style="flex-grow: {counts[verdict]}"></span>' for verdict in there
    )
    rows = "".join(
        f'<li data-verdict="{escape(verdict)}">{verdict_html(verdict)} '
        f'<span class="mindgap-count">{counts[verdict]}</span>'
        f"<small>{escape(content['verdicts'][verdict])}</small></li>"
        for verdict in there
    )
    return (
        f'<div class="mindgap-ledger-bar" aria-hidden="true">{bar}</div><ul class="mindgap-ledger-counts">{rows}</ul>'
    )


def numbers_html(numbers: list[dict[str, Any]]) -> str:
    """Numbers with what is in brackets behind them; what that is stands once, where it is the same for all."""
    ranges = [one["low"] is not None and one["low"] != one["high"] for one in numbers]
    kinds = {one["interval"] for one, there in zip(numbers, ranges, strict=True) if there}
    rows = ""
    for one, there in zip(numbers, ranges, strict=True):
        kind = f"; {escape(one['interval'])}" if len(kinds) > 1 else ""
        spread = f" <small>({spelled(one['low'])} to {spelled(one['high'])}{kind})</small>" if there else ""
        rows += f"<li>{escape(one['name'])}: <b>{spelled(one['value'])}</b>{spread}</li>"
    if len(kinds) == 1:
        rows += f'<li class="mindgap-claim-interval">In brackets: {escape(next(iter(kinds)))}.</li>'
    return f"<ul>{rows}</ul>" if rows else ""


def head_html(claim: dict[str, Any]) -> str:
    """The sentence, its verdict, and the numbers of both sides."""
    why = claim["why"]
    reason = (
        f'<p class="mindgap-claim-why">{escape(why[:1].upper() + why[1:])}{"" if why.endswith(".") else "."}</p>'
        if why
        else ""
    )
    sides = "".join(
        f"<div><dt>{name}</dt><dd>{text}</dd></div>"
        for name, text in (
            ("Published", escape(claim["published"])),
            ("Here", numbers_html(claim["numbers"])),
        )
        if text
    )
    return (
        f'<p class="mindgap-claim-statement">{escape(claim["statement"])}</p>'
        f'<p class="mindgap-claim-head">{verdict_html(claim["verdict"])}'
        f'<a class="mindgap-claim-id" href="#claim-{claim["id"]}">{claim["id"]}</a></p>'
        f'{reason}<dl class="mindgap-claim-sides">{sides}</dl>'
    )


def conditions_html(claim: dict[str, Any]) -> str:
    rows = "".join(
        f'<li class="is-{"met" if one["met"] else "unmet"}"><span>{ROLES[one["role"]]}</span> {escape(one["words"])}: '
        f"{spelled(one['value'])} {one['relation']} {spelled(one['limit'])}, "
        f"<b>{'met' if one['met'] else 'not met'}</b></li>"
        for one in claim["conditions"]
    )
    files = "".join(
        f"<li><code>mindgap/{escape(one['name'])}</code>, SHA-256 <code>{one['sha256']}</code></li>"
        for one in claim["tables"]
    )
    facts = [("How ours differs", escape(claim["protocol"])), ("Scale", escape(claim["scale"]))]
    if claim["thresholds"]:
        limits = ", ".join(f"{escape(name)} {spelled(value)}" for name, value in claim["thresholds"].items())
        facts.append(("Thresholds, written before the check", limits))
    if files:
        facts.append(("Reads", f"<ul>{files}</ul>"))
    rest = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts if text != "–")
    return (
        f'<ul class="mindgap-claim-conditions">{rows}</ul>' * bool(rows)
        + f'<dl class="mindgap-claim-facts">{rest}</dl>'
    )


@cache
def source_of(path: Path) -> dict[str, str]:
    """The functions of a module, as they are written, without decorators."""
    text = path.read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


def module_of(function: str) -> Path:
    return BOOK.parent / (function.rpartition(".")[0].replace(".", "/") + ".py")


def title_of(page: str) -> str:
    """The first heading of a page of the book."""
    for suffix in (".ipynb", ".md"):
        path = BOOK / f"{page}{suffix}"
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            if suffix == ".ipynb":
                text = "\n".join(
                    "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"
                )
            if found := re.search(r"^# (.+)$", text, re.MULTILINE):
                return found[1].strip()
    raise ValueError(f"{page}: no page of the book, or one without a heading")


def chapter_page(number: int) -> str:
    """The name of a chapter's page, if it is in the book."""
    return next((path.stem for path in sorted(BOOK.glob(f"{number:02}_*.ipynb"))), "")


def questions() -> list[dict[str, Any]]:
    """The predictions that the pages of the book ask for, by page."""
    pages = []
    for path in sorted(BOOK.glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        if MIME not in text:
            continue
        asked = [
            output["data"][MIME]["name"]
            for cell in json.loads(text)["cells"]
            for output in cell.get("outputs", [])
            if MIME in output.get("data", {})
        ]
        pages.append({"page": path.stem, "title": title_of(path.stem), "names": asked})
    return pages


class Ledger(SphinxDirective):
    """All claims, a section a chapter."""

    def run(self) -> list[nodes.Node]:
        content = ledger()
        for path in (LEDGER, *sorted(BOOK.glob("*.ipynb"))):
            self.env.note_dependency(str(path))
        asked = json.dumps(questions(), ensure_ascii=False).replace("</", "<\\/")
        chapters = {number: self.title(int(number), name) for number, name in content["chapters"].items()}
        named = json.dumps(chapters, ensure_ascii=False).replace("</", "<\\/")
        top = (
            f"<div {MARK}>{counts_html(content)}"
            '<div class="mindgap-ledger-tools" hidden></div>'
            '<div class="mindgap-ledger-score" hidden></div>'
            f'<script type="application/json" class="mindgap-ledger-questions">{asked}</script>'
            f'<script type="application/json" class="mindgap-ledger-chapters">{named}</script></div>'
        )
        made: list[nodes.Node] = [nodes.raw("", top, format="html")]
        for number, rows in groupby(content["claims"], key=lambda one: one["chapter"]):
            made.append(self.section(number, chapters[str(number)], list(rows)))
        return made

    def title(self, number: int, name: str) -> str:
        page = chapter_page(number)
        return f"{number}. {title_of(page) if page else name}"

    def section(self, number: int, title: str, claims: list[dict[str, Any]]) -> nodes.section:
        section = nodes.section(ids=[f"ledger-chapter-{number}"], names=[f"ledger-chapter-{number}"])
        section += nodes.title("", title)
        for claim in claims:
            attributes = f'id="claim-{claim["id"]}" data-verdict="{escape(claim["verdict"])}" data-chapter="{number}"'
            section += nodes.raw("", f'<article class="mindgap-claim" {attributes}>{head_html(claim)}', format="html")
            section += self.links(claim)
            if claim["function"]:
                section += self.provenance(claim)
            section += nodes.raw("", "</article>", format="html")
        return section

    def provenance(self, claim: dict[str, Any]) -> list[nodes.Node]:
        """Folded: conditions, protocol, files, and the function that decided."""
        path, name = module_of(claim["function"]), claim["function"].rpartition(".")[2]
        code = source_of(path)[name]
        self.env.note_dependency(str(path))
        said = nodes.paragraph()
        said += [nodes.Text("Decided by "), nodes.literal("", claim["function"]), nodes.Text(":")]
        waits = claim["verdict"] == "not testable here"  # for results of the reader
        summary = "How results of yours would decide it" if waits else "How it was decided"
        opened = f'<details class="fold"><summary>{summary}</summary>{conditions_html(claim)}'
        return [
            nodes.raw("", opened, format="html"),
            said,
            nodes.literal_block(code, code, language="python"),
            nodes.raw("", "</details>", format="html"),
        ]

    def links(self, claim: dict[str, Any]) -> nodes.container:
        """Where the statement is made, and where the book shows it."""
        line = claim["source"] if not claim["cites"] else f"{{cite:t}}`{claim['cites']}`"
        if claim["cites"] and not re.search(r"et al\.|\d{4}$", claim["source"]):
            line += f", {claim['source']}"
        made = nodes.container(classes=["mindgap-claim-links"])
        self.state.nested_parse([f"Source: {line}."], self.content_offset, made)
        if claim["figure"] and made.children:
            page, _, place = claim["figure"].partition("#")
            address = f"{page}.html" + (f"#{place}" if place else "")
            reference = nodes.reference("", title_of(page), refuri=address, internal=True)
            made.children[-1] += [nodes.Text(" Shown in "), reference, nodes.Text(".")]
        return made


class ClaimRole(SphinxRole):
    """A claim of the ledger, by its id."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        node = addnodes.pending_xref(
            "",
            nodes.inline("", self.text, classes=[ROLE]),
            refdomain="",
            reftype=ROLE,
            reftarget=self.text,
            refwarn=True,
        )
        self.set_source_info(node)
        node["refdoc"] = self.env.docname
        self.env.note_dependency(str(LEDGER))
        return [node], []


@cache
def statements(stamp: float) -> dict[str, str]:
    return {one["id"]: f"{one['verdict']}: {one['statement']}" for one in ledger()["claims"]}


def resolve(app: Sphinx, env: Any, node: addnodes.pending_xref, content: nodes.Node) -> nodes.Node | None:
    """A link to the row of a claim."""
    if node.get("reftype") != ROLE:
        return None
    known = statements(LEDGER.stat().st_mtime)
    if node["reftarget"] not in known:
        LOGGER.warning(f"{node['reftarget']}: no claim of the ledger", location=node)
        return content
    address = app.builder.get_relative_uri(node["refdoc"], PAGE) + f"#claim-{node['reftarget']}"
    reference = nodes.reference("", "", refuri=address, internal=True, reftitle=known[node["reftarget"]])
    reference += content
    return reference


def add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if MARK in context.get("body", ""):
        app.add_css_file(STYLE)
        context["body"] += f'<script defer src="{context["pathto"](f"_static/{SCRIPT}", 1)}"></script>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("ledger", Ledger)
    app.add_role("claim", ClaimRole())
    app.connect("missing-reference", resolve)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
