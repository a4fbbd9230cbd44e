"""Sphinx extension: draw the Vega-Lite figures stored in notebooks, with nothing fetched from anywhere.

A notebook output of the Vega-Lite type becomes an HTML figure that carries its specification and a picture of its
first state, light or dark, which is what shows before the script has come, without JavaScript and on paper. One
bundled script draws every figure on the page: vl-convert's copy of Vega, the files in `figures/` beside this one, and
those in the package's `charts/js`, which its explorers use, too. Script and style sheet take their colours and fonts
from the package's `theme.json`; the package itself need not be installed.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `book` is

from book._ext import mindgap_columns, mindgap_pictures

HERE = Path(__file__).parent
MIME = "application/vnd.vegalite.v5+json"
BUNDLE, STYLE = "mindgap-vega.js", "mindgap-theme.css"
CHARTS = HERE.parents[1] / "mindgap/charts"  # read, not imported: the package need not be installed
SCRIPTS = [CHARTS / "js" / name for name in ("looks.js", "fit.js", "paint.js", "hint.js")]
SCRIPTS += [HERE / "figures" / name for name in ("rows.js", "numbers.js", "controls.js", "figure.js")]
THEME = json.loads((CHARTS / "theme.json").read_text(encoding="utf-8"))
PALETTES = THEME["palettes"]
COLUMN = 672  # pixels of a wide page's column, to which the pictures of first states are drawn
PLAIN = 'class="output text_html mindgap-plain">'  # of a figure's output, which brings colours of its own
BESIDE = 72  # about what the labels of a panel's axis take


def merged(base: Any, over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` has, dictionaries within dictionaries included."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def fitted(spec: dict[str, Any], width: int) -> dict[str, Any]:
    """The specification with its panels made for a column of `width` pixels, about as the page's script makes them."""
    views = spec.get("concat")
    if views:
        columns = min(spec.get("columns", len(views)), len(views))
        return {**spec, "concat": [fitted(view, width // columns) for view in views]}
    if not isinstance(spec.get("width"), int | float):
        return spec
    own = width - BESIDE
    equal = str(spec.get("name", "")).startswith("equal")
    height = {"height": round(spec["height"] * own / spec["width"])} if equal else {}
    return {**spec, "width": own, **height}


def still(spec: dict[str, Any], mode: str) -> str:
    """An SVG of the first state of a figure."""
    text = json.dumps(spec)
    if mode == "dark":
        partners = THEME.get("dark", {})
        text = re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: partners.get(found[0].lower(), found[0]), text)
    spec = fitted(json.loads(text), COLUMN)
    spec = {key: value for key, value in spec.items() if key not in ("$schema", "usermeta")}
    # The script finds how many columns a legend has room for; here three always have.
    config = merged(merged(spec.get("config", {}), PALETTES[mode]), {"legend": {"columns": 3}})
    drawn: str = vl_convert.vegalite_to_svg({**spec, "config": config})
    return drawn


def picture(spec: dict[str, Any], folder: Path) -> Path:
    """The file with the picture of a figure, light and dark in one; drawn unless it is there."""
    drawn_by = Path(mindgap_pictures.__file__).read_text(encoding="utf-8")
    body = json.dumps([spec, PALETTES, THEME.get("dark"), COLUMN, version("vl-convert-python"), drawn_by])
    path = folder / f"{hashlib.sha256(body.encode()).hexdigest()[:16]}.svg"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_suffix(".part")  # a build that is interrupted here leaves nothing that looks whole
        both = mindgap_pictures.both(*(mindgap_pictures.slim(still(spec, mode)) for mode in ("light", "dark")))
        part.write_text(mindgap_pictures.shared(both), encoding="utf-8")
        part.replace(path)
    return path


def figure_html(spec: dict[str, Any], path: Path, static: str, first: bool = False) -> str:
    """The HTML of one figure: its specification, and its picture and description for whoever cannot run it.

    `static` is the way from the page to the folder that the pictures' folder lies in. The picture of the `first` figure
    is fetched with the page, all others as they come near.
    """
    text = html.escape(spec.get("description", ""), quote=True)
    width, height = re.findall(r'^<svg[^>]* width="([\d.]+)"[^>]* height="([\d.]+)"', _head(path))[0]
    address = f"{static}/{path.parent.name}/{path.name}"
    lazy = "" if first else 'loading="lazy" '
    images = [
        f'<img class="mindgap-still mindgap-{mode}" {lazy}src="{address}{asked}" '
        f'alt="{text}" width="{width}" height="{height}">'
        for mode, asked in (("light", ""), ("dark", f"#{mindgap_pictures.DARK}"))
    ]
    body = json.dumps(mindgap_columns.compact(spec), ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="mindgap-figure"><div class="mindgap-view"></div>{"".join(images)}'
        f'<script type="application/json">{body}</script></div>'
    )


def _head(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.read(600)


def static_folder(app: Sphinx) -> Path:
    """What this extension adds to the site's static files."""
    return Path(app.outdir).parent / "mindgap_static"


def draw_stored_figures(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every Vega-Lite output of a notebook its HTML form, before the notebook is parsed."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    static = "../" * docname.count("/") + "_static"
    notebook = json.loads(source[0])
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    for place, output in enumerate(output for output in outputs if MIME in output.get("data", {})):
        spec = output["data"][MIME]
        path = picture(spec, static_folder(app) / "figures")
        output["data"] = {"text/html": figure_html(spec, path, static, first=place == 0)}
    source[0] = json.dumps(notebook)


def theme_css() -> str:
    """The theme as the style sheet's custom properties: `--mindgap-image`, `--mindgap-font-code`, …"""
    colours, partners, ink = THEME["colours"] | THEME["hues"], THEME.get("dark", {}), THEME["ink"]["light"]
    fonts = {f"font-{name}": families for name, families in THEME["fonts"].items()}
    # From cold to hot, as the stops of a gradient.
    light_stops, dark_stops = ({"temperatures": ", ".join(THEME["temperature"][mode])} for mode in PALETTES)
    dark = {name: partners[colour] for name, colour in colours.items() if colour in partners} | dark_stops
    light = _properties({**colours, "ink": ink["text"], "grid": ink["grid"], **fonts, **light_stops})
    # On screens only: paper is light whatever the page is.
    return f':root {{\n{light}}}\n@media screen {{ html[data-theme="dark"] {{\n{_properties(dark)}}} }}\n'


def _properties(values: dict[str, str]) -> str:
    return "".join(f"  --mindgap-{name}: {value};\n" for name, value in values.items())


def script() -> str:
    """The script that draws figures, with Vega in it."""
    parts = [f"const THEME = {json.dumps(THEME)};", *(path.read_text(encoding="utf-8") for path in SCRIPTS)]
    # In a function of its own: the bundle's top-level names would otherwise become globals of the page.
    bundle: str = vl_convert.javascript_bundle("\n".join(parts))
    return f"(function () {{\n{bundle}\n}})();\n"


def write_static_files(app: Sphinx) -> None:
    """Write the script and the theme's style sheet next to the other static files of this build."""
    if app.builder.format != "html":
        return
    folder = static_folder(app)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BUNDLE).write_text(script(), encoding="utf-8")
    (folder / STYLE).write_text(theme_css(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))
    app.add_css_file(STYLE)
    app.add_css_file("figures.css")
    app.add_css_file("print.css")


def add_bundle(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script on the pages that have a figure, before all others, and no inline script twice.

    Sphinx 7 repeats inline scripts that extensions register late, and a repeated `const` is an error in the page. For
    the same reason the tag for our script goes straight into the page's head, where it is also the first to be run.
    """
    scripts = context.get("script_files", [])
    context["script_files"] = list({(s.filename or "", *sorted(s.attributes.items())): s for s in scripts}.values())
    if "mindgap-figure" in context.get("body", ""):
        address = context["pathto"](f"_static/{BUNDLE}", 1)
        context["body"] = re.sub(
            r'class="output text_html">(?=\s*<div class="mindgap-figure">)', PLAIN, context["body"]
        )
        context["metatags"] = f'<script defer src="{address}"></script>' + context.get("metatags", "")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", draw_stored_figures)
    app.connect("builder-inited", write_static_files)
    app.connect("html-page-context", add_bundle, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
