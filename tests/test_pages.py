"""What the book's extension for pages does to icons, scripts, tables, words, labels and heads, piece by piece."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

from docutils import nodes
from docutils.core import publish_doctree
from pybtex.database import Entry as Work
from pybtex.database import Person
from sphinx import addnodes

from book._ext.mindgap_pages import (
    assets,
    bibliography,
    cells,
    finish,
    glossary,
    head,
    icons,
    lean,
    search,
    sections,
    sheets,
)

ROOT = Path(__file__).parents[1]
GLOSSARY = (ROOT / "book/appendix/glossary.md").read_text(encoding="utf-8")


def test_an_icon_is_found_by_its_classes_in_pages_and_in_scripts() -> None:
    assert icons.used('<i class="theme-switch fa-solid fa-moon   fa-lg"></i><i class="fas fa-file"></i>') == {
        ("solid", "moon"),
        ("solid", "file"),
    }
    assert icons.used('f.classList="fa-solid fa-xmark",p') == {("solid", "xmark")}
    assert icons.used('<i class="fab fa-github"></i><p class="fable fa">') == {("brands", "github")}


def test_an_icon_of_each_style_is_drawn_and_an_alias_with_it() -> None:
    drawn = icons.Icons()
    sheet = icons.sheet(drawn, {("solid", "magnifying-glass"), ("brands", "github"), ("regular", "file")})
    assert sheet.count("--icon:url(") == 3
    assert drawn.drawn["solid", "search"] == drawn.drawn["solid", "magnifying-glass"]
    assert drawn.drawn["solid", "file"] != drawn.drawn["regular", "file"]
    with pytest.raises(KeyError, match=r"no such icon: no-such \(solid\)"):
        icons.sheet(drawn, {("solid", "no-such")})


def test_the_theme_asks_for_no_font_of_icons() -> None:
    theme = (icons.SCRIPT.parents[1] / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")
    assert "fa-solid-900" in theme
    plain = icons.without_fonts(theme, icons.Icons())
    assert "fa-solid-900" not in plain
    assert "content:var(--pst-icon" not in plain
    assert re.search(r'--pst-icon-download:url\("data:image/svg', plain)
    assert len(plain) < 0.9 * len(theme)


def test_what_no_page_names_is_no_part_of_the_site(tmp_path: Path) -> None:
    files = {
        "a.css": "body { background: url(deep/b.png) } /*# sourceMappingURL=a.css.map */",
        "deep/b.png": "",
        "a.css.map": "",
        "c.js": "load('d.json')\n//# sourceMappingURL=c.js.map",
        "d.json": "",
        "unused.js": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    keep = assets.kept(tmp_path, ['<link href="../_static/a.css?v=1"><script src="../_static/c.js"></script>'])
    assert {path.relative_to(tmp_path).as_posix() for path in keep} == {"a.css", "deep/b.png", "c.js", "d.json"}
    assets.remove_but(tmp_path, keep - {tmp_path / "deep/b.png"})
    assert not (tmp_path / "deep").exists()
    assets.without_map(tmp_path / "a.css")
    assets.without_map(tmp_path / "c.js")
    assert (tmp_path / "a.css").read_text() == "body { background: url(deep/b.png) } \n"
    assert (tmp_path / "c.js").read_text() == "load('d.json')\n"


@pytest.mark.parametrize(("rules", "kept"), [
    (".here, .gone { top: 0 }", ".here{top: 0}"),
    (".here .gone, p > a:hover { top: 0 }", "p > a:hover{top: 0}"),
    (".here:not(.gone) { top: 0 }", ".here:not(.gone){top: 0}"),
    (":is(.here, p):has(+ .gone) { top: 0 }", ""),
    ("#gone { top: 0 }", ""),
    (r".w-1\.5 { top: 0 } .w-9\.5 { top: 0 }", r".w-1\.5{top: 0}"),
    ('a[href=".gone"] { content: ".gone {}" }', 'a[href=".gone"]{content: ".gone {}"}'),
    ("@media print { .gone { top: 0 } p { top: 0 } }", "@media print {p{top: 0}}"),
    ("@media print { .gone { top: 0 } }", ""),
    ("@font-face { font-family: x } :root { --gone: 0 }", "@font-face { font-family: x }\n:root{--gone: 0}"),
    ("@keyframes gone { 0% { top: 0 } 12.5% { top: 1px } }", "@keyframes gone { 0% { top: 0 } 12.5% { top: 1px } }"),
    ("/* .here */ .gone { top: 0 }", ""),
    (".bs-tooltip-auto .here, .bsx { top: 0 }", ".bs-tooltip-auto .here{top: 0}"),
    (".claim-3, .claims { top: 0 }", ".claim-3{top: 0}"),
])  # fmt: skip
def test_a_rule_stays_if_something_could_match_it(rules: str, kept: str) -> None:
    known = sheets.words(['<p class="here w-1.5">', "add(`bs-${kind}-auto`, 'claim-' + n); w-$"])
    assert sheets.slim(rules, known).strip() == kept


def test_a_sheet_that_cannot_be_read_is_no_shorter_one() -> None:
    with pytest.raises(ValueError, match="line 2"):
        sheets.slim("p { top: 0 }\n}", set())


def test_a_symbol_that_heads_a_column_is_set_as_one() -> None:
    head = "<th>c_x</th><th></th><th>√(c_x + c_y)</th><th>c_xy of two seeds</th><th>log_weight</th><th>a_b(c)</th>"
    assert finish.indices_set_low(head + "<td>c_xy</td>") == (
        "<th><i>c</i><sub>x</sub></th><th></th><th>√(<i>c</i><sub>x</sub> + <i>c</i><sub>y</sub>)</th>"
        "<th><i>c</i><sub>xy</sub> of two seeds</th><th>log_weight</th><th>a_b(c)</th><td>c_xy</td>"
    )


def test_how_tall_a_section_is_is_said_of_those_below_the_title_and_of_no_other() -> None:
    deep = '<section id="c"><h3>C</h3></section>'
    page = f'<section id="a"><h1>A</h1><section id="b"><p>words</p>{deep}</section><section id="d"></section></section>'
    found = sections.at_need(page)
    assert re.sub(r' style="--tall: \d+"', "", found) == page
    assert re.findall(r'id="(\w)" style="--tall: (\d+)"', found) == [("b", "88"), ("d", "0")]
    assert sections.at_need("<p>no section</p>") == "<p>no section</p>"


def test_what_is_folded_or_hidden_takes_no_room() -> None:
    plain = "<p>words</p>"
    text = "<pre>" + "line\n" * 40 + "</pre>"
    assert sections.tall(plain + text) > sections.tall(plain) + 700
    for hidden in (
        f"<details><summary>code</summary>{text}</details>",
        f"<script>{text}</script>",
        f'<span class="explanation">{"word " * 400}</span>',
        f'<div class="dropdown solution">{text}</div>',
    ):
        assert sections.tall(plain + hidden) < sections.tall(plain) + 60
    two = '<img class="mindgap-still mindgap-{}" alt="" width="3" height="300.5">'
    assert sections.tall(two.format("light")) == sections.tall(two.format("light") + two.format("dark")) == 410


def test_the_theme_leaves_it_to_the_book_to_find_what_scrolls() -> None:
    last = '"complete"===document.readyState?I():window.addEventListener("load",I)'
    assert assets.unhurried(f"a(),{last}}})();") == "a(),0})();"
    theme = (icons.SCRIPT.parent / "pydata-sphinx-theme.js").read_text(encoding="utf-8")
    assert len(theme) - len(assets.unhurried(theme)) == len(last) - 1
    with pytest.raises(ValueError, match="in 0 places, expected one"):
        assets.unhurried("another theme")


def test_a_notebook_to_download_is_the_same_notebook() -> None:
    notebook = (ROOT / "book/index.ipynb").read_text(encoding="utf-8")
    dense = assets.dense(notebook)
    before, after = json.loads(notebook), json.loads(dense)
    charts = 0
    for one, other in zip(before["cells"], after["cells"], strict=True):
        for output, kept in zip(one.get("outputs", []), other.get("outputs", []), strict=True):
            if assets.MIME in output.get("data", {}):  # of which test_columns says that it is the same chart
                kept["data"][assets.MIME] = output["data"].pop(assets.MIME)
                output["data"][assets.MIME] = kept["data"][assets.MIME]
                charts += 1
    assert after == before
    assert charts > 1
    assert len(dense) < 0.6 * len(notebook)


CODE = """<body>
<!-- a note -->
  <p>two
     words</p>

