"""`mindgap gap`: every measure of one set of pairs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli._messages import one_line_errors, show


def gap(
    source: Annotated[
        str,
        typer.Argument(
            help="[b]image.npy,text.npy[/], a folder of shards, or a name such as [b]clip[/], [b]mini[/] or "
            "[b]random:ViT-B-32[/].",
            show_default=False,
        ),
    ],
    k: Annotated[int, typer.Option("--k", help="Recall at how many.")] = 1,
) -> None:
    """Measure the modality gap of a set of paired embeddings.

    A second for the paper's features or your own files of a few thousand rows; nothing is written.

    Examples:

        mindgap gap mini
        mindgap gap image.npy,text.npy --k 5
    """
    with one_line_errors():
        from mindgap import geometry, pairs

        loaded = pairs.load_pairs(source)
        x, y = loaded.x.double(), loaded.y.double()
        first, second = loaded.modalities
        rows = {
            "gap distance": geometry.gap_distance(x, y),
            "separable along the gap": geometry.separability(x, y),
            f"mean cosine within {first}": geometry.mean_cosine(x),
            f"mean cosine within {second}": geometry.mean_cosine(y),
            "mean cosine across, unmatched pairs": geometry.mean_cosine(x, y),
            "mean cosine across, matched pairs": geometry.matched_cosine(x, y),
            f"R@{k}, {first} to {second}": geometry.recall_at_k(x, y, k),
            f"R@{k}, {second} to {first}": geometry.recall_at_k(y, x, k),
            f"R@{k} by chance": k / len(loaded),
        }
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, f"{value:.4f}")
    show(f"{loaded.name}: {len(loaded)} pairs; {loaded.source}", table)
