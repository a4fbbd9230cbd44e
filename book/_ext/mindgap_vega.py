"""Sphinx extension: draw the Vega-Lite figures stored in notebooks, with nothing fetched from anywhere.

A notebook output of the Vega-Lite type becomes an HTML figure that carries its specification; one bundled script,
made from vl-convert's copy of Vega and `embed.js` beside this file, draws every figure on the page. Script and style
sheet take their colours and fonts from the package's `theme.json`, of which the package itself need not be installed.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import vl_convert
from sphinx.application import Sphinx

HERE = Path(__file__).parent
MIME = "application/vnd.vegalite.v5+json"
BUNDLE, STYLE = "mindgap-vega.js", "mindgap-theme.css"
THEME = json.loads((HERE.parents[1] / "mindgap/charts/theme.json").read_text(encoding="utf-8"))


def figure_html(spec: dict[str, Any]) -> str:
    """The HTML of one figure: its specification, and its description for whoever cannot see or run it."""
    text = html.escape(spec.get("description", ""), quote=True)
    body = json.dumps(spec, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="mindgap-figure"><div class="mindgap-view"></div>'
        f'<script type="application/json">{body}</script>'
        f"<noscript><p>{text} (This figure needs JavaScript; no network.)</p></noscript></div>"
    )


def draw_stored_figures(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every Vega-Lite output of a notebook its HTML form, before the notebook is parsed."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if MIME in data:
                output["data"] = {"text/html": figure_html(data[MIME])}
    source[0] = json.dumps(notebook)


def theme_css() -> str:
    """The theme as the style sheet's custom properties: `--mindgap-image`, `--mindgap-font-code`, …"""
    names = {**THEME["colours"], **{f"font-{name}": fonts for name, fonts in THEME["fonts"].items()}}
    return ":root {\n" + "".join(f"  --mindgap-{name}: {value};\n" for name, value in names.items()) + "}\n"


def write_static_files(app: Sphinx) -> None:
    """Write the script and the theme's style sheet next to the other static files of this build."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir).parent / "mindgap_static"
    folder.mkdir(parents=True, exist_ok=True)
    embed = (HERE / "embed.js").read_text(encoding="utf-8")
    script = vl_convert.javascript_bundle(f"const THEME = {json.dumps(THEME)};\n{embed}")
    # In a function of its own: the bundle's top-level names would otherwise become globals of the page.
    (folder / BUNDLE).write_text(f"(function () {{\n{script}\n}})();\n", encoding="utf-8")
    (folder / STYLE).write_text(theme_css(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))
    app.add_css_file(STYLE)


def add_bundle(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script on the pages that have a figure, and no inline script twice.

    Sphinx 7 repeats inline scripts that extensions register late, and a repeated `const` is an error in the page. For
    the same reason the tag for our script goes straight into the page's body.
    """
    scripts = context.get("script_files", [])
    context["script_files"] = list({(s.filename or "", *sorted(s.attributes.items())): s for s in scripts}.values())
    if "mindgap-figure" in context.get("body", ""):
        address = context["pathto"](f"_static/{BUNDLE}", 1)
        context["body"] += f'<script defer src="{address}"></script>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", draw_stored_figures)
    app.connect("builder-inited", write_static_files)
    app.connect("html-page-context", add_bundle, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
