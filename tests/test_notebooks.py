"""What cells take from one another, on cells of a line or two."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from book.notebooks import notebooks
from tests.notebooks import Loan, cells_of, forbidden, is_seen_with, loans, names_of, runs_wherever


@pytest.mark.parametrize(("source", "taken", "bound"), [
    ("x = 1", "", "x"),
    ("x = x + y", "x y", "x"),
    ("x += 1", "x", "x"),
    ("y = x\nx = 2\nx", "x", "x y"),
    ("a, *b = c", "c", "a b"),
    ("n: int = m", "m int", "n"),
    ("print(y := x, y)", "print x", "y"),
    ("import a.b, c as d\nfrom e import f", "", "a d f"),
    ("for i in r:\n    i, k = i + j, 0", "r j", "i k"),
    ("with f(x) as y:\n    z = y", "f x", "y z"),
    ("if a:\n    b = a\nelse:\n    b = c", "a c", "b"),
    ("try:\n    f()\nexcept E as error:\n    print(error)", "f E print", "error"),
    ("[x * k for x in xs if x > y]", "k xs y", ""),
    ("{k: v for k, v in d.items()}, {a for a in b}, (c for c in c)", "d b c", ""),
    ("[x for row in rows for x in row]", "rows", ""),
    ("f = lambda x, y=z: x + y + w", "z w", "f"),
    ("def f(x: T, *a, k=d, **m) -> R:\n    y = x + g\n    return [y for y in a], k, m, f", "T d R g", "f"),
    ("def f():\n    return later\nlater = 1", "", "f later"),
    ("f()\ndef f(): ...", "f", "f"),
    ("def f():\n    def g():\n        return a + b\n    a = 1\n    return g", "b", "f"),
    ("def f():\n    import a\n    from b import c as d\n    return a, d, c", "c", "f"),
    ("def f():\n    global a\n    a = a + 1", "a", "f"),
    ("class C(B):\n    x = y\n    def f(self):\n        return self.x + z", "B y z", "C"),
    ("@g\ndef f(): ...", "g", "f"),
    ("rows['a'].b = x", "rows x", "rows"),
    ("rows[i]", "rows i", ""),
    ("del x", "", "x"),
    ("%time y = f(x)", "get_ipython", ""),
    ("f(name=value).name", "f value", ""),
])  # fmt: skip
def test_the_names_of_a_cell(source: str, taken: str, bound: str) -> None:
    found = names_of(source)
    assert (found.taken, found.bound) == (set(taken.split()), set(bound.split()))


def cell(source: str, *needs: str, tags: tuple[str, ...] = (), kind: str = "code") -> SimpleNamespace:
    metadata = {"tags": [*tags], "mindgap": {"needs": [*needs]}} if needs else {"tags": [*tags]}
    return SimpleNamespace(cell_type=kind, source=source, metadata=metadata)


def test_a_name_is_of_the_cell_that_gave_it_its_last_value() -> None:
    sources = ("x = 1", "y = x", "x = 2", "z = x + y", "unknown")
    cells = [cell("x = 0", kind="markdown"), *map(cell, sources)]
    assert list(loans(cells)) == [Loan("x", 2, 1), Loan("x", 4, 3), Loan("y", 4, 2)]


def test_what_a_cell_with_needs_leaves_is_for_cells_with_those_needs() -> None:
    cells = [
        cell("rows = {}"),
        cell("one = load('a')\nrows['a'] = one", "a"),
        cell("print(one)", "a"),
        cell("print(one)", "a", "b"),
        cell("print(one)", "b"),
        cell("print(rows)"),
        cell("one = 1"),
        cell("print(one)"),
    ]
    assert forbidden(cells, runs_wherever) == ["cell 4 uses 'one' of cell 1", "cell 5 uses 'rows' of cell 1"]


def test_what_a_hidden_cell_leaves_is_for_hidden_cells() -> None:
    hide = ("hide-input",)
    cells = [cell("a = 1", tags=hide), cell("b = 2"), cell("a + b", tags=hide), cell("b + a")]
    assert forbidden(cells, is_seen_with) == ["cell 3 uses 'a' of cell 0"]


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_no_cell_of_the_book_uses_what_a_skipped_cell_would_define(path: Path) -> None:
    assert forbidden(cells_of(path), runs_wherever) == [], "a cell needs what the cells need whose names it uses"
