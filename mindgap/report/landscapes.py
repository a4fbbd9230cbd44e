"""Loss landscapes as a page of their own: chapter 4's figure of any embeddings, which asks for no other file."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

from mindgap import _files
from mindgap._extras import extra
from mindgap.landscape import Landscape

with extra("charts"):
    import vl_convert

    from mindgap import charts
    from mindgap.charts import tables, theme

__all__ = ["render", "write"]

_TITLE = "The loss along the gap"
_PLACE = '<div id="vega-chart"'  # where vl-convert puts the chart


def write(found: Mapping[str, Landscape], path: str | Path, force: bool = False) -> Path:
    """Write the page, whole or not at all. Raises the errors of `_files.free_path` if it cannot be written there."""
    path = _files.free_path(path, force, ".html")
    _files.write_whole(path, render(found).encode())
    return path


def render(found: Mapping[str, Landscape]) -> str:
    """The page: `charts.landscape_curves` of landscapes by the name of their set, with Vega inside."""
    named: dict[str | tuple[str, str], Landscape] = dict(found.items())
    chart = charts.landscape_curves(*tables.landscapes(named))
    page: str = vl_convert.vegalite_to_html(theme.stored(chart.to_dict()), bundle=True, config=theme.CONFIG)
    names = html.escape(", ".join(found))
    style = f"body {{ font-family: {theme.FONT}; margin: 1.5rem; }} h1 {{ font-size: 1.3rem; }}"
    head = f'<meta charset="utf-8"><title>{_TITLE}: {names}</title><style>{style}</style>'
    page = page.replace("<head>", f"<head>{head}", 1)
    return page.replace(_PLACE, f"<h1>{_TITLE}: {names}</h1>{_PLACE}", 1)
