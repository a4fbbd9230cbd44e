"""`mindgap train`: a small CLIP of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindgap._files import SUFFIX
from mindgap.cli import _dry, _outputs
from mindgap.cli._messages import bars, going_on_later, say
from mindgap.cli._options import Device, DryRun, Force, Quiet, from_fields
from mindgap.recipe import Recipe


@from_fields(Recipe, "recipe")
def train(
    recipe: Recipe,
    out: Annotated[Path, typer.Argument(help="Checkpoint to write, ending in [b].safetensors[/].", show_default=False)],
    device: Device = "auto",
    save_every: Annotated[int, typer.Option(help="Steps between saves of the unfinished run.")] = 100,
    force: Force = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Train a small CLIP on drawn scenes and write it to OUT.

    With the defaults: under 2 minutes on two CPU cores, 1.1 GB of memory, no download, a file of 0.9 MB. An interrupted
    run goes on where it was last saved when the same command is given again. Beside other work threads wait for each
    other: OMP_NUM_THREADS=1 is faster then.

    Examples:

        mindgap train mine.safetensors
        mindgap train warm.safetensors --temperature 0.07 --seed 1
        mindgap train two.safetensors --modalities image-image
        mindgap train long.safetensors --steps 20000 --dry-run
    """
    if dry_run:
        _say_what_would_be(recipe, out, device, force)
        return
    with _outputs.claimed(out, force, SUFFIX):
        from mindgap import _unfinished, training

        if step := training.resumes_at(out, recipe, force):
            say(f"resuming {_unfinished.working_path(out)} at step {step} of {recipe.steps}")
        with going_on_later(out):
            trained = training.train(recipe, out, force, device, progress=bars(quiet), save_every=save_every)
    from mindgap.training import _steps

    last = trained.history[-1]
    print(f"{out}: {trained.seconds:.0f} s, temperature {last.temperature:.4g}, on {_steps.HELD_OUT} held-out scenes:")
    print(f"gap {trained.history[0].gap:.3f} before, {last.gap:.3f} after; loss {last.loss:.3f}")
    print(f"R@1 {last.image_to_text:.3f} image to text, {last.text_to_image:.3f} text to image")


def _say_what_would_be(recipe: Recipe, out: Path, device: str, force: bool) -> None:
    where = _dry.file(out, force, SUFFIX)
    from mindgap import devices, training

    on, first = devices.usable(device), training.resumes_at(out, recipe, force)
    steps = f"{recipe.steps:,} steps" + (f", of which {recipe.steps - first:,} are left," if first else "")
    what = f"a small CLIP, {steps} of {recipe.batch_size} pairs at temperature {recipe.temperature:.4g}, on {on}"
    _dry.say(what, where, _dry.of_training(recipe, on, first), f"its first {min(recipe.steps, _dry.STEPS)} steps")
