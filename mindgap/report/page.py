"""A report as one page of HTML that asks for no other file: pictures inside, light and dark, and fit to print."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from mindgap import __version__, _files, geometry, metrics, results
from mindgap._extras import extra
from mindgap._reprs import decimals
from mindgap.report import RECALL_AT, Report

with extra("charts"):
    import jinja2

    from mindgap.charts import report as drawing
    from mindgap.charts import theme
    from mindgap.charts.landscape import temperature_label
    from mindgap.charts.tables import points

__all__ = ["render", "write"]

MOST_LABELS = 20


def write(report: Report, path: str | Path, force: bool = False) -> Path:
    """Write the page, whole or not at all. Raises the errors of `_files.free_path` if it cannot be written there."""
    path = _files.free_path(path, force, ".html")
    _files.write_whole(path, render(report).encode())
    return path


def render(report: Report) -> str:
    """The page. All that comes from files is escaped."""
    first, second = report.pairs.modalities
    d = report.pairs.x.shape[1]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False)
    template = environment.from_string(files("mindgap").joinpath("report/page.html.j2").read_text(encoding="utf-8"))
    names = (first, second)
    return template.render(
        name=report.pairs.name, source=report.pairs.source, first=first, second=second, n=report.n, d=d,
        streamed=report.streamed, looked_at=report.looked_at,
        sample=report.sample, theme=theme.THEME, version=__version__, checks=report.checks,
        failed=[check.name for check in report.checks if check.failed],
        quoted=[(metrics.label(name, names, report.k), _digits(report.measures[name])) for name in metrics.QUOTED],
        figures=list(_figures(report)),
        valleys=[
            {
                "temperature": temperature_label(one.temperature),
                "shift": f"{one.shift:.2f}" + (f" ± {one.spread:.2f}" if one.spread is not None else ""),
                "distance": f"{abs(one.distance):.2f}", "here": f"{one.loss_here:.3f}", "depth": f"{one.depth:.3f}",
            }
            for one in report.valleys
        ],
        columns=[
            "gap distance", "pair distance", f"R@1, {first} to {second}", f"R@1, {second} to {first}",
            f"R@{RECALL_AT} mixed, {first} asks", f"R@{RECALL_AT} mixed, {second} asks",
        ],
        ways=[(way, [_digits(value, 3) for value in row.values()]) for way, row in report.ways.items()],
        labels=_by_label(report),
        measures=[(metrics.label(key, names, report.k), _digits(value), key) for key, value in report.measures.items()],
    )  # fmt: skip


def _digits(value: float, most: int = 4) -> str:
    return f"{value:,}" if isinstance(value, int) else decimals(value, most)


def _by_label(report: Report) -> list[tuple[str, str, str, str]]:
    """Pairs, gap and match of the labels with the most pairs."""
    pairs = report.pairs
    if pairs.labels is None:
        return []
    counted = pd.Series(pairs.labels).value_counts()
    rows = []
    for label, count in counted[counted > 1].head(MOST_LABELS).items():
        chosen = [i for i, one in enumerate(pairs.labels) if one == label]
        x, y = pairs.x[chosen], pairs.y[chosen]
        gap, cosine = geometry.gap_distance(x, y), geometry.matched_cosine(x, y)
        rows.append((str(label), f"{count:,}", f"{gap:.3f}", f"{cosine:.3f}"))
    return rows


def _figures(report: Report) -> Any:
    first, second = report.pairs.modalities
    of = f"{report.n:,} pairs" if report.sample is None else f"a random {report.sample:,} of them"
    x, y = report.points
    yield _figure(
        "Both sets, seen along the gap", drawing.projection(points(x, y), (first, second)),
        f"Across the page the line through the two means, upwards the main axis across it; {len(x)} of the pairs, each "
        "joined by a line.",
    )  # fmt: skip
    within = pd.concat([h.frame().assign(kind=name) for h, name in zip(report.within, (first, second), strict=True)])
    yield _figure(
        "How narrow each cone is", drawing.spreads(within, (first, second)),
        f"Cosines of different rows of one modality: mean {report.within[0].mean:.2f} within {first}, "
        f"{report.within[1].mean:.2f} within {second}. Rows spread evenly over the sphere would have 0. Of {of}.",
    )  # fmt: skip
    kinds = ("matched pairs", "all others")
    across = pd.concat(
        [h.frame().assign(kind=kind) for h, kind in zip((report.matched, report.unmatched), kinds, strict=True)]
    )
    published = pd.DataFrame(json.loads(results.path("published.json").read_text(encoding="utf-8"))["sets"])
    trained = published[~published["name"].str.endswith("random")]
    others = ", ".join(f"{row['name']} {row['matched_cosine']:.2f}" for row in trained.to_dict("records"))
    yield _figure(
        "What a matched pair has, and others have not",
        drawing.spreads(across, kinds, trained.rename(columns={"matched_cosine": "value"})[["name", "value"]]),
        f"Cosines across the modalities: {report.matched.mean:.2f} on average for matched pairs, "
        f"{report.unmatched.mean:.2f} for all others; of {of}. Is that normal? Red ticks: the matched pairs in the "
        f"files that Liang et al. published ({others}).",
    )  # fmt: skip
    frame = report.landscape.frame()
    frame["tau"] = [temperature_label(float(t)) for t in frame["temperature"]]
    here = frame[frame["shift"].abs() < 1e-9].set_index("tau")["loss"]
    frame["rise"] = frame["loss"] - frame["tau"].map(here)
    least = pd.DataFrame(
        {"tau": temperature_label(one.temperature), "shift": one.shift, "rise": -one.depth} for one in report.valleys
    )
    yield _figure(
        "The loss along the gap", drawing.valleys(frame[["tau", "shift", "rise"]], least),
        "The symmetric contrastive loss while both sets are moved along the gap, above its value where they are. "
        f"Points: the least loss at each temperature. Of {of}, as one batch.",
    )  # fmt: skip


def _figure(title: str, chart: Any, caption: str) -> dict[str, str]:
    pictures = {mode: _address(theme.svg(chart, mode)) for mode in ("light", "dark")}
    return {"title": title, "caption": caption, "alt": str(chart.description), **pictures}


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
