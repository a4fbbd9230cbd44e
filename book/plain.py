"""The chapters as plain notebooks: Markdown that JupyterLab, Notebook, Colab or an editor shows without an extension.

The chapters themselves are written in MyST, which the site needs and which those show as raw text. What stands for a
number, a page or a work becomes what it stands for; exercises become headings, hints and solutions fold; each figure's
caption stands under it; code that the site folds is folded. This is what `make lab` opens and what the site offers for
download.
"""

from __future__ import annotations

import base64
import copy
import csv
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import vl_convert
from nbformat import NotebookNode
from pybtex.database import parse_file

from book.notebooks import INSTALL

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[\w-]+)\} *(?P<title>.*)$")
OPTION = re.compile(r"^:(?P<name>[\w-]+):(?: +(?P<value>.*))?$")
LABEL = re.compile(r"^\((?P<label>[^()\s]+)\)=\s*$")
TAG = re.compile(r"^\$\$ *\((?P<label>[^)\s]+)\)\s*$")
ROLE = re.compile(
    r"\{(?P<role>doc|ref|numref|eq|cite|cite:t|claim)\}`(?:(?P<text>[^`<]*?) *<(?P<to>[^`>]*)>|(?P<plain>[^`]*))`"
)
FOLDS = {"hint": "Hint", "admonition": "Help"}
SOLUTION = "Solution"
VERSION = b"3"  # of what is written for one and the same source


@dataclass
class Book:
    """What the notebooks of the book refer to: numbers, titles and works, each by its label."""

    figures: dict[str, int] = field(default_factory=dict)
    equations: dict[str, int] = field(default_factory=dict)
    exercises: dict[str, int] = field(default_factory=dict)
    headings: dict[str, tuple[str, str]] = field(default_factory=dict)  # the page and the heading of a label
    titles: dict[str, str] = field(default_factory=dict)  # of pages, by their names without a suffix
    works: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # authors, year, address
    seconds: dict[str, int] = field(default_factory=dict)  # what a chapter takes to run, by its title
    claims: tuple[str, ...] = ()  # of the ledger


def authors(entry: Any) -> str:
    """Who wrote a work, as a text cites it."""
    names = [" ".join([*one.prelast_names, *one.last_names]) for one in entry.persons.get("author", [])]
    names = [re.sub(r"[{}]", "", name) for name in names]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names) or entry.key


def works(path: Path) -> dict[str, tuple[str, str, str]]:
    """Authors, year and address of each work of a bibliography."""
    found = {}
    for key, entry in parse_file(str(path)).entries.items():
        fields = entry.fields
        arxiv = re.search(r"arXiv[: ]*(?:preprint arXiv:)?(\d{4}\.\d{4,5})", " ".join(fields.values()))
        address = f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else fields.get("url", "")
        if "doi" in fields and not arxiv:
            address = f"https://doi.org/{fields['doi']}"
        found[key] = (authors(entry), fields.get("year", ""), address)
    return found


def survey(paths: Iterable[Path], root: Path = ROOT) -> Book:
    """Read what the notebooks, in the order of the book, and the pages beside them can be referred to by."""
    book = Book(works=works(root / "book/references.bib"))
    for place in (root / "book").rglob("*.md"):
        text = place.read_text(encoding="utf-8")
        if heading := re.search(r"^# (.+)$", text, re.MULTILINE):
            book.titles[place.relative_to(root / "book").with_suffix("").as_posix()] = heading[1].strip()
    with (root / "benchmarks/chapters.csv").open(encoding="utf-8") as file:
        book.seconds = {line["chapter"]: int(line["seconds"]) for line in csv.DictReader(file)}
    ledger = json.loads((root / "mindgap/results/claims.json").read_text(encoding="utf-8"))
    book.claims = tuple(one["id"] for one in ledger["claims"])
    for path in paths:
        label, page = "", path.relative_to(root / "book").with_suffix("").as_posix()
        for cell in nbformat.read(path, as_version=4).cells:
            if name := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"):
                book.figures[name] = len(book.figures) + 1
            if cell.cell_type != "markdown":
                continue
            exercise = False
            for line in cell.source.splitlines():
                if found := LABEL.match(line):
                    label = found["label"]
                elif found := TAG.match(line):
                    book.equations[found["label"]] = len(book.equations) + 1
                elif (found := FENCE.match(line)) and found["name"] == "exercise":
                    exercise = True
                elif exercise and (found := OPTION.match(line)) and found["name"] == "label":
                    book.exercises[str(found["value"])] = len(book.exercises) + 1
                    exercise = False
                elif found := re.match(r"#+ (.+)$", line):
                    if line.startswith("# "):
                        book.titles[page] = found[1].strip()
                    if label:
                        book.headings[label] = (page, found[1].strip())
                    label = ""
    return book


