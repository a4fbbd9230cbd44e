"""ES modules as one classic script: a page that was opened from a file may load no module by its address."""

from __future__ import annotations

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class) (\w+))", re.MULTILINE)
COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)  # of types, for who reads the source


def bundled(entry: Path) -> tuple[str, str]:
    """A module and all that it imports as plain statements, and the name of the constant that has its exports."""
    order = needed(entry)
    return "".join(map(enclosed, order)), constant(order[-1])


def needed(entry: Path) -> list[Path]:
    """A module and all that it imports, each after what it needs."""
    order: list[Path] = []

    def visit(path: Path) -> None:
        if path not in order:
            for _, address in IMPORT.findall(path.read_text(encoding="utf-8")):
                visit((path.parent / address).resolve())
            order.append(path)

    visit(entry.resolve())
    return order


def enclosed(path: Path) -> str:
    """A module as a constant that has its exports, its other names kept to itself."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    names = ", ".join(EXPORT.findall(text))

    def taken(found: re.Match[str]) -> str:
        return f"const {{{found[1]}}} = {constant((path.parent / found[2]).resolve())};"

    body = EXPORT.sub("", IMPORT.sub(taken, text))
    return f"const {constant(path)} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();\n"


def constant(path: Path) -> str:
    return "_".join((*path.parts[-2:-1], path.stem))
