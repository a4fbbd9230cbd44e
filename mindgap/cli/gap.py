"""`mindgap gap`: every measure of one set of pairs."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli._messages import one_line_errors, show

_IN_WORDS = ("pairs", "dimension", "distinct_x", "distinct_y")


def gap(
    source: Annotated[
        str,
        typer.Argument(
            help="[b]image.npy,text.npy[/], a folder of shards, or a name such as [b]clip[/], [b]mini[/] or "
            "[b]random:ViT-B-32[/].",
            show_default=False,
        ),
    ],
    other: Annotated[
        str | None, typer.Argument(help="The file of the second modality, if SOURCE is that of the first.")
    ] = None,
    k: Annotated[int, typer.Option("--k", help="Recall at how many.")] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A measure by its name in --json, and nothing else; repeatable. What is left out saves time."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All digits, as one JSON object.")] = False,
) -> None:
    """Measure the modality gap of a set of paired embeddings.

    A second for the paper's features or your own files of a few thousand rows; nothing is written. Where rows are
    repeated, as those of an image with five captions, recall is given twice: with a row's own partner alone as the
    right answer, and grouped, with the partner of any equal row.

    Examples:

        mindgap gap mini
        mindgap gap image.npy text.npy --k 5
        mindgap gap clip --json --only gap_distance
    """
    with one_line_errors():
        from mindgap import _files, metrics, pairs
        from mindgap._reprs import decimals

        loaded = pairs.load_pairs(source if other is None else (source, other))
        names = [*_IN_WORDS, *(only or metrics.MEASURES)]
        report = metrics.report(loaded.x, loaded.y, k, only=names)
    x, y = loaded.modalities
    if as_json:
        about = {"name": loaded.name, "source": loaded.source, "modalities": [x, y], "k": k}
        print(json.dumps({**about, **_files.known(report)}))
        return
    n, different = report["pairs"], [(report["distinct_x"], x), (report["distinct_y"], y)]
    repeated = [f"{count} distinct {modality} rows" for count, modality in different if count < n]
    table = Table(show_header=False)
    for name, value in report.items():
        if name not in _IN_WORDS and (repeated or not name.endswith("_grouped")):
            table.add_row(metrics.label(name, (x, y), k), decimals(value))
    title = f"{loaded.name}: {n} pairs of {x} and {y}, d = {report['dimension']}"
    show(f"{title}; {loaded.source}", table)
    if repeated:
        show(f"{' and '.join(repeated)} among {n}. Right is a row's own partner; grouped, that of any equal row.")
