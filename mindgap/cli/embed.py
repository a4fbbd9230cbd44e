"""`mindgap embed`: a pre-trained model over many captioned images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli._messages import INTERRUPTED, bars, say, show
from mindgap.cli._options import Device, Quiet


def embed(
    model: Annotated[str, typer.Option(help="A model of open_clip, such as [b]ViT-B-32[/].", show_default=False)],
    data: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="Captioned images: a folder, a CSV table, a COCO captions [b].json[/], or webdataset archives (a "
            "[b].tar[/], a folder of them, a pattern in quotes).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.", show_default=False)],
    pretrained: Annotated[
        str | None,
        typer.Option(help="Published weights, such as [b]openai[/], or a .safetensors file.", show_default=False),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Your own copy of the file of these weights, in place of the hub's.", show_default=False),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="The folder of the images that a COCO file names.", show_default=False)
    ] = None,
    captions: Annotated[
        str, typer.Option(help="Which captions of an image: [b]first[/], [b]last[/] or [b]all[/].")
    ] = "first",
    batch_size: Annotated[int, typer.Option(help="Images at once.")] = 64,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that read images ahead; none on the CPU, up to 8 with a GPU.", show_default=False),
    ] = None,
    shard_rows: Annotated[int, typer.Option(help="Pairs in a shard, the most that a kill costs.")] = 1000,
    precision: Annotated[
        str,
        typer.Option(
            help="[b]float32[/], or on CUDA [b]bfloat16[/] or [b]float16[/]; [b]auto[/] is bfloat16 there, and float32 "
            "elsewhere."
        ),
    ] = "auto",
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace the embeddings that are in DIR.")] = False,
    quiet: Quiet = False,
) -> None:
    """Embed captioned images with a pre-trained model, into a folder that every command here takes as a source.

    The same command, given again after a kill or Ctrl-C at any point, goes on with the shards that are missing. Images
    that cannot be used are skipped, counted, and listed in DIR/skipped.csv; DIR/manifest.json says what made the
    numbers. Published weights are fetched once, from the Hugging Face hub. On the CPU, ViT-B-32 takes 0.15 s of
    processor time a pair, and 2 GB of memory.

    Examples:

        mindgap embed --model ViT-B-32 --pretrained openai --data photos --out mine
        mindgap embed --model ViT-B-32 --pretrained openai --data captions_val2017.json --images val2017 --out coco
        mindgap embed --model ViT-B-32 --pretrained openai --data 'part-{000..099}.tar' --captions all --out many
    """
    from mindgap import _embedded, _files, embedding

    bar = bars(quiet)
    try:
        found = embedding.embed(
            model, pretrained, data, out, weights=weights, images=images, captions=captions, batch_size=batch_size,
            workers=workers, shard_rows=shard_rows, precision=precision, device=device, force=force, progress=bar,
            log=None if quiet or bar else say,
        )  # fmt: skip
    except KeyboardInterrupt:
        whole = any((_files.user_path(out, "out") / _embedded.RECORDS).glob("shard_*.json"))
        say(
            f"interrupted; the same command goes on from the shards in {out}"
            if whole
            else "interrupted before anything was saved"
        )
        raise typer.Exit(INTERRUPTED) from None
    if not found.complete:
        say(f"{found.folder}: {found.shards} of {found.planned} shards are there; others are still at work")
        return
    table = Table("pairs", "images", "skipped", "captions cut", "shards")
    table.add_row(*(f"{n:,}" for n in (found.rows, found.images, found.skipped, found.cut, found.shards)))
    recipe = found.manifest["recipe"]
    show(f"{found.folder}: {embedding.named(recipe)} in {recipe['precision']} on {found.manifest['source']}", table)
    show(f"Measure it: mindgap gap {found.folder}")
