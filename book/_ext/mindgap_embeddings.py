"""Sphinx extension: the page on which readers measure embeddings of their own, in their browser and nowhere else.

The directive `your-embeddings` puts `embeddings/tool.html` on a page, which then loads one script: the page's own part
(`embeddings/page/`) with the worker's (`embeddings/worker/`) as a text within it, since a page that was opened from a
file may start no worker by its address. A second script, which is loaded when somebody asks for it, holds the sample:
the authors' CLIP features that come with the package.
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `book` is

from book._ext import mindgap_packed
from book._ext.mindgap_modules import bundled

HERE = Path(__file__).parent
PARTS = HERE / "embeddings"
PACKAGE = HERE.parents[1] / "mindgap"  # read, not imported: it need not be installed
SCRIPT, SAMPLE, STYLE, FIGURES = "mindgap-embeddings.js", "mindgap-sample.js", "embeddings.css", "mindgap-vega.js"
MARK = 'class="mindgap-embeddings"'

# In this order: what a file uses when it is read, and not only when it is called, comes before it.
WORKER = ("words", "npy", "zip", "files", "rows", "cosines", "landscape", "projection", "measures", "checks", "work")
PAGE = ("figures", "results", "tool")


def joined(folder: str, names: tuple[str, ...]) -> str:
    return "\n".join((PARTS / folder / f"{name}.js").read_text(encoding="utf-8") for name in names)


def worker() -> str:
    """The worker's script."""
    return f'(function () {{\n"use strict";\n{joined("worker", WORKER)}\n}})();\n'


def script() -> str:
    """The page's script, with the worker's as a text in it."""
    theme = json.loads((PACKAGE / "charts/theme.json").read_text(encoding="utf-8"))
    known = {part: theme[part] for part in ("colours", "temperature", "fonts", "config")}
    constants = f"const THEME = {json.dumps(known)};\nconst WORKER = {json.dumps(worker())};\n"
    packed, name = bundled(mindgap_packed.JS)
    constants += f"{packed}const {{ bytesOf, interleaved }} = {name};\n"
    return f'(function () {{\n"use strict";\n{constants}{joined("page", PAGE)}\n}})();\n'


def sample() -> str:
    """The shipped features as a script, compressed, with their licence before them."""
    deflate = zlib.compressobj(9, wbits=-15)
    planes = mindgap_packed.planes((PACKAGE / "data/clip.npy").read_bytes())
    found = {"modalities": ["image", "text"], "planes": deflate.compress(planes) + deflate.flush()}
    notice = (PACKAGE / "data/LICENSE").read_text(encoding="utf-8").strip()
    about = "CLIP ViT-B/16 on 500 photographs and captions of COCO, by Liang et al., Mind the Gap (2022)."
    return f"/* {about}\n\n{notice}\n*/\nwindow.mindgapSample = {mindgap_packed.written(found)};\n"


class YourEmbeddings(SphinxDirective):
    """Where files are dropped, and where the results stand."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", (PARTS / "tool.html").read_text(encoding="utf-8"), format="html")]


def write_static_files(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    folder = Path(app.outdir).parent / "mindgap_embeddings"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {SCRIPT: script(), SAMPLE: sample()}.items():
        (folder / name).write_text(text, encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def add_scripts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """On a page that has the tool: its style, the script that draws figures, and its own."""
    if MARK not in context.get("body", ""):
        return
    app.add_css_file(STYLE)
    for name in (FIGURES, SCRIPT):
        if name not in context["body"] + context.get("metatags", ""):
            address = context["pathto"](f"_static/{name}", 1)
            context["body"] += f'<script defer src="{address}"></script>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("your-embeddings", YourEmbeddings)
    app.connect("builder-inited", write_static_files)
    app.connect("html-page-context", add_scripts, priority=950)  # after the script of stored figures
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