def reference(found: re.Match[str], book: Book) -> str:
    """What a role stands for, in plain Markdown. Raises ValueError for a label that nothing has."""
    role, to = found["role"], (found["to"] or found["plain"]).strip()
    try:
        if role.startswith("cite"):
            return cited([book.works[key.strip()] for key in to.split(",")], role == "cite:t")
        if role == "numref":
            return f"Figure {book.figures[to]}"
        if role == "eq":
            return f"({book.equations[to]})"
        if role == "claim" and to in book.claims:
            return f"*{to}*"
        if role == "doc":
            page = to.removeprefix("/").removeprefix("book/").removeprefix("../")
            return linked(found["text"] or book.titles[page], page)
        if to in book.exercises:
            return found["text"] or f"exercise {book.exercises[to]}"
        place, heading = book.headings[to]
        anchor = "#" + heading.replace(" ", "-")  # as JupyterLab calls it
        return linked(found["text"] or heading, place, anchor)
    except KeyError:
        raise ValueError(f"{found[0]}: nothing is called {to!r}") from None


def linked(text: str, page: str, anchor: str = "") -> str:
    """A link to a notebook, which lies beside the others wherever it is in the book; another page is named only."""
    here = (ROOT / f"book/{page}.ipynb").is_file()
    return f"[{text}]({page.rpartition('/')[2]}.ipynb{anchor})" if here else f"*{text}*"


def cited(found: list[tuple[str, str, str]], in_text: bool) -> str:
    shown = []
    for names, year, address in found:
        label = f"{names} ({year})" if in_text else f"{names}, {year}"
        shown.append(f"[{label}]({address})" if address else label)
    return " and ".join(shown) if in_text else f"({'; '.join(shown)})"


def folded(title: str, body: list[str]) -> list[str]:
    """Something under a line that opens it; blank lines let what is inside be Markdown."""
    return [f"<details><summary><b>{title}</b></summary>", "", *trimmed(body), "", "</details>", ""]


def write(folder: Path, paths: Iterable[Path], book: Book) -> list[str]:
    """Write the notebooks into `folder`, plain; the names of those that somebody has changed there, which stay.

    A file is somebody's own once it differs from what was last written, of which `.written.json` has the digests.
    """
    record = folder / ".written.json"
    written = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in paths:
        there = folder / path.name
        if there.is_file() and digest(there.read_bytes()) != written.get(path.name):
            kept.append(path.name)
            continue
        source = digest(path.read_bytes() + repr(book).encode() + VERSION)
        if there.is_file() and written.get(f"{path.name}, source") == source:
            continue
        content = as_lab_writes(plain(nbformat.read(path, as_version=4), book)).encode()
        written[f"{path.name}, source"] = source
        there.write_bytes(content)
        written[path.name] = digest(content)
    record.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return kept


# What IPython's kernel tells a notebook of its language.
PYTHON = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}


