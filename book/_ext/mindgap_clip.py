"""Sphinx extension: the small CLIP in the page, which embeds what a reader draws and writes.

The figure `fig-hand` of a notebook gets `clip/tool.html` beside its picture, which is what stands there without
JavaScript and on paper. The page then loads one script: the modules in `clip/page/` with those of the worker as a text
within it, since a page that was opened from a file may neither start a worker nor load a module by an address. Each of
the two models is a script of its own, which is fetched when a reader first comes near the tool. Nothing here needs
torch: the weights are read from the files that come with the package.
"""

from __future__ import annotations

import base64
import json
import struct
import sys
from array import array
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `book` is

from book._ext.mindgap_modules import bundled
from book._ext.mindgap_packed import written

HERE = Path(__file__).parent
PARTS = HERE / "clip"
PACKAGE = HERE.parents[1] / "mindgap"  # read, not imported: it need not be installed
DATA = HERE.parent / "data/small_clip.json"
FIGURE = "fig-hand"
SCRIPT, STYLE = "mindgap-clip.js", "clip.css"
MARK = 'class="mindgap-clip"'
COMING = "mindgap-clip-coming"  # the class of a page on which the tool takes the place of its figure
MODEL = "mindgap-clip-{}.js"
LARGEST = 2**15 - 1


def enclosed(text: str) -> str:
    return f'(function () {{\n"use strict";\n{text}\n}})();\n'


def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def script() -> str:
    """The page's script: the worker's as a text, what the page opens with, and the page's own modules."""
    data = stored()
    start = {
        "scenes": [
            [dict(zip(("size", "colour", "shape", "place"), one, strict=True)) for one in scene]
            for scene in data["scenes"]
        ],
        "captions": data["captions"],
        "models": {
            name: {key: model[key] for key in ("gap", "recall", "map", "start")}
            for name, model in data["models"].items()
        },
    }
    worker, _ = bundled(PARTS / "worker/work.js")
    given = (start, enclosed(worker), {name: MODEL.format(name) for name in data["models"]})
    called = ", ".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in given)
    text, name = bundled(PARTS / "page/tool.js")
    return enclosed(f"{text}{name}.begin({called});")


def tensors(path: Path) -> tuple[dict[str, Any], dict[str, tuple[list[int], array[float]]]]:
    """The recipe of a shipped model, and its numbers in float32 with their shapes, by name."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    recipe: dict[str, Any] = json.loads(header.pop("__metadata__")["mindgap"])["recipe"]
    found = {}
    for name, about in header.items():
        if about["dtype"] != "F32":
            raise ValueError(f"{path.name}: expected numbers in float32, got {about['dtype']} in {name}")
        start, end = about["data_offsets"]
        count = (end - start) // 4
        found[name] = about["shape"], array("f", struct.unpack_from(f"<{count}f", content, 8 + length + start))
    return recipe, found


def packed(shape: list[int], values: array[float]) -> bytes:
    """Vectors in float32; of a matrix the scale of each row in float32, then its numbers in 16 bits.

    That is as long as float16, and several times as exact: the numbers of a row are of one size.
    """
    if len(shape) < 2:
        return struct.pack(f"<{len(values)}f", *values)
    width = len(values) // shape[0]
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    scales = array("f", ((max(map(abs, row)) or 1.0) / LARGEST for row in rows))
    whole = [
        min(LARGEST, max(-LARGEST, round(one / scale))) for row, scale in zip(rows, scales, strict=True) for one in row
    ]
    return struct.pack(f"<{len(scales)}f{len(whole)}h", *scales, *whole)


def model_script(name: str) -> str:
    """A shipped model, and the other scenes and captions as it embeds them, as one script."""
    recipe, found = tensors(PACKAGE / f"weights/mini-{name}.safetensors")
    places, content = [], bytearray()
    for tensor, (shape, values) in sorted(found.items()):
        if tensor == "logit_scale":
            continue
        content += b"\0" * (-len(content) % 4)
        places.append({"name": tensor, "shape": shape, "at": len(content)})
        content += packed(shape, values)
    model = {key: recipe[key] for key in ("heads", "layers", "patch")}
    model |= {"places": places, "bytes": bytes(content)}
    others = {key: stored()["models"][name][key] for key in ("basis", "center")}
    others |= {side: base64.b64decode(stored()["models"][name][side]) for side in ("images", "texts")}
    holder = "window.mindgapClip = window.mindgapClip || {};\n"
    return f"{holder}window.mindgapClip[{json.dumps(name)}] = {written({'model': model, 'others': others})};\n"


def write_static_files(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    folder = Path(app.outdir).parent / "mindgap_clip"
    folder.mkdir(parents=True, exist_ok=True)
    texts = {SCRIPT: script()} | {MODEL.format(name): model_script(name) for name in stored()["models"]}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def tool_html() -> str:
    """With a place kept for it, until its script has failed to come or to get through: then the picture is back."""
    classes, ready = "document.documentElement.classList", ".mindgap-clip.is-ready"
    name = json.dumps(COMING)
    coming = (
        f"<script>{classes}.add({name});"
        # The tool's script is deferred, and has run by then, or has failed.
        "document.addEventListener('DOMContentLoaded', () => "
        f"document.querySelector({json.dumps(ready)}) || {classes}.remove({name}))</script>"
    )
    return coming + (PARTS / "tool.html").read_text(encoding="utf-8")


def place(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tool after the picture of its figure, once that is HTML."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb" or FIGURE not in source[0]:
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") != FIGURE:
            continue
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output["data"]["text/html"] = "".join(output["data"]["text/html"]) + tool_html()
    source[0] = json.dumps(notebook)


def add_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document) -> None:
    """On a page that has the tool: its style and its script."""
    if MARK not in context.get("body", ""):
        return
    app.add_css_file(STYLE)
    address = context["pathto"](f"_static/{SCRIPT}", 1)
    context["body"] += f'<script defer src="{address}"></script>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_static_files)
    app.connect("source-read", place, priority=600)  # after the figures have become HTML
    app.connect("html-page-context", add_script, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