<div class="highlight"><pre><span></span><span class="n">x</span><span class="o">=</span>  <span class="p">(</span>

</pre></div>
<script>
  const a =  "<!-- kept -->";
</script>
<div id="jb-print-toc"><h2>Contents</h2><nav aria-label="Page"><ul class="a"><li>1<ul><li>1.1<ul><li>1.1.1</li></ul>
</li></ul></li><li>2</li></ul></nav></div>
<ul><li>1<ul><li>1.1</li></ul></li></ul><span class="pre">code</span> <span class="premium">kept</span></body>"""
LEAN = """<body>
<p>two
words</p>
<div class="highlight"><pre>x<span class="o">=</span>  (

</pre></div>
<script>
  const a =  "<!-- kept -->";
</script>
<div id="jb-print-toc"><h2>Contents</h2><nav aria-label="Page"><ul class="a"><li>1</li><li>2</li></ul></nav></div>
<ul><li>1<ul><li>1.1</li></ul></li></ul>code <span class="premium">kept</span></body>"""


def test_what_nobody_sees_is_left_out_of_a_page() -> None:
    assert lean.lean(CODE) == LEAN
    assert lean.lean(LEAN) == LEAN


@pytest.mark.parametrize("style", ["a11y-high-contrast-light", "a11y-high-contrast-dark"])
def test_what_loses_its_span_has_the_colour_of_all_code(style: str) -> None:
    found = dict(pytest.importorskip("pygments.styles").get_style_by_name(style))
    kinds = pytest.importorskip("pygments.token").Token
    for token in (kinds.Name, kinds.Punctuation, kinds.Text.Whitespace):
        assert found[token]["color"] == found[kinds.Text]["color"]
        assert not found[token]["bold"]
        assert not found[token]["italic"]


PAGE = """<html><head>
<script src="_static/doctools.js"></script>
<script defer src="_static/scripts/fontawesome.js?digest=1"></script>
<script src="searchindex.js"></script>
<script>const THEBE_JS_URL = "x"</script>
<script>DOCUMENTATION_OPTIONS.pagename = 'a';</script>
</head><body>
<script type="application/json">{"a": "<i>"}</script><script defer src="_static/figures.js"></script>
</body></html>"""


def test_no_script_stops_the_page() -> None:
    page = finish.scripts_in_order(PAGE, search=False)
    order = re.findall(r'src="([^"]*)"', page)
    assert order == ["_static/doctools.js", "_static/figures.js"]
    assert all("defer" in tag for tag in re.findall(r"<script[^>]*src[^>]*>", page))
    assert '<script type="module">DOCUMENTATION_OPTIONS' in page
    assert '<script type="application/json">{"a": "<i>"}</script>' in page
    assert "searchindex.js" in finish.scripts_in_order(PAGE, search=True)


def test_a_table_of_words_can_be_stacked_and_says_what_each_value_is() -> None:
    table = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
    stacked = finish.stackable(table)
    assert '<td data-label="b" role="cell">2</td>' in stacked
    assert stacked.startswith('<table class="stackable" role="table">')
    for other in (table.replace("<table>", '<table class="dataframe">'), table.replace("<td>1</td>", "")):
        assert finish.stackable(other) == other


def test_the_name_of_a_button_is_what_stands_on_it() -> None:
    button = (
        '<button class="btn search-button-field pst-js-only" title="Search" aria-label="Search">Search Ctrl</button>'
    )
    assert "aria-label" not in finish.named_by_what_they_say(button)


TEXT = """
The gap
=======

A *gap* is no ``gap`` and no `gap <https://example.org>`__. Two cones, one temperature: the gap distance, the gap.

.. note:: A logit in a note.

=====  ====
logit  batch
=====  ====

Modalities and a batch-size, InfoNCE and infonce.
"""


def explained(text: str) -> nodes.document:
    document = publish_doctree(text)
    left = glossary.entries(GLOSSARY)
    explain = glossary.ExplainTerms(document)
    for words in glossary.prose(document):
        left = explain.explain(words, left)
    return document


def test_the_first_use_of_a_word_in_running_text_is_explained_and_only_there() -> None:
    document = explained(TEXT)
    found = [(node.astext(), node["entry"]) for node in document.findall(glossary.Explained)]
    assert found == [
        ("gap", "modality gap"),
        ("cones", "cone"),
        ("temperature", "temperature"),
        ("gap distance", "gap distance"),
        ("Modalities", "modality"),
        ("InfoNCE", "contrastive loss"),
    ]
    assert document.astext().count("the gap distance, the gap.") == 1, "the words themselves stay as they were"
    index = [node["entries"][0][1:3] for node in document.findall(addnodes.index)]
    assert ("cone", "first-cone") in index


def test_the_glossary_is_read_as_it_is_written() -> None:
    entries = glossary.entries(GLOSSARY)
    assert len(entries) > 24
    names = [name for entry in entries for name in entry.names]
    assert len(set(names)) == len(names)
    for entry in entries:
        assert entry.definition.endswith("."), entry
        assert 60 < len(entry.definition) < 340, entry
        assert not re.search(r"[`{$]", entry.definition), "what is shown on hover is plain text"


def test_the_fold_is_named_by_what_the_cell_makes() -> None:
    def output(*children: nodes.Node) -> nodes.container:
        return nodes.container("", *children)

    assert cells.what_it_makes(output(nodes.figure("", nodes.image()))) == "code of this figure"
    assert cells.what_it_makes(output(nodes.image())) == "code of this figure"
    assert (
        cells.what_it_makes(output(nodes.raw("", "<div><table></table></div>", format="html"))) == "code of this table"
    )
    assert cells.what_it_makes(output(nodes.literal_block("", "1.0"))) == "code of this output"
    assert cells.what_it_makes(None) == "code of this step"


def test_works_are_labelled_as_the_text_cites_them() -> None:
    def work(year: str, *names: str) -> Work:
        return Work("misc", {"year": year}, {"author": [Person(name) for name in names]})

    works = [
        work("2022", "Liang, W", "Zhang, Y", "Kwon, Y"),
        work("2009", "Cho, Y", "Saul, L"),
        work("2018", "van den Oord, A"),
    ]
    twice = [work("2021", "Xu, H"), work("2021", "Xu, I")]
    labels = list(bibliography.AuthorYearLabels().format_labels([*works, *twice]))
    assert labels == ["Liang et al., 2022", "Cho and Saul, 2009", "van den Oord, 2018", "Xu, 2021a", "Xu, 2021b"]


def test_the_search_reads_prose_only() -> None:
    document = publish_doctree("Title\n=====\n\nWords.\n\n::\n\n    code = 1\n\n.. raw:: html\n\n    <p>numbers</p>\n")
    assert search.prose(document).astext().split() == ["Title", "Words."]
    assert "code" in document.astext(), "the page itself stays whole"


def test_a_description_is_made_of_whole_sentences() -> None:
    first = "A sentence of some length to begin with, so that it counts. "
    assert head.description(publish_doctree(f"T\n=\n\nShort.\n\n{first * 9}")) == (first * 3).strip()
    assert head.description(publish_doctree("T\n=\n")) == ""


@pytest.fixture(scope="module")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two pages with an icon of its own, whose address is known from the environment."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.append({str(ROOT / 'book/_ext')!r})\n"
        "extensions = ['mindgap_pages']\nroot_doc = 'book/index'\n"
        "html_theme = 'sphinx_book_theme'\nhtml_title = 'Small'\n"
        f"html_static_path = [{str(ROOT / 'book/_static')!r}]\n"
        "html_theme_options = {'repository_url': 'https://github.com/own/book'}\n"
    )
    (folder / "book").mkdir()
    (folder / "book/index.rst").write_text(
        "Front\n=====\n\nThis is what the front page is about, in a sentence.\n\n.. toctree::\n\n   other\n\n"
        '.. raw:: html\n\n   <i class="fa-solid fa-anchor"></i>\n'
    )
    (folder / "book/other.rst").write_text("Other\n=====\n\n.. meta::\n   :description: Its own words.\n\nText.\n")
    command = [sys.executable, "-m", "sphinx", "-qW", "-b", "html", str(folder), str(folder / "out")]
    environment = {**os.environ, "MINDGAP_BASEURL": "https://example.org/book-of-gaps"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_a_new_icon_appears_by_itself(small_site: Path) -> None:
    assert ".fa-anchor{--icon:url(" in (small_site / "_static/icons.css").read_text(encoding="utf-8")
    assert not list(small_site.rglob("*.map"))
    assert not list(small_site.rglob("fontawesome*"))


def test_a_site_that_knows_its_address_says_it(small_site: Path) -> None:
    page = (small_site / "book/other.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="https://example.org/book-of-gaps/book/other.html" />' in page
    assert 'property="og:image" content="https://example.org/book-of-gaps/_static/front-page.png"' in page
    assert page.count('name="description"') == 1
    assert 'property="og:description" content="Its own words."' in page
    assert 'href="https://github.com/own/book"' in page
    sitemap = (small_site / "sitemap.xml").read_text(encoding="utf-8")
    assert re.findall("<loc>(.*?)</loc>", sitemap) == [
        f"https://example.org/book-of-gaps/book/{name}.html" for name in ("index", "other")
    ]
    assert 'href="https://example.org/book-of-gaps/book/index.html"' in (small_site / "404.html").read_text(
        encoding="utf-8"
    )


def test_the_times_of_the_reading_paths_are_those_of_the_chapters() -> None:
    rows = re.findall(
        r"^\| \{doc\}`\.\./(\d\d_\w+)` \| (\d+) \| (\d+) \|$",
        (ROOT / "book/appendix/reading_paths.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    chapters = sorted((ROOT / "book").glob("0*.ipynb"))
    assert [name for name, *_ in rows] == [path.stem for path in chapters]
    for path, (_, reading, exercises) in zip(chapters, rows, strict=True):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"\*\*Time\*\* (\d+) minutes", text) == [reading]
        assert sum(map(int, re.findall(r"\*Difficulty: [●○]+ · (\d+) minutes\*", text))) == int(exercises)
