"""The code of a figure stands below it, folded, and is named by what it makes.

A cell tagged `hide-input` shows its output where the text speaks of it. MyST-NB puts the fold of its code between the
two; here it comes after the output.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class Fold(nodes.container):
    """Something folded under a line that says what it is."""


def visit_fold(self: Any, node: Fold) -> None:
    self.body.append(f'<details class="fold"><summary>{escape(node["says"])}</summary>\n')


def depart_fold(self: Any, node: Fold) -> None:
    self.body.append("</details>\n")


def what_it_makes(output: nodes.Node | None) -> str:
    """What a cell's code is the code of."""
    if output is None:
        return "code of this step"
    if any(isinstance(node, nodes.figure) or "mindgap-figure" in node.astext() for node in output.findall(shows)):
        return "code of this figure"
    if any("<table" in node.astext() for node in output.findall(nodes.raw)) or output.next_node(nodes.table):
        return "code of this table"
    if output.next_node(nodes.image):
        return "code of this figure"
    return "code of this output"


def shows(node: nodes.Node) -> bool:
    return isinstance(node, nodes.figure | nodes.raw)


class FoldsBelow(SphinxPostTransform):
    default_priority = 198  # just before MyST-NB makes its own folds, which need `hide_mode`
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code" or cell.get("hide_mode") != "input" or not cell.children:
                continue
            source = cell.children[0]
            if not isinstance(source, nodes.container) or source.get("nb_element") != "cell_code_source":
                continue
            output = next((child for child in cell.children[1:] if child.get("nb_element") == "cell_code_output"), None)
            cell.remove(source)
            cell.append(Fold("", source, says=what_it_makes(output)))
            del cell["hide_mode"]


def setup(app: Sphinx) -> None:
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_post_transform(FoldsBelow)
