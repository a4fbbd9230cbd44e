"""`mindgap cones`: every seed its own cone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli import _outputs
from mindgap.cli._messages import bars, going_on_later, say, show
from mindgap.cli._options import Device, Force, Quiet, from_fields
from mindgap.recipe import SeedsRecipe


@from_fields(SeedsRecipe, "recipe", flags={"towers": "--tower"})
def cones(
    recipe: SeedsRecipe,
    out: Annotated[Path, typer.Option(help="File to write, [b].json[/].")] = Path("cones.json"),
    device: Device = "auto",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Embed the same inputs with many untrained networks: every seed its own cone.

    With the defaults: 25 seeds of ResNet-18 and of both towers of ViT-B-32, on noise and on drawn scenes; 7 minutes on
    two CPU cores, 2 GB of memory, no download, a file of 0.2 MB. An interrupted run goes on where it stopped when the
    same command is given again.

    Examples:

        mindgap cones
        mindgap cones --out five.json --seeds 5 --inputs noise
        mindgap cones --out rn50.json --tower RN50:image --tower RN50:text
    """
    with _outputs.claimed(out, force, ".json"):
        from mindgap import seeds

        if done := len(seeds.embedded(recipe, out, force)) // len(recipe.towers):
            say(f"resuming: {done} of {recipe.seeds * len(recipe.inputs)} initialisations are done")
        with going_on_later(out):
            result = seeds.run(recipe, out, force, device, progress=bars(quiet))
    table = Table("inputs", "tower", "mean cosine, least to most over seeds", "share of variance by seed")
    for kind, clouds in result["clouds"].items():
        for name, cloud in clouds.items():
            means = [cosines["mean"] for cosines in cloud["cosines"]]
            table.add_row(kind, name, f"{min(means):.4f} to {max(means):.4f}", f"{cloud['variance_share']:.3f}")
    show(f"{out}: {recipe.seeds} seeds, {recipe.n} inputs", table)
