"""The chart of an explorer: drawn once, then moved and filled anew in place."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import altair as alt
import anywidget
import traitlets
import vl_convert

from mindgap.charts import theme


def _style() -> str:
    """The style sheet, after the colours of the theme that it names, in Jupyter's light and dark."""
    named = {"neutral": theme.NEUTRAL, "wrong": theme.WRONG}
    colours = {
        "body": named,
        'body[data-jp-theme-light="false"]': {name: theme.THEME["dark"][colour] for name, colour in named.items()},
    }
    rules = [
        f"{which} {{ {' '.join(f'--mindgap-{name}: {colour};' for name, colour in each.items())} }}"
        for which, each in colours.items()
    ]
    sheet = files("mindgap").joinpath("widgets/figure.css").read_text(encoding="utf-8")
    return "\n".join([*rules, sheet])


@cache
def _script() -> str:
    """What draws a figure in the notebook's page, with a copy of Vega in it, so that nothing is fetched."""
    shared = files("mindgap").joinpath("charts/js")
    parts = [shared.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in ("looks", "fit", "paint", "hint")]
    own = files("mindgap").joinpath("widgets/figure.js").read_text(encoding="utf-8")
    bundle: str = vl_convert.javascript_bundle("\n".join([f"const THEME = {json.dumps(theme.THEME)};", *parts, own]))
    return bundle


@dataclass(frozen=True)
class Picture:
    """A chart in the three parts in which a figure shows it: `spec` has neither `data` nor the values of `params`."""

    spec: dict[str, Any]
    data: dict[str, list[dict[str, Any]]]
    params: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, chart: alt.TopLevelMixin) -> Picture:
        """The parts of a chart, which take a while to be made: best not on the kernel's loop."""
        spec = theme.stored(chart.to_dict())
        data = spec.pop("datasets", {})
        params = {one["name"]: one["value"] for one in spec.get("params", []) if "select" not in one and "value" in one}
        kept = [{**one, "value": 0} if one["name"] in params else one for one in spec.get("params", [])]
        return cls({**spec, "params": kept}, data, params)

    def whole(self, params: dict[str, Any]) -> dict[str, Any]:
        """One Vega-Lite specification of it all, with these values of parameters."""
        values = {**self.params, **params}
        own = [{**one, "value": values.get(one["name"], one.get("value"))} if "select" not in one else one
               for one in self.spec.get("params", [])]  # fmt: skip
        return {**self.spec, "datasets": self.data, "params": own}


class Figure(anywidget.AnyWidget):
    """A chart in a notebook. `show` draws a picture, in place where only its data or its parameters are others."""

    spec = traitlets.Dict().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    params = traitlets.Dict().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    """The lines of Python that compute what is shown; offered for copying unless empty."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        if "_esm" not in vars(Figure):  # made when first needed: it takes a second or two
            Figure._esm = _script()
            Figure._css = _style()
        super().__init__()

    def show(self, picture: Picture, **params: Any) -> None:
        """Show a picture, with other values of its parameters."""
        self.picture = picture
        with self.hold_sync():
            self.spec, self.data, self.params = picture.spec, picture.data, {**picture.params, **params}

    def clear(self) -> None:
        """Show nothing."""
        self.show(Picture({}, {}))
        self.picture = None

    def move(self, **params: Any) -> None:
        """Set parameters of what is shown."""
        self.params = {**self.params, **params}

    def png(self, apart: bool = False) -> str:
        """What is shown, in its light colours, as the address of a PNG; "" if nothing is.

        With `apart` it is made by a process of its own: a thread would not do, since the kernel could answer nothing
        for the second that it takes.
        """
        if self.picture is None:
            return ""
        spec = {**self.picture.whole(self.params), "config": theme.CONFIG}
        return "data:image/png;base64," + (_made_apart(spec) if apart else theme.png(spec))


_MAKE = """
import base64, json, sys, vl_convert
sys.stdout.write(base64.b64encode(vl_convert.vegalite_to_png(json.load(sys.stdin))).decode())
"""  # as theme.png does, without the import of all charts


def _made_apart(spec: dict[str, Any]) -> str:
    asked = [sys.executable, "-c", _MAKE]
    return subprocess.run(asked, input=json.dumps(spec), stdout=subprocess.PIPE, text=True, check=True).stdout
