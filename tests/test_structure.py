"""How the package hangs together: no circles, data that flow one way, names that say what they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mindgap"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it; of `from a import b`, a.b if that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in PATHS)
        elif isinstance(node, ast.ImportFrom) and node.module in PATHS:
            for alias in node.names:
                part = f"{node.module}.{alias.name}"
                yield part if part in PATHS else node.module
        else:
            assert not (isinstance(node, ast.ImportFrom) and node.level), "relative import: it would be overlooked here"


GRAPH = {name: set(imports(tree)) for name, tree in TREES.items()}


def below(*packages: str) -> set[str]:
    """The modules in some packages or modules of the first level."""
    return {name for name in PATHS if name.split(".")[1:2] and name.split(".")[1] in packages}


def test_no_imports_in_a_circle() -> None:
    """Not even by imports inside of functions, which Python would allow."""
    try:
        order = list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert set(order) == set(PATHS)
    assert len(order) > 40


FACES = ("__main__", "charts", "check", "cli", "report", "widgets")  # what people meet; numbers come before


def test_numbers_know_nothing_of_their_faces() -> None:
    for name in set(PATHS) - below(*FACES):
        assert not GRAPH[name] & below(*FACES), name


@pytest.mark.parametrize(
    ("face", "used"), [("check", ""), ("cli", "report"), ("report", "charts"), ("widgets", "charts")]
)
def test_a_face_uses_no_other_but_what_it_shows(face: str, used: str) -> None:
    others = below(*FACES) - below(face, used)
    for name in below(face):
        assert not GRAPH[name] & others, name


def test_charts_are_given_what_they_draw() -> None:
    """They know what results look like, and nothing of where embeddings come from."""
    sources = below("experiments", "miniclip", "pairs", "recipe", "results", "scenes", "seeds", "towers", "training")
    assert len(sources) > 10
    for name in below("charts"):
        assert not GRAPH[name] & sources, name


def test_names_say_what_they_are() -> None:
    placeholders = {"_course", "made", "says", "theirs", "told"}
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                assert node.name != "_", f"{name}: a function without a name, line {node.lineno}"
                assert node.name not in placeholders, f"{name}: {node.name}, line {node.lineno}"
            elif isinstance(node, ast.Name | ast.arg):
                word = node.id if isinstance(node, ast.Name) else node.arg
                assert word not in placeholders, f"{name}: {word}, line {node.lineno}"
