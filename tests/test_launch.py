"""Opening a chapter elsewhere: the buttons of its page, and the cell that gets the package where it is missing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sphinx.errors import ConfigError

from book._ext.mindgap_launch import theme_options
from book.notebooks import INSTALL, address, installer, notebooks, write_installer
from tests.notebooks import READ, TRANSFORMER, V4, WRITE, write

ROOT = Path(__file__).parents[1]
CHAPTER = "book/chapter.ipynb"
HERE = "https://github.com/someone/a-book"
WORKFLOW = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "someone/a-book"}

CONF = """
import sys
sys.path.append({extensions!r})
extensions = ["myst_nb", "mindgap_launch"]
html_theme = "sphinx_book_theme"
html_theme_options = {{"repository_url": {setting!r}}}
nb_execution_mode = "off"
"""


def page(folder: Path, setting: str) -> str:
    """The page of a chapter, built where no workflow runs."""
    (folder / "conf.py").write_text(CONF.format(extensions=str(ROOT / "book/_ext"), setting=setting))
    (folder / "index.md").write_text("# Book\n\n```{toctree}\nbook/chapter\n```\n")
    (folder / "book").mkdir()
    notebook = V4.new_notebook(cells=[V4.new_markdown_cell("# A chapter"), V4.new_code_cell("1")])
    notebook.metadata = READ(notebooks()[0], as_version=4).metadata
    WRITE(notebook, folder / CHAPTER)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(folder), str(folder / "out")]
    subprocess.run(command, check=True, env={"PATH": "", "HOME": str(folder)})
    return (folder / "out" / CHAPTER).with_suffix(".html").read_text()


def test_with_an_address_a_chapter_has_both_buttons(tmp_path: Path) -> None:
    links = re.findall(r'href="(https://(?:mybinder|colab)[^"]*)"', page(tmp_path, HERE))
    assert links == [
        "https://mybinder.org/v2/gh/someone/a-book/main?urlpath=lab/tree/book/chapter.ipynb",
        "https://colab.research.google.com/github/someone/a-book/blob/main/book/chapter.ipynb",
    ]


def test_without_an_address_there_is_no_button(tmp_path: Path) -> None:
    text = page(tmp_path, "")
    assert "download-buttons" in text
    assert not re.search(r"launch-buttons|mybinder|colab|repository_url", text)


def test_a_workflow_knows_where_it_runs() -> None:
    from_workflow, from_setting = theme_options("", WORKFLOW), theme_options(HERE, {})
    assert from_workflow["repository_url"] == from_setting["repository_url"] == HERE
    assert "binderhub_url" in from_workflow["launch_buttons"]
    # The notebook that Colab would open does not know its address.
    assert "colab_url" not in from_workflow["launch_buttons"]
    fork = {**WORKFLOW, "GITHUB_REPOSITORY": "another/a-book"}
    assert theme_options(HERE, fork) == from_setting, "the setting goes first"


@pytest.mark.parametrize("environment", [
    {}, {"GITHUB_REPOSITORY": "someone/a-book"}, {**WORKFLOW, "GITHUB_SERVER_URL": "https://git.example.org"},
])  # fmt: skip
def test_what_is_no_public_address_gives_no_button(environment: dict[str, str]) -> None:
    assert theme_options("", environment) == {}


@pytest.mark.parametrize("setting", ["someone/a-book", f"{HERE}.git", f"{HERE}/", "https://gitlab.com/someone/a-book"])
def test_another_setting_is_one_clear_error(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"repository_url: expected https://github\.com/OWNER/NAME"):
        theme_options(setting, {})


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_every_notebook_gets_the_package_from_the_address_of_the_setting(path: Path) -> None:
    cell = next(cell for cell in READ(path, as_version=4).cells if cell.cell_type == "code")
    assert (cell.id, cell.source) == (INSTALL, installer(address())), "run: python book/notebooks.py address"
    assert {"remove-cell", "skip-execution"} <= set(cell.metadata.tags)


def test_the_address_is_written_into_a_notebook_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "book.ipynb", [("first = 1", None, {}), ("second = 2", None, {})])
    write_installer(path)
    once = path.read_bytes()
    write_installer(path)
    assert path.read_bytes() == once
    monkeypatch.setattr("book.notebooks.address", lambda: HERE)
    write_installer(path)
    sources = [cell.source for cell in READ(path, as_version=4).cells]
    assert sources == [installer(HERE), "first = 1", "second = 2"]


class Shell(SimpleNamespace):
    """In the place of IPython: keeps the magics that a cell runs."""

    def run_line_magic(self, *magic: Any) -> None:
        self.magics.append(magic)


def magics(source: str) -> list[tuple[str, str]]:
    shell = Shell(magics=[])
    exec(TRANSFORMER().transform_cell(source), {"get_ipython": lambda: shell})
    return list(shell.magics)


@pytest.mark.parametrize("known", ["", HERE])
def test_where_the_package_is_nothing_happens(known: str) -> None:
    assert magics(installer(known)) == []


def test_where_it_is_missing_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert magics(installer(HERE)) == [("pip", f'install -q "mindgap[all] @ git+{HERE}"')]


def test_where_it_is_missing_and_no_address_is_known_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"^mindgap is not installed; .* pip install '\.\[all\]'$"):
        magics(installer(""))


@pytest.mark.parametrize("known", ["", HERE])
def test_the_cell_keeps_the_style_of_all_others(tmp_path: Path, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("book.notebooks.address", lambda: known)
    path = write(tmp_path / "book.ipynb", [("first = 1", None, {})])
    write_installer(path)
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(path)]
        done = subprocess.run(ruff, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_on_colab_charts_are_drawn_by_altair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colab shows no Vega-Lite of its own."""
    import altair as alt

    from mindgap import charts

    before = alt.renderers.active
    try:
        charts.enable()
        assert alt.renderers.active == "mindgap"
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        charts.enable()
        assert alt.renderers.active == "colab"
    finally:
        alt.renderers.enable(before)
