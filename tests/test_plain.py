"""The chapters as plain notebooks: nothing of MyST is left, numbers are the site's, and a reader's file stays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

pytest.importorskip("pybtex", reason="Sphinx is not installed (make book installs it)")

from book import plain
from book.notebooks import ROOT, notebooks

BOOK = plain.survey(notebooks())
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
SITE = ROOT / "_build/html/book"
# What only MyST understands: roles, fences with braces, labels, numbers behind equations.
RAW = re.compile(r"\{[a-z:-]+\}`|^ *(?:`{3,}|:{3,})\{|^:{3,}|^\([\w-]+\)=|^\$\$ *\(|^:[a-z]+: ", re.MULTILINE)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_chapter_has_nothing_left_that_needs_an_extension(path: Path) -> None:
    source = nbformat.read(path, as_version=4)
    made = plain.plain(source, BOOK)
    nbformat.validate(made)
    words = [cell.source for cell in made.cells if cell.cell_type == "markdown"]
    assert not [found for text in words for found in RAW.findall(text)]
    for text in words:
        assert text.count("<details>") == text.count("</details>")
        assert "\n\n" in text.split("</summary>")[1] if "<details>" in text else True
        assert len(re.findall(r"^\$\$", text, re.MULTILINE)) % 2 == 0
    code = [(cell.source, cell.outputs) for cell in source.cells if cell.cell_type == "code"]
    assert [(cell.source, cell.outputs) for cell in made.cells if cell.cell_type == "code"] == code


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_links_lead_to_chapters_that_are_there(path: Path) -> None:
    made = plain.plain(nbformat.read(path, as_version=4), BOOK)
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    there = {chapter.name: chapter for chapter in notebooks()}
    assert len(there) == len(notebooks()), "they lie side by side"
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        assert name in there, target
        if anchor:
            headings = nbformat.read(there[name], as_version=4).cells
            lines = [line for cell in headings if cell.cell_type == "markdown" for line in cell.source.splitlines()]
            assert any(line.lstrip("# ").replace(" ", "-") == anchor for line in lines if line.startswith("#")), target


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_chapter_says_what_running_all_takes(path: Path) -> None:
    made = plain.plain(nbformat.read(path, as_version=4), BOOK)
    assert "\n*Run All takes about " in made.cells[0].source


def test_what_takes_long_says_so_and_code_is_folded_as_on_the_site() -> None:
    made = plain.plain(nbformat.read(ROOT / "book/06_temperature.ipynb", as_version=4), BOOK)
    assert re.search(r"^\*Run All takes about [^.]+ on two cores\.\*$", made.cells[0].source, re.MULTILINE)
    for cell in made.cells:
        if "hide-input" in cell.metadata.get("tags", []):
            assert cell.metadata["jupyter"]["source_hidden"]
    answers = [cell for cell in made.cells if cell.metadata.get("jupyter", {}).get("outputs_hidden")]
    assert any("check.answer" in cell.source for cell in answers), "a solution lies folded, its result too"


def test_solutions_that_end_in_the_middle_of_a_cell_fold_nothing_else() -> None:
    cells = [
        new_markdown_cell("# A\n\n```{exercise} One\n:label: ex-1\n\nWhy?\n```", id="a"),
        new_markdown_cell("```{solution-start} ex-1\n:class: dropdown\n```", id="b"),
        new_code_cell("1 + 1", id="c"),
        new_markdown_cell("Because.\n\n```{solution-end}\n```\n\n## Next\n\nSee {ref}`ex-1`.", id="d"),
        new_code_cell("print(2)", id="e", outputs=[new_output("stream", text="2\n")]),
    ]
    book = plain.Book(exercises={"ex-1": 7})
    made = plain.plain(new_notebook(cells=cells), book).cells
    assert [cell.source for cell in made] == [
        "# A\n\n### Exercise 7. One\n\nWhy?",
        "*Solution: open the folded cell below.*",
        "1 + 1",
        "<details><summary><b>Solution, in words</b></summary>\n\nBecause.\n\n</details>\n\n\n"
        "## Next\n\nSee exercise 7.",
        "print(2)",
    ]
    assert made[2].metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert "jupyter" not in made[4].metadata


def test_what_only_prepares_the_first_picture_is_folded() -> None:
    figure = {"mystnb": {"figure": {"name": "fig-1", "caption": "One."}}}
    cells = [
        new_markdown_cell("# A", id="a"),
        new_code_cell("import torch", id="b"),
        new_code_cell("print(2)", id="c", outputs=[new_output("stream", text="2\n")]),
        new_code_cell("chart", id="d", metadata=figure, outputs=[new_output("display_data")]),
        new_code_cell("x = 1", id="e"),
    ]
    made = plain.plain(new_notebook(cells=cells), plain.Book(figures={"fig-1": 1})).cells
    assert [cell.id for cell in made if "jupyter" in cell.metadata] == ["b"]
    assert made[4].source == "**Figure 1.** One."


def test_cells_have_the_numbers_that_running_all_gives_them() -> None:
    result = {"output_type": "execute_result", "data": {"text/plain": "2"}, "execution_count": 1, "metadata": {}}
    cells = [
        new_code_cell("install", id="install", metadata={"tags": ["skip-execution"]}),
        new_markdown_cell("# A", id="a"),
        new_code_cell("1 + 1", id="b", execution_count=1, outputs=[new_output(**result)]),
        new_code_cell("explorer()", id="c", metadata={"tags": ["skip-execution"]}),
        new_code_cell("2", id="d", execution_count=2),
    ]
    made = json.loads(plain.as_lab_writes(new_notebook(cells=cells, metadata=PYTHON)))["cells"]
    assert [cell["execution_count"] for cell in made if cell["cell_type"] == "code"] == [1, 2, None, 4]
    assert made[2]["outputs"][0]["execution_count"] == 2


@pytest.mark.parametrize("source", ["{numref}`fig-none`", "{cite}`nobody1999`", "```{nosuch} x\n```"])
def test_what_has_no_plain_form_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"nothing is called|no plain form yet: nosuch"):
        plain.plain(new_notebook(cells=[new_markdown_cell(f"# A\n\n{source}")]), BOOK)


def test_a_notebook_that_a_reader_has_changed_stays(tmp_path: Path) -> None:
    chosen = notebooks()[:2]
    assert plain.write(tmp_path, chosen, BOOK) == []
    first, second = (tmp_path / path.name for path in chosen)
    before = second.read_bytes()
    mine = json.loads(first.read_text(encoding="utf-8"))
    mine["cells"][0]["source"] = "mine"
    first.write_text(json.dumps(mine), encoding="utf-8")
    second.write_bytes(before)
    assert plain.write(tmp_path, chosen, BOOK) == [first.name]
    assert json.loads(first.read_text(encoding="utf-8"))["cells"][0]["source"] == "mine"
    assert second.read_bytes() == before
    first.unlink()
    assert plain.write(tmp_path, chosen, BOOK) == []


@pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built (make book builds it)")
def test_numbers_are_those_of_the_site() -> None:
    pages = [SITE / path.relative_to(ROOT / "book").with_suffix(".html") for path in notebooks()]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    figures = dict(
        re.findall(
            r'<figure[^>]* id="(fig-[\w-]+)".*?<span class="caption-number">Fig\. (\d+) </span>', text, re.DOTALL
        )
    )
    assert {name: int(number) for name, number in figures.items()} == BOOK.figures
    equations = re.findall(r'id="equation-(eq-[\w-]+)"[^>]*>\s*<span class="eqno">\((\d+)\)', text)
    assert {name: int(number) for name, number in equations} == BOOK.equations
    exercises = re.findall(r'id="(ex-[\w-]+)".*?Exercise (\d+) ', text, re.DOTALL)
    assert {name: int(number) for name, number in exercises} == BOOK.exercises


@pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built (make book builds it)")
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_the_site_offers_the_plain_notebook(path: Path) -> None:
    offered = nbformat.read(ROOT / "_build/html/_sources" / path.relative_to(ROOT), as_version=4)
    made = plain.plain(nbformat.read(path, as_version=4), BOOK)
    assert [cell.source for cell in offered.cells] == [cell.source for cell in made.cells]
