"""Notebooks for tests: reading and writing them, and what their cells take from one another by their source alone."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from IPython.core import inputtransformer2

# These have no types.
READ: Callable[..., Any] = nbformat.read
WRITE: Callable[..., Any] = nbformat.write
V4: Any = nbformat.v4
TRANSFORMER: Callable[..., Any] = inputtransformer2.TransformerManager  # what turns %magic and !commands into Python


@dataclass
class Names:
    """The names that code takes from what ran before it, and those that it binds or changes."""

    taken: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Loan:
    """A cell that uses a name, and the cell that gave it its last value; both counted among all cells from 0."""

    name: str
    user: int
    lender: int


def cells_of(path: Path) -> list[Any]:
    """All cells of the notebook at `path`."""
    return list(READ(path, as_version=4).cells)


def write(path: Path, cells: Sequence[tuple[str, str | None, dict[str, Any]]]) -> Path:
    """A notebook of executed code cells at `path`: of each the source, what it has printed, and its metadata."""
    notebook = V4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, (source, printed, metadata) in enumerate(cells, start=1):
        outputs = [V4.new_output("stream", name="stdout", text=printed)] if printed is not None else []
        notebook.cells.append(V4.new_code_cell(source, execution_count=number, outputs=outputs, metadata=metadata))
    WRITE(notebook, path)
    return path


def loans(cells: Sequence[Any]) -> Iterator[Loan]:
    """Every name that a code cell takes from an earlier one, in the order of the cells that take them."""
    last: dict[str, int] = {}
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        names = names_of(cell.source)
        for name in sorted(names.taken & last.keys()):
            yield Loan(name, number, last[name])
        last |= dict.fromkeys(names.bound, number)


def forbidden(cells: Sequence[Any], allowed: Callable[[Any, Any], bool]) -> list[str]:
    """The loans for which `allowed(user, lender)` is false, in words."""
    return [
        f"cell {loan.user} uses {loan.name!r} of cell {loan.lender}"
        for loan in loans(cells)
        if not allowed(cells[loan.user], cells[loan.lender])
    ]


def needs(cell: Any) -> frozenset[str]:
    """The feature files that a cell says it needs in its metadata: {"mindgap": {"needs": ["clasp", …]}}."""
    return frozenset(cell.metadata.get("mindgap", {}).get("needs", ()))


def hidden(cell: Any) -> bool:
    """Whether readers of the page see no code of this cell."""
    return not {"hide-input", "remove-input", "hide-cell", "remove-cell"}.isdisjoint(cell.metadata.get("tags", ()))


def runs_wherever(user: Any, lender: Any) -> bool:
    """Whether `lender` runs wherever `user` does: it needs no feature file that `user` does not need."""
    return needs(lender) <= needs(user)


def is_seen_with(user: Any, lender: Any) -> bool:
    """Whether a reader who sees `user` sees `lender` too."""
    return hidden(user) or not hidden(lender)


def names_of(source: str) -> Names:
    """The names of one cell. What a function uses when called later is taken unless the cell itself binds it.

    A method that changes its object, such as `list.append`, cannot be told from one that does not.
    """
    reader = _Reader()
    reader.visit(ast.parse(TRANSFORMER().transform_cell(source)))
    reader.names.taken |= reader.later - reader.names.bound
    return reader.names


class _Reader(ast.NodeVisitor):
    """Visits code in the order in which it runs."""

    def __init__(self) -> None:
        self.names = Names()
        self.later: set[str] = set()  # what functions take when they are called
        self.inner: list[set[str]] = []  # the local names of the functions, classes and comprehensions around
        self.called = False  # within a function's body

    def take(self, name: str) -> None:
        if any(name in scope for scope in self.inner):
            return
        if self.called:
            self.later.add(name)
        elif name not in self.names.bound:
            self.names.taken.add(name)

    def bind(self, name: str) -> None:
        (self.inner[-1] if self.inner else self.names.bound).add(name)

    def visit_each(self, *parts: ast.AST | Sequence[ast.AST | None] | None) -> None:
        for part in parts:
            for node in part if isinstance(part, Sequence) else [part]:
                if node is not None:
                    self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        (self.take if isinstance(node.ctx, ast.Load) else self.bind)(node.id)

    def change(self, node: ast.Attribute | ast.Subscript) -> None:
        """Assigning to a part of an object takes the object, and leaves another one."""
        self.generic_visit(node)
        root: ast.expr = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(node.ctx, ast.Store) and isinstance(root, ast.Name) and not self.inner:
            self.names.bound.add(root.id)

    visit_Attribute = visit_Subscript = change

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit_each(node.value, node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_each(node.value, node.annotation, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.take(node.target.id)
        self.visit_each(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit_each(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self.visit_each(node.iter, node.target, node.body, node.orelse)

    def visit_alias(self, node: ast.alias) -> None:
        self.bind(node.asname or node.name.partition(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit_each(node.decorator_list, [argument.annotation for argument in _arguments(node.args)], node.returns)
        self.bind(node.name)
        self.function(node.args, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.function(node.args, [node.body])

    def function(self, args: ast.arguments, body: Sequence[ast.AST]) -> None:
        self.visit_each(args.defaults, args.kw_defaults)
        local = {argument.arg for argument in _arguments(args)} | _bound_within(body)
        before, self.called = self.called, True
        self.inner.append(local)
        self.visit_each(body)
        self.inner.pop()
        self.called = before

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_each(node.decorator_list, node.bases, [keyword.value for keyword in node.keywords])
        self.inner.append(set())
        self.visit_each(node.body)
        self.inner.pop()
        self.bind(node.name)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.inner.append(set())
        for loop in node.generators:
            self.visit_each(loop.iter, loop.target, loop.ifs)
        self.visit_each(*([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]))
        self.inner.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = comprehension


def _arguments(args: ast.arguments) -> list[ast.arg]:
    listed = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    return [argument for argument in listed if argument]


def _bound_within(body: Sequence[ast.AST]) -> set[str]:
    """The names that are local to a function of this body: all that it binds, but in functions within it."""
    found: set[str] = set()
    outer: set[str] = set()
    for node in (inside for one in body for inside in _own(one)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Global):
            outer.update(node.names)
    return found - outer


SCOPES = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all within it, but not what is within a scope of its own."""
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _own(child)
