"""`mindgap landscape`: the loss along the gap, and where it is least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mindgap.cli import _outputs, _sources
from mindgap.cli._messages import bars, passes, say, show, steps
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
    State,
    Stream,
    Temperatures,
    temperatures_of,
)

if TYPE_CHECKING:
    from mindgap.landscape import Landscape
    from mindgap.pairs import PairedEmbeddings, Shards
    from mindgap.report import Valley
    from mindgap.stream import SampledLandscape


def landscape(
    source: Sources,
    temperatures: Temperatures = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="The loss of consecutive batches of so many pairs, in place of all at once; of a stream, of random "
            "ones. Fewer negatives make a smaller loss.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            help="Of a stream: so many random rows of each side, each against all of the other (1,000); with "
            "--batch-size, so many in all.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            help="Of a stream: as many rows as make the losses in the table certain to ± so many nats.",
            show_default=False,
        ),
    ] = None,
    n: N = None,
    stream: Stream = None,
    state: State = None,
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

    Shards larger than memory are streamed: the loss of all pairs in one batch is estimated from random rows, each
    against all of the other side, with 95 % intervals; --batch-size asks for the loss of random batches instead, which
    is another quantity. torchrun shares the work among processes and machines.

    Examples:

        mindgap landscape clip
        mindgap landscape image.npy text.npy --temperatures .01,1/20 --batch-size 50
        mindgap landscape clip mini --output plot.html
        mindgap landscape shards --stream --precision .02 --state kept.safetensors
    """
    _outputs.one_form(as_json, as_csv, output)
    chosen = temperatures_of(temperatures)
    with _outputs.claimed(output if _sources.first() else None, force, ".html", ".json", ".csv") as path:
        from mindgap import report

        if path is not None and path.suffix == ".html":
            from mindgap.report import landscapes
        sources = _sources.named(source)
        if state is not None and len(sources) > 1:
            raise ValueError(f"--state: expected one source, got {len(sources)}; each needs a file of its own")
        given = {"--rows": rows, "--precision": precision, "--state": state}
        needed = next((name for name, value in given.items() if value is not None), None)
        in_memory = "--n" if n is not None else "--data" if data is not None else None
        found: dict[str, _Exact | _Sampled] = {}
        for one in sources:
            shards = _sources.to_stream(one, stream, needed, in_memory)
            if shards is not None:
                name = _free_name(shards.name, found)
                found[name] = _streamed(shards, chosen, rows, precision, batch_size, seed, state, device, quiet)
                continue
            pairs = _sources.loaded(one, n, seed, device, data, bars(quiet))
            with steps(1 + len(chosen), quiet) as begin:
                along = report.along_the_gap(pairs, chosen, batch_size, seed, begin)
            found[_free_name(pairs.name, found)] = _Exact(pairs, *along, batch_size)
        if not _sources.first():
            return
        if path is not None and path.suffix == ".html":
            landscapes.write({name: one.curve for name, one in found.items()}, path, force)
            show(f"{path}: the loss along the gap of {', '.join(found)}; a browser shows it, without a network")
        elif as_json or as_csv or path is not None:
            contents = [{"name": name, **one.content()} for name, one in found.items()]
            lines = [{"name": one["name"], **row} for one in contents for row in one["valleys"]]
            _outputs.give(contents if len(contents) > 1 else contents[0], lines, as_csv, path)
            if path is not None:
                show(f"{path}: {', '.join(found)}")
        else:
            _show({name: one for name, one in found.items() if isinstance(one, _Exact)})
            for name, sampled in found.items():
                if isinstance(sampled, _Sampled):
                    _show_sampled(name, sampled)
        for name, sampled in found.items():
            if isinstance(sampled, _Sampled) and not sampled.found.reached:
                say(f"{name}: {sampled.found.rows:,} rows, the most there may be, do not reach ± {precision:g}")


@dataclass(frozen=True)
class _Exact:
    """What was found of pairs in memory."""

    pairs: PairedEmbeddings
    curve: Landscape
    valleys: Sequence[Valley]
    sample: int | None
    batch_size: int | None

    def content(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "source": self.pairs.source,
            "modalities": list(self.pairs.modalities),
            "pairs": len(self.pairs),
            "sample": self.sample,
            "batch_size": self.batch_size,
            "valleys": [one.as_row() for one in self.valleys],
            **_curve(self.curve),
        }


