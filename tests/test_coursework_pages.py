"""The coursework's pages: the students' notebooks in the book are current, and the notes render and print."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

import pdf
import publish
from autograding import HERE, Assignment, release
from build import names

ROOT = HERE.parent
NOTES = HERE / "instructor_notes.md"
PAGE = ROOT / "book" / "assignments.md"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> list[Assignment]:
    return [release(name, tmp_path_factory.mktemp("course") / name, seed=7) for name in names()]


def test_the_notebooks_in_the_book_are_what_the_sources_make(released: list[Assignment]) -> None:
    """Made here with another seed, so this also shows that no release depends on it."""
    differ = publish.stale(released)
    assert not differ, f"book/assignments: {', '.join(differ)} out of date; run python coursework/publish.py"


def test_publishing_writes_what_differs_and_removes_what_is_no_assignment(
    released: list[Assignment], tmp_path: Path
) -> None:
    folder = tmp_path / "assignments"
    everything = sorted(f"{assignment.name}.ipynb" for assignment in released)
    assert publish.publish(released, folder) == everything
    assert publish.publish(released, folder) == []
    (folder / "old.ipynb").write_text("{}")
    (folder / everything[0]).write_text("{}")
    assert publish.stale(released, folder) == sorted(["old.ipynb", everything[0]])
    publish.publish(released, folder)
    assert sorted(path.name for path in folder.iterdir()) == everything


def test_a_release_too_large_to_download_is_refused(
    released: list[Assignment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"at most 1,000 bytes, got \d"):
        publish.text_of(released[0])


@pytest.mark.parametrize("name", names())
def test_a_published_notebook_gives_nothing_away(name: str) -> None:
    text = (publish.BOOK / f"{name}.ipynb").read_text(encoding="utf-8")
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)|# hidden", text)
    notebook = nbformat.reads(text, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("name", names())
def test_the_page_offers_every_assignment_with_its_points(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"{{download}}`{name}.ipynb <assignments/{name}.ipynb>`" in page
    source = nbformat.read(HERE / "source" / name / f"{name}.ipynb", as_version=4)
    title = next(cell.source.splitlines()[0] for cell in source.cells if cell.source.startswith("# "))
    section = page.split(f"\n#{title}\n")[1].split("{download}")[0]
    points = [int(row.rsplit("|", 2)[1]) for row in section.splitlines() if re.match(r"\| \d", row)]
    held = [cell.metadata.get("nbgrader", {}) for cell in source.cells]
    assert sum(points) == sum(cell["points"] for cell in held if cell.get("grade")) == 20
    text = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
    assert len(points) == len(re.findall(r"^## \d\. ", text, re.MULTILINE))


@pytest.mark.parametrize("name", names())
def test_the_notes_say_what_is_marked_by_tests_and_by_hand(name: str) -> None:
    source = nbformat.read(HERE / "source" / name / f"{name}.ipynb", as_version=4)
    held = [cell.metadata.get("nbgrader", {}) for cell in source.cells]
    graded = [cell for cell in held if cell.get("grade")]
    by_hand = sum(cell["points"] for cell in graded if cell["solution"])
    by_tests = sum(cell["points"] for cell in graded) - by_hand
    row = next(row for row in NOTES.read_text(encoding="utf-8").splitlines() if row.startswith(f"| `{name}`"))
    assert [int(cell) for cell in row.split("|")[-3:-1]] == [by_tests, by_hand]


def test_the_notes_are_not_in_the_book() -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert "instructor" not in toc
    assert "coursework" not in toc


def test_a_page_has_a_title_a_list_of_sections_and_needs_no_other_file() -> None:
    page = pdf.page(
        "# A & B\n\nFirst.\n\n## One\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n## One\n\n### Two\n\n<b>raw</b>\n"
    )
    assert "<title>A &amp; B</title>" in page
    assert re.findall(r'href="#([^"]+)"', page) == ["one", "one-1"]
    assert all(f'id="{anchor}"' in page for anchor in ("a--b", "one", "one-1", "two"))
    assert "<table>" in page
    assert "&lt;b&gt;" in page, "raw HTML stays text"
    assert not re.search(r"(src|href)=\"(?!#)", page)


@pytest.mark.parametrize(("markdown", "error"), [
    ("Text.", "begins with its title"),
    ("", "begins with its title"),
    ("# T\n\n![x](y.png)", "without images"),
])  # fmt: skip
def test_a_page_that_cannot_stand_alone_is_refused(markdown: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        pdf.page(markdown)


def test_the_notes_link_to_nothing_outside() -> None:
    page = pdf.page(NOTES.read_text(encoding="utf-8"))
    assert set(re.findall(r'(?:src|href)="([^"#]*)', page)) == {""}
    assert page.count("<table>") >= 8


def test_without_chromium_the_page_is_written_and_the_error_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    with pytest.raises(RuntimeError, match=r"no-such-browser not found.*can be printed from any browser"):
        pdf.render(NOTES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["instructor_notes.html"]


def test_the_notes_print_to_a_numbered_pdf_of_a4_pages(tmp_path: Path) -> None:
    if what := pdf.missing():
        pytest.skip(f"no PDF without {what}")
    html, printed = pdf.render(NOTES, tmp_path / "new folder")
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    pages = [int(number) for number in re.findall(rb"/Type /Pages.*?/Count (\d+)", content, re.DOTALL)]
    assert 6 <= max(pages) <= 20
    width, height = (float(number) for number in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)", content)[0])
    assert (width, height) == pytest.approx((595, 842), abs=1.5)
    assert b"Instructor notes: five assignments" in content
    assert all(name in content for name in (b"/Outlines", b"/StructTreeRoot"))


def test_the_notes_speak_of_what_is_there() -> None:
    """Commands, files and options that the notes name exist."""
    notes = NOTES.read_text(encoding="utf-8")
    for script in re.findall(r"python coursework/(\w+\.py)", notes):
        assert (HERE / script).is_file(), script
    assert "nbgrader_config.py" in notes
    options = set(re.findall(r"`(--[a-z-]+)", notes)) - {"--user", "--userns", "--volume", "--network"}
    known = (HERE / "grade.py").read_text(encoding="utf-8")
    assert options >= {"--jobs", "--force", "--seed"}
    assert all(f'"{option}"' in known for option in options), options
    toc = json.dumps((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert "coursework:" in toc
