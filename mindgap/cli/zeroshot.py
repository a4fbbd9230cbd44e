"""`mindgap zeroshot`: classification by prompts, and what a shift along the gap does to it."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli._messages import show
from mindgap.cli._options import AsJson, Seed


def zeroshot(
    folder: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            help="What [b]mindgap embed[/] wrote of images whose captions name their classes.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Classify images by the nearest of the captions, unshifted and moved along the gap, as Table 1 of the paper does.

    Each image has one caption, and equal captions are one class: "a photo of a cat." for all cats. The best shift is
    told twice: as the paper has it, chosen on the images that it is asked on, and chosen on one half of them and asked
    on the other.

    Examples:

        mindgap zeroshot results/cifar10
        mindgap zeroshot results/cifar100 --json
    """
    from mindgap import embedding, pairs
    from mindgap import zeroshot as numbers
    from mindgap.theorems import binomial_interval

    captions = embedding.class_captions(folder)
    found = pairs.load_pairs(folder)
    weights, labels, classes = numbers.caption_classes(found.y, captions)
    path = numbers.along_the_gap(found.x, weights)
    right, n = path.accuracy(labels), len(found)
    here, best = int(path.shifts.abs().argmin()), int(right.argmax())
    choice = numbers.choose_shift(path, labels, seed=seed)
    low, high = binomial_interval(round(float(right[here]) * n), n)
    if as_json:
        content = {
            "name": found.name, "source": found.source, "images": n, "classes": list(classes),
            "accuracy": float(right[here]), "interval": [low, high],
            "best": {"shift": float(path.shifts[best]), "accuracy": float(right[best])},
            "chosen": {**vars(choice), "gain": choice.gain},
            "along": {
                "shift": path.shifts.tolist(), "distance": path.distance.tolist(), "accuracy": right.tolist(),
            },
        }  # fmt: skip
        print(json.dumps(content))
        return
    table = Table("", "shift", "accuracy", "gain")
    table.add_row("unshifted", "0", f"{float(right[here]):.4f} ({low:.4f} to {high:.4f})", "")
    table.add_row(
        "best shift, on the same images",
        f"{float(path.shifts[best]):g}",
        f"{float(right[best]):.4f}",
        f"{float(right[best] - right[here]):+.4f}",
    )
    table.add_row("chosen on one half, on the other", f"{choice.shift:g}", f"{choice.test:.4f}", f"{choice.gain:+.4f}")
    show(f"{found.name}: {n:,} images of {len(classes)} classes; {found.source}", table)
