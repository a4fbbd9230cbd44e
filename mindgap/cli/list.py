"""`mindgap list`: the names that there are."""

from __future__ import annotations

import json

from rich import box
from rich.markup import escape
from rich.table import Table

from mindgap.cli._messages import show
from mindgap.cli._options import AsJson


def list_names(as_json: AsJson = False) -> None:
    """List what has a name: embeddings that other commands take, and stored results of experiments.

    Nothing is downloaded; the authors' files that are here are verified.

    Examples:

        mindgap list
        mindgap list --json
    """
    sources, results = _sources(), _results()
    if as_json:
        print(json.dumps({"sources": sources, "results": results}))
        return
    show("Embeddings, for gap, report, landscape and shift:", _table(sources, ("name", "what", "where")))
    show("Stored results, for show; each by mindgap sweep or mindgap cones:", _table(results, ("name", "what")))


def _sources() -> list[dict[str, str]]:
    """Every name of embeddings, what it is, and where it is."""
    from mindgap import miniclip, pairs

    rows = [
        {"name": name, "what": pairs.description(name), "where": pairs.whereabouts(name)}
        for name in pairs.feature_names()
    ]
    here, fresh = "comes with the package", "made when asked for"
    scenes = "on drawn scenes"
    rows.append(
        {"name": "mini", "what": f"our small CLIP {scenes}, trained at temperature {miniclip.FIRST}", "where": here}
    )
    for temperature in miniclip.shipped():
        rows.append({"name": f"mini@{temperature}", "what": f"the one trained at {temperature}", "where": here})
    rows += [
        {"name": "mini@FILE", "what": f"a model of `mindgap train` {scenes}", "where": "your file"},
        {"name": "random:ViT-B-32", "what": "any architecture of open_clip, untrained", "where": fresh},
        {
            "name": "open_clip:ViT-B-32/openai",
            "what": "any trained model, on your images (--data)",
            "where": "Hugging Face",
        },
    ]
    return rows


def _results() -> list[dict[str, str]]:
    """The results that come with the package and that `mindgap show` tells."""
    from mindgap import experiments, results

    there, rows = results.names(), []
    if "cones.json" in there:
        rows.append({"name": "cones.json", "what": "25 seeds of three untrained towers"})
    for name, make in experiments.EXPERIMENTS.items():
        file = f"sweep_{name}.json"
        what = " ".join((make.__doc__ or "").split()).partition(": ")[2].rstrip(".")
        rows.append({"name": file if file in there else f"{file} (mindgap sweep {name})", "what": what})
    return rows


def _table(rows: list[dict[str, str]], columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, no_wrap=column != "what")
    for row in rows:
        table.add_row(*(escape(row[name]) for name in columns))
    return table
