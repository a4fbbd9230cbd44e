"""Sphinx extension: the API reference, which sphinx-autoapi reads from the source without importing anything.

Its pages are Markdown, as the docstrings are, by the templates beside this file. Here is what autoapi cannot know:
which modules have a page, what a guarded import brings, and that strings in jaxtyping's annotations are shapes.
"""

from __future__ import annotations

import re
from typing import Any

from astroid import nodes
from astroid.manager import AstroidManager
from jinja2 import Environment
from sphinx.application import Sphinx

SHAPE = re.compile(r"(jaxtyping\.\w+)\[([^,\]]+), +([^\]]+)\]")
ELSEWHERE = re.compile(r"(?<![\w.])(?!mindgap\.)(?:[a-z]\w*\.)+(?=[A-Z])|\bmindgap\._\w+\.")
BEHIND_A_PACKAGE = re.compile(r"\b(mindgap(?:\.\w+)+?)\._\w+\.(?=\w)")
CODE = re.compile(r"(?<![`}])`([A-Za-z_][\w.]*)`(?!`)")


def signature(text: str) -> str:
    """An annotation, or arguments with theirs: shapes are strings, and types have the name users import or know."""
    text = SHAPE.sub(r"\1[\2, '\3']", text)
    return ELSEWHERE.sub("", BEHIND_A_PACKAGE.sub(r"\1.", text))


def linked(docstring: str) -> str:
    """A docstring in which names in backticks lead to what they name, where that has an entry."""
    lines = docstring.splitlines()
    return "\n".join(line if line.startswith("    ") else CODE.sub(r"{py:obj}`\1`", line) for line in lines)


def prepare(environment: Environment) -> None:
    environment.filters |= {"signature": signature, "linked": linked}


def without_guards(module: nodes.Module) -> None:
    """Imports in a `with` block, which names the extra to install if one fails, as if they stood outside of it."""
    module.body = [inner for node in module.body for inner in (node.body if isinstance(node, nodes.With) else [node])]


class PagesOfModules:
    """A page for every public module but the command, which has `--help`, and those whose package shows what they have.

    Packages are asked about before the modules in them.
    """

    def __init__(self) -> None:
        self.shown: set[str] = set()

    def __call__(self, app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: list[str]) -> bool | None:
        if what == "package" and name != "mindgap":
            imported = [child for child in obj.children if child.imported]
            modules = {child.obj["original_path"].rpartition(".")[0] for child in imported}
            self.shown |= {module for module in modules if module.startswith(f"{name}.")}
            for child in imported if obj.all is None else ():
                child.obj["hide"] = True
        return True if name in self.shown or name == "mindgap.cli" else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("autoapi.extension")
    AstroidManager().register_transform(nodes.Module, without_guards)
    app.config.autoapi_prepare_jinja_env = prepare
    app.connect("autoapi-skip-member", PagesOfModules())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
