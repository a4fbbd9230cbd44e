"""`mindgap cones`: every seed its own cone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mindgap.cli import _dry, _outputs
from mindgap.cli._messages import bars, going_on_later, say, show
from mindgap.cli._options import Device, DryRun, Force, Quiet, from_fields
from mindgap.recipe import SeedsRecipe


@from_fields(SeedsRecipe, "recipe", flags={"towers": "--tower"})
def cones(
    recipe: SeedsRecipe,
    out: Annotated[Path, typer.Option(help="File to write, [b].json[/].")] = Path("cones.json"),
    device: Device = "auto",
    force: Force = False,
    dry_run: DryRun = False,
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
        mindgap cones --seeds 100 --dry-run
    """
    if dry_run:
        _say_what_would_be(recipe, out, device, force)
        return
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


def _say_what_would_be(recipe: SeedsRecipe, out: Path, device: str, force: bool) -> None:
    where = _dry.file(out, force, ".json")
    from mindgap import devices, seeds

    on, there = devices.usable(device), seeds.embedded(recipe, out, force)
    missing = {
        kind: sum(f"{kind}/{seed}/{recipe.towers[-1]}" not in there for seed in range(recipe.seeds))
        for kind in recipe.inputs
    }
    total = recipe.seeds * len(recipe.inputs)
    resuming = f", {total - sum(missing.values())} of {total} done" if sum(missing.values()) < total else ""
    kinds = " and ".join(recipe.inputs)
    what = f"{recipe.seeds} seeds of {', '.join(recipe.towers)} on {recipe.n} inputs each of {kinds}{resuming}, on {on}"
    umap = "; UMAP comes on top" if recipe.umap else ""
    _dry.say(what, where, _dry.of_seeds(recipe, on, missing), f"one seed on some inputs{umap}")
