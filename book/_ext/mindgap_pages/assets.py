"""After the last page: everything that no page uses is left out of the site.

Extensions copy whole libraries into `_static`. What is kept is what a page names, and what a kept style sheet or script
names in its turn, so that a new page, icon or library brings its own files without a list to keep. Pages name their
notebooks in `_sources` likewise.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.util import logging

from book import notebooks, plain
from book._ext import mindgap_columns
from book._ext.mindgap_vega import MIME

from . import icons, sheets

LOGGER = logging.getLogger(__name__)
SHEET = "icons.css"
THEME = "styles/pydata-sphinx-theme.css"
SCRIPT = "scripts/pydata-sphinx-theme.js"
SOURCE_MAP = re.compile(r"\n?(?://|/\*)# sourceMappingURL=[^\n]*?\.map(?: ?\*/)?\s*$")
NAMED = re.compile(r"[\w@.+-]+\.(?:css|js|mjs|json|svg|png|ico|gif|jpg|webp|woff2?|ttf|txt|csv|wasm|pdf)\b")


def names(text: str) -> set[str]:
    """The names of files in a page, a style sheet or a script."""
    return set(NAMED.findall(text))


def kept(static: Path, pages: list[str]) -> set[Path]:
    """The files of `_static` that the pages need, whatever they are needed through."""
    files = [path for path in static.rglob("*") if path.is_file() and path.suffix != ".map"]
    found: set[Path] = set()
    wanted = set().union(*map(names, pages)) if pages else set()
    waiting = True
    while waiting:
        fresh = {path for path in files if path not in found and path.name in wanted}
        found |= fresh
        waiting = bool(fresh)
        for path in fresh:
            if path.suffix in (".css", ".js"):
                wanted |= names(path.read_text(encoding="utf-8"))
    return found


def without_map(path: Path) -> None:
    """Browsers' tools ask for the source map that a file names: it names none."""
    text = path.read_text(encoding="utf-8")
    if (plain := SOURCE_MAP.sub("\n", text)) != text:
        path.write_text(plain, encoding="utf-8")


def dense(notebook: str) -> str:
    """The same notebook, charts and all, without what is half of it: blanks, and names of columns at every number."""
    content = json.loads(notebook)
    for output in (output for cell in content["cells"] for output in cell.get("outputs", [])):
        data = output.get("data", {})
        if MIME in data:
            data[MIME] = mindgap_columns.compact(data[MIME])
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


# When a page is loaded, and after any change of it, the theme measures every code cell and table for a scroll bar, for
# which all of the page must be laid out. `mindgap-pages.js` measures them as each is laid out, and says more of them.
MEASURES = re.compile(r'"complete"===document\.readyState\?(\w+)\(\):window\.addEventListener\("load",\1\)')


def unhurried(script: str) -> str:
    """The theme's script, which then leaves it to ours to find what scrolls."""
    changed, times = MEASURES.subn("0", script)
    if times != 1:
        raise ValueError(f"{SCRIPT} measures the page in {times} places, expected one: has the theme changed?")
    return changed


def remove_but(folder: Path, keep: set[Path]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        if path.is_file() and path not in keep:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def tidy(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static, sources = site / "_static", site / "_sources"
    pages = [path.read_text(encoding="utf-8") for path in site.rglob("*.html") if static not in path.parents]
    keep = kept(static, pages)
    texts = [*pages, *(path.read_text(encoding="utf-8") for path in keep if path.suffix == ".js")]
    if static / THEME in keep:
        drawn = icons.Icons()
        wanted = set().union(*map(icons.used, texts))
        try:
            (static / SHEET).write_text(icons.sheet(drawn, wanted), encoding="utf-8")
        except KeyError as missing:
            LOGGER.warning(missing.args[0])
        theme = static / THEME
        theme.write_text(icons.without_fonts(theme.read_text(encoding="utf-8"), drawn), encoding="utf-8")
        keep = kept(static, pages)  # the fonts are not named any more
    if (script := static / SCRIPT) in keep:
        try:
            script.write_text(unhurried(script.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as changed:
            LOGGER.warning(changed.args[0])
    known = sheets.words(texts)
    for path in keep:
        if path.suffix in (".css", ".js"):
            without_map(path)
        if sheets.LIBRARIES.search(path.as_posix()):
            path.write_text(sheets.slim(path.read_text(encoding="utf-8"), known), encoding="utf-8")
    remove_but(static, keep)
    # A page that offers its source links to it.
    named = {link for page in pages for link in re.findall(r'href="[^"]*?_sources/([^"]+)"', page)}
    remove_but(sources, {sources / name for name in named})
    chapters = notebooks.notebooks()
    book = plain.survey(chapters)
    for path in sources.rglob("*.ipynb"):
        written = notebooks.ROOT / path.relative_to(sources)
        if written in chapters:  # of itself, since what lies there from an earlier build is plain already
            text = nbformat.writes(plain.plain(nbformat.read(written, as_version=4), book))
        else:  # assignments are plain as they are
            text = path.read_text(encoding="utf-8")
        path.write_text(dense(text), encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.add_css_file(SHEET)
    app.connect("build-finished", tidy, priority=950)  # after the theme's files are copied
