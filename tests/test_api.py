"""The API reference of the built site has every public name, found here in the source in another way than there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from book._ext.mindgap_api import linked, signature

ROOT = Path(__file__).parents[1]
INVENTORY = ROOT / "_build/html/objects.inv"
# The command has `--help`.
LEFT_OUT = ("cli",)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def listed(module: ast.Module) -> set[str] | None:
    """The names in `__all__`; None without one."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return set(ast.literal_eval(node.value))
    return None


def defined(module: ast.Module) -> set[str]:
    """What a module without `__all__` makes public: its functions, classes and constants without an underscore."""
    names = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def imported_from(path: Path, package: str) -> set[str]:
    """The modules that a package's `__init__` takes names from."""
    nodes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]
    return {node.module for node in nodes if node.module and node.module.startswith(f"{package}.")}


def public_names() -> set[str]:
    names = set()
    for path in sorted((ROOT / "mindgap").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[:-1]
        module = package if parts[-1] == "__init__" else parts
        if any(part.startswith("_") for part in module) or module == ("mindgap",) or module[1] in LEFT_OUT:
            continue
        dotted = ".".join(module)
        if len(package) > 1 and dotted in imported_from(path.parent / "__init__.py", ".".join(package)):
            continue  # the package shows what it has
        source = tree(path)
        found = listed(source)
        names |= {f"{dotted}.{name}" for name in (defined(source) if found is None else found)}
    return names


@pytest.mark.skipif(not INVENTORY.exists(), reason="the site is not built: run `make book`")
def test_the_reference_has_every_public_name() -> None:
    from sphinx.util.inventory import InventoryFile

    with INVENTORY.open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: f"{base}{path}")
    objects = [entries for kind, entries in inventory.items() if kind.startswith("py:")]
    pages = {name: str(entry[2]) for entries in objects for name, entry in entries.items()}
    names = public_names()
    assert {"mindgap.geometry.normalize", "mindgap.charts.gap_map", "mindgap.landscape.Landscape"} <= names
    assert sorted(names - set(pages)) == []
    assert all(pages[name].startswith("book/appendix/api/") for name in names)


def test_names_at_the_top_are_public_where_they_come_from() -> None:
    names = public_names()
    modules = {name.split(".")[1] for name in names} | set(LEFT_OUT)
    stub = tree(ROOT / "mindgap/__init__.pyi").body
    for node in (node for node in stub if isinstance(node, ast.ImportFrom)):
        for alias in node.names:
            assert f"mindgap.{node.module}.{alias.name}" in names if node.module else alias.name in modules


@pytest.mark.parametrize(("read", "shown"), [
    ("jaxtyping.Float[torch.Tensor, n d]", "Float[Tensor, 'n d']"),
    ("jaxtyping.Bool[torch.Tensor,  s] | None", "Bool[Tensor, 's'] | None"),
    ("tuple[jaxtyping.Float[torch.Tensor, *batch d], float]", "tuple[Float[Tensor, '*batch d'], float]"),
    ("x: mindgap._inputs.Rows, n: int = 3", "x: Rows, n: int = 3"),
    ("mindgap.check._feedback.Feedback", "mindgap.check.Feedback"),
    ("mindgap.pairs.PairedEmbeddings", "mindgap.pairs.PairedEmbeddings"),
    ("collections.abc.Iterator[numpy.ndarray]", "Iterator[numpy.ndarray]"),
])  # fmt: skip
def test_signatures_read_as_users_write_them(read: str, shown: str) -> None:
    assert signature(read) == shown


def test_names_in_docstrings_are_links_but_code_is_left_alone() -> None:
    assert linked("As `gap_vector` does.") == "As {py:obj}`gap_vector` does."
    for kept in ("`x + y`", "``x``", "{math}`x`", "    `x` = 1"):
        assert linked(kept) == kept
