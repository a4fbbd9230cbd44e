"""The search finds prose: code, outputs and figures' data are no part of its index; `search.js` puts chapters first."""

from __future__ import annotations

from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx

NOISE = (nodes.literal_block, nodes.raw, nodes.math, nodes.math_block, nodes.comment)


def prose(document: nodes.document) -> nodes.document:
    """A copy of a document without what nobody searches for."""
    copy = document.deepcopy()
    for node in list(copy.findall(lambda node: isinstance(node, NOISE))):
        node.parent.remove(node)
    return copy


def index_prose(app: Sphinx) -> None:
    """Sphinx has no event before a page is indexed either."""
    index: Callable[[str, nodes.document, str], None] | None = getattr(app.builder, "index_page", None)
    if index is None:
        return

    def index_page(pagename: str, doctree: nodes.document, title: str) -> None:
        index(pagename, prose(doctree), title)

    app.builder.index_page = index_page  # type: ignore[attr-defined]


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", index_prose)
