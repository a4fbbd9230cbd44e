"""`mindgap shift`: embeddings moved along their gap, as a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from mindgap.cli import _outputs, _sources
from mindgap.cli._messages import bars, show, steps
from mindgap.cli._options import AsCsv, AsJson, Data, Device, N, Quiet, Replace, Seed, Sources

if TYPE_CHECKING:
    from mindgap.pairs import PairedEmbeddings

_MEASURES = ("gap_distance", "pair_distance", "matched_cosine", "recall_xy", "recall_yx")


def shift(
    source: Sources,
    by: Annotated[
        float,
        typer.Option(
            help="λ: 0 leaves them, .5 lets the centres meet, 1 makes them change sides, below 0 widens the gap."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Write the moved embeddings there, [b].npz[/] or [b].safetensors[/]."),
    ],
    n: N = None,
    seed: Seed = 0,
    device: Device = "auto",
    data: Data = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    force: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Move both sides of a set of pairs along its gap and back onto the sphere, and write them (section 4.2).

    Says what that does to the gap and to recall. The file holds both sides as float32, and is a source like others.

    Examples:

        mindgap shift clip --by .5 -o closed.npz
        mindgap shift image.npy text.npy --by -.25 -o wider.safetensors
        mindgap gap clip closed.npz
    """
    _outputs.one_form(as_json, as_csv, None)
    with _outputs.claimed(output, force, ".npz", ".safetensors") as path:
        from mindgap import _files, geometry
        from mindgap.pairs import PairedEmbeddings

        assert path is not None
        pairs = _sources.loaded(_sources.one_named(source, "shift"), n, seed, device, data, bars(quiet))
        x, y = geometry.shift(pairs.x, pairs.y, by)
        moved = PairedEmbeddings(x, y, path.name, pairs.modalities, f"{pairs.source}, shifted by {by:g}")
        with steps(2 * len(_MEASURES), quiet) as begin:
            before, after = ({"pairs": len(one), **_measures(one, seed, begin)} for one in (pairs, moved))
        _files.write_whole(path, _file(moved, path.suffix))
    if as_json or as_csv:
        content = {"name": pairs.name, "source": pairs.source, "shift": by, "output": str(path)}
        rows = [{"shift": amount, **row} for amount, row in ((0.0, before), (by, after))]
        _outputs.give({**content, "before": before, "after": after}, rows, as_csv, None)
    else:
        _show(pairs, by, path, before, after)


def _measures(pairs: PairedEmbeddings, seed: int, begin: Any) -> dict[str, float]:
    """What the shift changes; of many rows recall comes from a sample."""
    from mindgap import metrics

    if len(pairs) <= metrics.EXACT:
        return metrics.report(pairs.x, pairs.y, 1, _MEASURES, begin)
    found = metrics.report(pairs.x, pairs.y, 1, [name for name in _MEASURES if name in metrics.LINEAR], begin)
    sampled = [name for name in _MEASURES if name not in metrics.LINEAR]
    estimates = metrics.estimates(pairs.x, pairs.y, 1, sampled, seed, begin)
    return {**found, **{name: one.value for name, one in estimates.items()}}


def _file(pairs: PairedEmbeddings, suffix: str) -> bytes:
    """Both sides under names that `load_pairs` knows."""
    sides = pairs.modalities if pairs.modalities == ("image", "text") else ("x", "y")
    tensors = {name: rows.float().cpu().contiguous() for name, rows in zip(sides, (pairs.x, pairs.y), strict=True)}
    if suffix == ".safetensors":
        import safetensors.torch

        written: bytes = safetensors.torch.save(tensors)
        return written
    import numpy as np

    out = io.BytesIO()
    np.savez(out, **{name: rows.numpy() for name, rows in tensors.items()})  # type: ignore[arg-type, unused-ignore]
    return out.getvalue()


def _show(pairs: PairedEmbeddings, by: float, path: Path, before: dict[str, float], after: dict[str, float]) -> None:
    from mindgap import metrics
    from mindgap._reprs import decimals

    table = Table("", "before", "after")
    for name in _MEASURES:
        table.add_row(metrics.label(name, pairs.modalities), decimals(before[name]), decimals(after[name]))
    many = "; recall is that of 1,000 random rows among all" if len(pairs) > metrics.EXACT else ""
    show(f"{path}: {len(pairs):,} pairs of {pairs.name}, shifted by {by:g}{many}", table)
