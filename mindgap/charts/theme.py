"""One look for every figure, and the form in which figures are stored.

Figures are stored as plain Vega-Lite 5: JupyterLab, VS Code and nbviewer draw that without fetching anything, and the
book's own extension draws the same stored output on the site.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import altair as alt

from mindgap._files import rounded
from mindgap.running import OPEN

MIME = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.20.1.json"
ANY_MINOR_VERSION = "https://vega.github.io/schema/vega-lite/v5.json"
"""What JupyterLab is told, whose own Vega-Lite is older: it warns of each chart that names a newer one."""

# Colours, fonts and the look of charts, which the site's style sheet and scripts and the PDF of the instructors' notes
# read, too.
THEME: dict[str, Any] = json.loads(files("mindgap").joinpath("charts/theme.json").read_text(encoding="utf-8"))

IMAGE: str = THEME["colours"]["image"]
TEXT: str = THEME["colours"]["text"]
NEUTRAL: str = THEME["colours"]["neutral"]
WRONG: str = THEME["colours"]["wrong"]
HUES: dict[str, str] = THEME["hues"]
TEMPERATURE_COLOURS: list[str] = THEME["temperature"]["light"]
ACCENT = TEMPERATURE_COLOURS[3]
"""What a chart is about, where that is neither a modality nor one of several temperatures."""

# Kinds that are neither a modality nor a temperature; apart for colour-blind readers, in light and in dark.
KIND_COLOURS = [ACCENT, HUES["green"], HUES["violet"], HUES["ochre"], NEUTRAL]
# The same kinds where colours cannot be told apart at all: lines by their dashes, points by their shapes.
DASHES = [[1, 0], [7, 3], [2, 2], [10, 3, 2, 3], [5, 5], [12, 4]]
SHAPES = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"]
FONT: str = THEME["fonts"]["text"]

# No aria of its own: a chart is one picture with one description. Labels on each of a thousand marks would be read out
# one by one, and Vega would write all of them anew at each step of a slider. And several legends stand one above the
# other: beside each other they would be wider than a phone.
CONFIG: dict[str, Any] = {
    **THEME["config"],
    "font": FONT,
    "range": {"category": [IMAGE, TEXT], "ordinal": TEMPERATURE_COLOURS, "ramp": TEMPERATURE_COLOURS},
}


def stored(spec: dict[str, Any]) -> dict[str, Any]:
    """The Vega-Lite `spec` as notebooks keep it: named datasets and views, rounded data, one look, no tool metadata."""
    names = {old: f"data-{i}" for i, old in enumerate(spec.get("datasets", {}), start=1)}
    # Altair calls views by a counter, or by a hash of the chart in which rounding has a part.
    views = {old: f"view_{i}" for i, old in enumerate(dict.fromkeys(_views(spec)))}

    def rename(node: Any) -> Any:
        if isinstance(node, str):
            return views.get(node, node)
        if isinstance(node, dict):
            if set(node) == {"name"} and node["name"] in names:
                return {"name": names[node["name"]]}
            return {key: rounded(item) if key == "domain" else rename(item) for key, item in node.items()}
        if isinstance(node, list):
            return [rename(item) for item in node]
        return node

    body = {key: rename(item) for key, item in spec.items() if key not in ("datasets", "usermeta", "$schema")}
    # What the site's script is told about playing and turning; Altair keeps the options of its own viewer beside it.
    own = {key: value for key, value in spec.get("usermeta", {}).items() if key == "mindgap"}
    if own:
        body["usermeta"] = own
    datasets = {names[old]: rounded(rows) for old, rows in spec.get("datasets", {}).items()}
    return {"$schema": SCHEMA, **body, **({"datasets": datasets} if datasets else {})}


def _views(node: Any) -> list[str]:
    """The names that Altair has given to views, in their order: "view_12"."""
    if isinstance(node, dict):
        name = node.get("name")
        own = [name] if isinstance(name, str) and name.startswith("view_") else []
        return own + [found for key, value in node.items() if key != "datasets" for found in _views(value)]
    if isinstance(node, list):
        return [found for item in node for found in _views(item)]
    return []


def svg(chart: Any, mode: str = "light") -> str:
    """The first state of `chart` as an SVG without a ground, in the colours of the mode "light" or "dark"."""
    import vl_convert

    spec = json.dumps(stored(chart.to_dict()))
    if mode == "dark":
        spec = re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: THEME["dark"].get(found[0].lower(), found[0]), spec)
    config = json.loads(json.dumps(CONFIG))
    for part, look in THEME["palettes"][mode].items():
        config[part] = {**config[part], **look} if isinstance(look, dict) and part in config else look
    drawn: str = vl_convert.vegalite_to_svg({**json.loads(spec), "config": config}, allowed_base_urls=[])
    return drawn


def _theme() -> alt.theme.ThemeConfig:
    return {"config": CONFIG}  # type: ignore[typeddict-item]


def png(spec: dict[str, Any]) -> str:
    """A picture of a stored specification, in its light colours, as base64."""
    import vl_convert

    return base64.b64encode(vl_convert.vegalite_to_png(spec)).decode()


def _render(spec: dict[str, Any], **_options: Any) -> dict[str, Any]:
    shown = {MIME: stored(spec), "text/plain": spec.get("description", "A chart.")}
    if OPEN in os.environ:
        # JupyterLab draws such a picture itself where there is none and saves it, each machine and version its own.
        if find_spec("vl_convert"):
            shown["image/png"] = png(shown[MIME])
        shown[MIME]["$schema"] = ANY_MINOR_VERSION
    return shown


def use_theme() -> None:
    """Give Altair charts in this process the book's look, however they are shown."""
    alt.theme.register("mindgap", enable=True)(_theme)


def enable() -> None:
    """Show Altair charts in this process with the book's look, stored the book's way; no network is used.

    But on Colab, which draws no chart by itself and fetches Vega.
    """
    use_theme()
    alt.renderers.register("mindgap", _render)
    alt.renderers.enable("colab" if "google.colab" in sys.modules else "mindgap")
    alt.data_transformers.enable("default", max_rows=None)
