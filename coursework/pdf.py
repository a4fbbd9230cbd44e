"""Render a Markdown page, such as the instructor notes, to one HTML file and, with Chromium, to PDF.

    python coursework/pdf.py coursework/instructor_notes.md _build/coursework

writes instructor_notes.html, which needs no network and no other file, and prints it to instructor_notes.pdf: A4, with
page numbers, bookmarks and tags. Where there is no Chromium it says so; any browser can print the HTML page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from html import escape
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
THEME = json.loads((Path(__file__).parents[1] / "mindgap/charts/theme.json").read_text(encoding="utf-8"))
COLOURS, FONTS = THEME["colours"], THEME["fonts"]

VARIABLES = f"""
:root {{ --mark: {COLOURS["image"]}; --note: {COLOURS["text"]}; --font: {FONTS["text"]}; --code: {FONTS["code"]}; }}
:root {{ --rule: {COLOURS["neutral"]}66; --soft: {COLOURS["neutral"]}18; }}
"""

STYLE = """
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 var(--font); }
h1 { margin: 0 0 .4rem; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 2.2rem 0 .6rem; padding-top: .4rem; border-top: 2px solid var(--mark); font-size: 1.3rem; }
h3 { margin: 1.5rem 0 .4rem; font-size: 1.05rem; }
a { color: var(--mark); }
nav { columns: 2; margin: 1.2rem 0; padding: .7rem 1rem; background: var(--soft); font-size: .92rem; }
nav a { display: block; padding: .12rem 0; text-decoration: none; break-inside: avoid; }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: .8rem 0 1.2rem; font-size: .88rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
code, pre { font: .86em/1.45 var(--code); }
pre { overflow-x: auto; padding: .7rem .9rem; background: var(--soft); border-left: 3px solid var(--rule); }
blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 4px solid var(--note); background: var(--soft); }
@media print {
  :root { color-scheme: light; font-size: 9.5pt; }
  body { max-width: none; margin: 0; padding: 0; }
  table { display: table; width: 100%; }
  thead { display: table-header-group; }
  tr, pre, blockquote { break-inside: avoid; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  h1, h2, h3 { break-after: avoid; }
  a { color: inherit; }
}
"""

FOOTER = f"""
<div style="width: 100%; padding: 0 18mm; font: 7.5pt sans-serif; color: {THEME["ink"]["light"]["text"]};
  display: flex; justify-content: space-between">
<span class="title"></span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>
"""


def page(markdown: str) -> str:
    """The Markdown, which begins with its title, as one HTML page with a list of its sections.

    Raises ValueError if it does not begin with a title, or if it refers to an image, which would be another file.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").use(anchors_plugin, max_level=3)
    tokens = parser.parse(markdown)
    if not tokens or tokens[0].type != "heading_open" or tokens[0].tag != "h1":
        raise ValueError("markdown: expected a page that begins with its title, '# …'")
    if any(child.type == "image" for token in tokens for child in token.children or ()):
        raise ValueError("markdown: expected a page without images, which would need other files")
    sections = {
        str(opening.attrGet("id")): "".join(child.content for child in inline.children or ())
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open" and opening.tag == "h2"
    }
    title = tokens[1].content
    body = parser.renderer.render(tokens, parser.options, {})
    links = "".join(f'<a href="#{anchor}">{escape(words)}</a>' for anchor, words in sections.items())
    head, closing, rest = body.partition("</h1>")
    contents = f'\n<nav aria-label="Contents">{links}</nav>' if links else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{VARIABLES}{STYLE}</style>\n</head>\n"
        f"<body>\n{head}{closing}{contents}{rest}</body>\n</html>\n"
    )


def browser() -> str | None:
    """The Chromium of this machine, None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing() -> str | None:
    """What this machine lacks for printing, in words; None if nothing."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "the package playwright (pip install playwright)"
    return None if browser() else f"Chromium ({', '.join(BROWSERS)} not found; on Debian: apt install chromium)"


def print_pdf(html: Path, out: Path) -> None:
    """Print a page to PDF by headless Chromium, which fetches nothing. Raises RuntimeError if something is missing."""
    if what := missing():
        raise RuntimeError(f"{out.name} was not made: it needs {what}. {html} can be printed from any browser.")
    from playwright.sync_api import sync_playwright

    # Chromium refuses to sandbox itself for root, as in a container.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    arguments = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", *sandbox]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=arguments)
        try:
            context = chromium.new_context(offline=True)
            view = context.new_page()
            view.goto(html.resolve().as_uri())
            view.pdf(
                path=out,
                format="A4",
                margin={"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"},
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                outline=True,
                tagged=True,
            )
        finally:
            chromium.close()


def render(source: Path, folder: Path) -> list[Path]:
    """Write the HTML of `source` into `folder`, and the PDF where it can be; the paths, HTML first.

    Raises RuntimeError, once the HTML is there, where the PDF cannot be made; the other errors are those of `page`.
    """
    html, pdf = (folder / f"{source.stem}{suffix}" for suffix in (".html", ".pdf"))
    text = page(source.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    html.write_text(text, encoding="utf-8")
    print_pdf(html, pdf)
    return [html, pdf]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a Markdown file")
    parser.add_argument("folder", type=Path, help="where the HTML page and the PDF go")
    options = parser.parse_args()
    try:
        for path in render(options.source, options.folder):
            print(f"written {path}")
    except (RuntimeError, ValueError, FileNotFoundError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