@dataclass(frozen=True)
class _Sampled:
    """What was found of a stream."""

    shards: Shards
    found: SampledLandscape

    @property
    def curve(self) -> Landscape:
        """The estimates."""
        return self.found.landscape

    def content(self) -> dict[str, Any]:
        """All of it for JSON."""
        from mindgap import _files

        found = self.found
        valleys = [_files.known(one.as_row()) for one in found.valleys]
        return {
            "source": self.shards.source,
            "modalities": list(self.shards.modalities),
            "pairs": found.pairs,
            "rows": found.rows,
            "batch_size": found.batch_size,
            "quantity": found.quantity,
            "level": found.level,
            "precision": found.precision,
            "reached": found.reached,
            "valleys": valleys,
            **_curve(found.landscape),
            "half_image_to_text": found.half_image_to_text.tolist(),
            "half_text_to_image": found.half_text_to_image.tolist(),
            "half": found.half.tolist(),
        }


def _curve(curve: Landscape) -> dict[str, Any]:
    return {
        "shifts": curve.shifts.tolist(),
        "distance": curve.distance.tolist(),
        "temperatures": curve.temperatures.tolist(),
        "image_to_text": curve.image_to_text.tolist(),
        "text_to_image": curve.text_to_image.tolist(),
    }


def _streamed(
    shards: Shards,
    temperatures: Sequence[float],
    rows: int | None,
    precision: float | None,
    batch_size: int | None,
    seed: int,
    state: Path | None,
    device: str,
    quiet: bool,
) -> _Sampled:
    """The loss along the gap of shards that are read a part at a time, by however many processes."""
    from mindgap import stream

    with stream.joined() as ranks, passes(quiet or not ranks.first) as at:
        found = stream.landscape(
            shards, None, temperatures, rows, precision, batch_size, seed, state, device, ranks, at
        )
    return _Sampled(shards, found)


def _free_name(name: str, taken: dict[str, Any]) -> str:
    """`name`, numbered if it is taken: two files in two folders have one name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _show(found: Mapping[str, _Exact]) -> None:
    """A table of all valleys, and what they are of."""
    if not found:
        return
    table = Table(title=None)
    if several := len(found) > 1:
        table.add_column("source", overflow="fold")
    for column in ("temperature", "best shift", "distance there", "loss there", "loss here", "depth"):
        table.add_column(column, justify="right")
    for name, of in found.items():
        for one in of.valleys:
            spread = "" if one.spread is None else f" ± {one.spread:.2f}"
            numbers = [f"{abs(one.distance):.3f}", *(f"{v + 0.0:.4f}" for v in (one.loss, one.loss_here, one.depth))]
            table.add_row(*[escape(name)] * several, f"{one.temperature:.4g}", f"{one.shift:.3f}{spread}", *numbers)
    for name, of in found.items():
        n, sample = len(of.pairs), of.sample
        rows = f"{n:,} pairs" if sample is None else f"four random samples of {sample:,} of {n:,} pairs"
        batch = "all at once" if of.batch_size is None else f"in batches of {of.batch_size:,}"
        show(f"{name}: {rows}, {batch}; {of.pairs.source}")
    show(f"{_AXIS}; losses in nats; depth is what moving to the best shift gains.", table)


def _show_sampled(name: str, of: _Sampled) -> None:
    """A table of the valleys of a stream, each number with its interval."""
    table = Table(title=None)
    for column in ("temperature", "best shift", "distance there", "loss there", "loss here", "depth"):
        table.add_column(column, justify="right")
    for one in of.found.valleys:
        losses = ((one.loss, one.loss_half), (one.loss_here, one.here_half), (one.depth, one.depth_half))
        table.add_row(
            f"{one.temperature:.4g}", f"{one.shift:.3f}\n{one.low:.3f} to {one.high:.3f}", f"{abs(one.distance):.3f}",
            *(f"{value + 0.0:.4f}\n± {half:.2g}" for value, half in losses),
        )  # fmt: skip
    show(f"{name}: {of.found.quantity}; {of.shards.source}")
    show(
        f"{_AXIS}; losses in nats; below each number its 95 % interval. The gap and the distances are those of all "
        "pairs.",
        table,
    )


_AXIS = "Shift 0 is here, ½ where the centres meet"
