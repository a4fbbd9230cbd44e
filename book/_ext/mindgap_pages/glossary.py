"""A word of the glossary is explained where a chapter first uses it: a link, with the definition on hover and focus.

The words are read from the glossary's own page, so that a new entry there is explained in every chapter. Each of these
places is an entry of the index, too. Headings, links, code, formulas, tables, captions and exercises stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PAGE = "book/appendix/glossary"
FENCE = re.compile(r"^```\{glossary\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROSE = (nodes.emphasis, nodes.strong)
# Blocks whose paragraphs are no running text.
APART = (nodes.table, nodes.figure, nodes.Admonition)
APART_TYPES = {"exercise_node", "exercise_enumerable_node", "solution_node"}


class Entry(NamedTuple):
    """One entry of the glossary: its names, and its definition without the line that leads to a chapter."""

    names: tuple[str, ...]
    definition: str

    @property
    def slug(self) -> str:
        return nodes.make_id(self.names[0])

    @property
    def pattern(self) -> re.Pattern[str]:
        """Its names as whole words, in the plural too; abbreviations only as they are written."""
        words = []
        for name in sorted(self.names, key=len, reverse=True):
            stem = re.escape(name.removesuffix("y")).replace(r"\ ", r"\s+")
            word = rf"{stem}(?:y|ies)" if name.endswith("y") else rf"{stem}(?:s|es)?"
            words.append(word if re.search(r"[A-Z]", name) else f"(?i:{word})")
        return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])")


def entries(text: str) -> list[Entry]:
    """The entries of a glossary page."""
    found: list[Entry] = []
    names: list[str] = []
    lines: list[str] = []
    for line in [*"".join(FENCE.findall(text)).splitlines(), "end"]:
        if line and not line.startswith(" "):
            if lines:
                found.append(Entry(tuple(names), " ".join(lines)))
                names, lines = [], []
            names.append(line.strip())
        elif line.strip() and not line.strip().startswith("More in {doc}"):
            lines.append(line.strip())
    return found


class Explained(nodes.inline):
    """A word with its entry of the glossary."""


def visit_explained(self: Any, node: Explained) -> None:
    builder, name = self.builder, node["entry"]
    where = builder.env.get_domain("std").objects.get(("term", name))
    uri = builder.get_relative_uri(builder.current_docname, where[0]) + f"#{where[1]}" if where else ""
    ids = f' id="{escape(node["at"])}"'
    self.body.append(
        f'<span class="explained"{ids}><a class="term" href="{escape(uri)}" aria-describedby="{escape(node["at"])}-is">'
    )


def depart_explained(self: Any, node: Explained) -> None:
    definition = escape(node["definition"], quote=False)
    self.body.append(
        f'</a><span class="explanation" role="tooltip" id="{escape(node["at"])}-is">{definition}</span></span>'
    )


def as_it_is(self: Any, node: Explained) -> None:
    """Where nothing can be hovered, a word is a word."""


def is_apart(block: nodes.Element) -> bool:
    return isinstance(block, APART) or type(block).__name__ in APART_TYPES or "frame" in block.get("classes", ())


def prose(document: nodes.document) -> Iterator[nodes.Text]:
    """The words of running text, in order."""
    for text in list(document.findall(nodes.Text)):
        block = text.parent
        while isinstance(block, PROSE) or (type(block) is nodes.inline and not block["classes"]):
            block = block.parent
        if not isinstance(block, nodes.paragraph):
            continue
        while block.parent is not None and not is_apart(block):
            block = block.parent
        if block.parent is None:
            yield text


class ExplainTerms(SphinxTransform):
    default_priority = 840  # before the domains collect the entries of the index

    def apply(self, **kwargs: Any) -> None:
        page = Path(self.env.doc2path(PAGE))
        if Path(self.env.doc2path(self.env.docname)).suffix != ".ipynb" or not page.exists():
            return
        self.env.note_dependency(str(page))
        left = entries(page.read_text(encoding="utf-8"))
        for text in prose(self.document):
            left = self.explain(text, left)

    def explain(self, text: nodes.Text, left: list[Entry]) -> list[Entry]:
        """Replace a text by itself with links in it; returns the entries that are still to be explained."""
        words = str(text)
        found: list[tuple[int, int, Entry]] = []
        # A longer name first: "gap distance" is not the gap's.
        for entry in sorted(left, key=lambda entry: -max(map(len, entry.names))):
            for match in entry.pattern.finditer(words):
                if all(match.end() <= start or match.start() >= end for start, end, _ in found):
                    found.append((*match.span(), entry))
                    break
        if not found:
            return left
        pieces: list[nodes.Node] = []
        done = 0
        for start, end, entry in sorted(found, key=lambda one: one[0]):
            at = f"first-{entry.slug}"
            pieces.append(nodes.Text(words[done:start]))
            pieces.append(Explained("", words[start:end], entry=entry.names[0], at=at, definition=entry.definition))
            done = end
            index = addnodes.index(entries=[("single", entry.names[0], at, "", None)])
            block: nodes.Element = text.parent
            while not isinstance(block, nodes.paragraph):
                block = block.parent
            block.parent.insert(block.parent.index(block), index)
        pieces.append(nodes.Text(words[done:]))
        text.parent.replace(text, [piece for piece in pieces if not isinstance(piece, nodes.Text) or piece])
        return [entry for entry in left if all(entry is not other for _, _, other in found)]


def setup(app: Sphinx) -> None:
    plain = (as_it_is, as_it_is)
    app.add_node(Explained, html=(visit_explained, depart_explained), latex=plain, text=plain, man=plain, texinfo=plain)
    app.add_transform(ExplainTerms)