def whole(value: Any) -> Any:
    """The same with 1 for 1.0, which is how JavaScript writes it."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_lab_writes(notebook: NotebookNode) -> str:
    """The text of a notebook's file as JupyterLab saves it, so that opening and saving changes nothing.

    What it adds by itself is there already: how it calls the language and the kernel, and a picture of each chart,
    which is also what shows where no chart can be drawn. Cells have the numbers that *Run All* gives them, but for live
    ones, which have not run: what comes out as before is saved as before.
    """
    notebook.metadata.update(language_info=PYTHON)
    notebook.metadata.kernelspec.display_name = "Python 3 (ipykernel)"
    for number, cell in enumerate((one for one in notebook.cells if one.cell_type == "code"), start=1):
        if is_live(cell):
            continue
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    for cell in notebook.cells:
        if cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            cell.metadata["collapsed"] = True
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            spec = next((data[kind] for kind in data if kind.startswith("application/vnd.vegalite.")), None)
            if spec is None:
                continue
            if "image/png" not in data:
                data["image/png"] = base64.b64encode(vl_convert.vegalite_to_png(spec)).decode()
            spec["$schema"] = of_any_minor_version(spec["$schema"])
    return nbformat.writes(nbformat.from_dict(whole(notebook))) + "\n"


def of_any_minor_version(schema: str) -> str:
    """The address of a schema without the minor version: JupyterLab warns of each chart that names a newer one than its
    own. `charts.theme` does the same to what a running notebook shows."""
    return re.sub(r"(/v\d+)[.\d]*\.json$", r"\1.json", schema)


def is_live(cell: NotebookNode) -> bool:
    """Whether a cell shows something only while a kernel runs: an explorer, which has no stored output."""
    return "skip-execution" in cell.metadata.get("tags", []) and cell.id != INSTALL


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def trimmed(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip("\n")
    return text.split("\n") if text else []


def blocks(lines: list[str]) -> Iterator[tuple[str, str, dict[str, str], list[str]]]:
    """The name, title, options and lines of each directive, and ("", "", {}, lines) for what is between two."""
    between: list[str] = []
    rest = iter(lines)
    for line in rest:
        found = FENCE.match(line)
        if not found:
            between.append(line)
            continue
        if between:
            yield "", "", {}, between
            between = []
        options: dict[str, str] = {}
        body: list[str] = []
        for inner in rest:
            if inner.strip() == found["fence"]:
                break
            option = OPTION.match(inner) if not body else None
            if option:
                options[option["name"]] = option["value"] or ""
            else:
                body.append(inner)
        yield found["name"], found["title"].strip(), options, body
    if between:
        yield "", "", {}, between


def words(source: str, book: Book) -> str:
    """Labels out, numbers into equations, and every role as what it stands for."""
    lines: list[str] = []
    for line in source.splitlines():
        if LABEL.match(line):
            continue
        if found := TAG.match(line):
            lines[-1] = lines[-1].rstrip() + f" \\tag{{{book.equations[found['label']]}}}"
            line = "$$"
        lines.append(line)
    return ROLE.sub(lambda found: reference(found, book), "\n".join(lines))


class Reader:
    """Makes one notebook plain, cell by cell; what belongs to a solution may be spread over several."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.solving = False
        self.begun = False
        self.seen = False  # a picture; what only prepares the first one does not stand before it

    def markdown(self, source: str) -> str:
        out: list[str] = []
        for name, title, options, body in blocks(source.splitlines()):
            if name == "exercise":
                number = self.book.exercises[options["label"]]
                out += [f"### Exercise {number}. {title}", "", *trimmed(body), ""]
            elif name in FOLDS:
                out += folded(title or FOLDS[name], body)
            elif name == "solution-start":
                self.solving, self.begun = True, False
            elif name == "solution-end":
                self.solving = False
            elif name == "div":
                out += [*(f"> {line}".rstrip() for line in trimmed(body)), ""]
            elif name:
                raise ValueError(f"a directive that has no plain form yet: {name}")
            elif self.solving and any(line.strip() for line in body):
                out += folded(f"{SOLUTION}, in words" if self.begun else SOLUTION, body)
                self.begun = True
            else:
                out += body
        return words("\n".join(out), self.book).strip("\n")

    def code(self, cell: NotebookNode) -> list[NotebookNode]:
        """The cell, folded as the site folds it, what else stands before it, and the caption of its figure."""
        tags = set(cell.metadata.get("tags", []))
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if self.solving:
            cell.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
        elif tags & {"hide-input", "remove-input", "remove-cell", "hide-cell"} or not (self.seen or cell.outputs):
            cell.metadata["jupyter"] = {"source_hidden": True}
        self.seen = self.seen or bool(figure)
        cells = [cell]
        if self.solving and not self.begun:
            self.begun = True
            cells.insert(0, text(f"{cell.id}-solution", f"*{SOLUTION}: open the folded cell below.*"))
        if figure.get("caption"):
            number = self.book.figures[figure["name"]]
            caption = words(figure["caption"], self.book)
            cells.append(text(f"{cell.id}-caption", f"**Figure {number}.** {caption}"))
        return cells


def text(name: str, source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id=name[:64])


def plain(notebook: NotebookNode, book: Book) -> NotebookNode:
    """The notebook without anything that only MyST understands. Its code and stored outputs are the same."""
    reader = Reader(book)
    made = copy.deepcopy(notebook)
    cells: list[NotebookNode] = []
    for cell in made.cells:
        if cell.cell_type == "code":
            cells += reader.code(cell)
            continue
        cell.source = reader.markdown(cell.source)
        if cell.source.strip():
            cells.append(cell)
    title = next(line[2:].strip() for line in cells[0].source.splitlines() if line.startswith("# "))
    if seconds := book.seconds.get(title):
        first, heading, rest = cells[0].source.partition(f"# {title}\n")
        cells[0].source = f"{first}{heading}\n*Run All takes {spoken(seconds)} on two cores.*\n{rest}"
    made.cells = cells
    return made


def spoken(seconds: int) -> str:
    """`about half a minute`, `about a minute`, …: no more exact than another machine makes it."""
    if seconds < 25:
        return f"about {round(seconds, -1) or 10} seconds"
    if seconds < 45:
        return "about half a minute"
    return "about a minute" if seconds < 90 else f"about {round(seconds / 60)} minutes"
