"""`mindgap landscape`: the loss along the gap, and where it is least."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mindgap.cli import _outputs, _sources
from mindgap.cli._messages import bars, show, steps
from mindgap.cli._options import (
    AsCsv,
    AsJson,
    Data,
    Device,
    N,
    Quiet,
    Replace,
    Seed,
    Sources,
    Temperatures,
    temperatures_of,
)

if TYPE_CHECKING:
    from mindgap.landscape import Landscape
    from mindgap.pairs import PairedEmbeddings
    from mindgap.report import Valley


def landscape(
    source: Sources,
    temperatures: Temperatures = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="The loss of consecutive batches of so many pairs, in place of all at once. Fewer negatives make a "
            "smaller loss.",
            show_default=False,
        ),
    ] = None,
    n: N = None,
    seed: Seed = 0,
    device: Device = "auto",
    data: Data = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write there instead: a figure to play with, [b].html[/], or all digits, [b].json[/] or [b].csv[/].",
            show_default=False,
        ),
    ] = None,
    force: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Move both sides along the gap, and say at which shift the contrastive loss is least, at each temperature.

    Shift 0 is where the embeddings are, ½ where the two centres meet, 1 where they have changed sides. The depth is
    what moving there would gain: a depth near 0 says that the loss does not care. Seconds for 1,000 pairs, a minute or
    so for 5,000 on two cores; of more than 20,000 the place comes from four random samples of 5,000, with its spread.

    Examples:

        mindgap landscape clip
        mindgap landscape image.npy text.npy --temperatures .01,1/20 --batch-size 50
        mindgap landscape clip mini --output plot.html
    """
    _outputs.one_form(as_json, as_csv, output)
    chosen = temperatures_of(temperatures)
    with _outputs.claimed(output, force, ".html", ".json", ".csv") as path:
        from mindgap import report

        if path is not None and path.suffix == ".html":
            from mindgap.report import landscapes
        found: dict[str, tuple[PairedEmbeddings, Landscape, tuple[Valley, ...], int | None]] = {}
        for pairs in _sources.each(source, n, seed, device, data, bars(quiet)):
            with steps(1 + len(chosen), quiet) as begin:
                along = report.along_the_gap(pairs, chosen, batch_size, seed, begin)
            found[_free_name(pairs.name, found)] = (pairs, *along)
        if path is not None and path.suffix == ".html":
            landscapes.write({name: curve for name, (_, curve, *_) in found.items()}, path, force)
            show(f"{path}: the loss along the gap of {', '.join(found)}; a browser shows it, without a network")
        elif as_json or as_csv or path is not None:
            contents = [_content(name, *one, batch_size) for name, one in found.items()]
            rows = [{"name": one["name"], **row} for one in contents for row in one["valleys"]]
            _outputs.give(contents if len(contents) > 1 else contents[0], rows, as_csv, path)
            if path is not None:
                show(f"{path}: {', '.join(found)}")
        else:
            _show(found, batch_size)


def _free_name(name: str, taken: dict[str, Any]) -> str:
    """`name`, numbered if it is taken: two files in two folders have one name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _content(
    name: str,
    pairs: PairedEmbeddings,
    curve: Landscape,
    valleys: Sequence[Valley],
    sample: int | None,
    batch_size: int | None,
) -> dict[str, Any]:
    return {
        "name": name,
        "source": pairs.source,
        "modalities": list(pairs.modalities),
        "pairs": len(pairs),
        "sample": sample,
        "batch_size": batch_size,
        "valleys": [one.as_row() for one in valleys],
        "shifts": curve.shifts.tolist(),
        "distance": curve.distance.tolist(),
        "temperatures": curve.temperatures.tolist(),
        "image_to_text": curve.image_to_text.tolist(),
        "text_to_image": curve.text_to_image.tolist(),
    }


def _show(found: dict[str, Any], batch_size: int | None) -> None:
    """A table of all valleys, and what they are of."""
    table = Table(title=None)
    if several := len(found) > 1:
        table.add_column("source", overflow="fold")
    for column in ("temperature", "best shift", "distance there", "loss there", "loss here", "depth"):
        table.add_column(column, justify="right")
    for name, (_, _, valleys, _) in found.items():
        for one in valleys:
            spread = "" if one.spread is None else f" ± {one.spread:.2f}"
            numbers = [f"{abs(one.distance):.3f}", *(f"{v + 0.0:.4f}" for v in (one.loss, one.loss_here, one.depth))]
            table.add_row(*[escape(name)] * several, f"{one.temperature:.4g}", f"{one.shift:.3f}{spread}", *numbers)
    for name, (pairs, _, _, sample) in found.items():
        of = f"{len(pairs):,} pairs" if sample is None else f"four random samples of {sample:,} of {len(pairs):,} pairs"
        batch = "all at once" if batch_size is None else f"in batches of {batch_size:,}"
        show(f"{name}: {of}, {batch}; {pairs.source}")
    show(
        "Shift 0 is here, ½ where the centres meet; losses in nats; depth is what moving to the best shift gains.",
        table,
    )
