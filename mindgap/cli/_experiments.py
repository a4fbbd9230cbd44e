"""The commands that run experiments: `mindgap cones` and `mindgap sweep`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mindgap import _files, experiments
from mindgap import seeds as seed_experiment

_CONES = seed_experiment.SeedsRecipe()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Bad input and unusable files end a command with one line on stderr and exit code 2; the rest is a traceback."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]error:[/] {escape(str(error))}", highlight=False)
        raise typer.Exit(2) from None


def random_cones(
    out: Annotated[Path, typer.Option(help="File to write, [b].json[/].")] = Path("book/data/cones.json"),
    seeds: Annotated[int, typer.Option(help="Initialisations of each tower.")] = _CONES.seeds,
    n: Annotated[int, typer.Option("--n", help="Inputs of each kind.")] = _CONES.n,
    tower: Annotated[
        list[str] | None,
        typer.Option(
            help="[b]resnet18[/], or half of an open_clip architecture, such as [b]RN50:image[/]; repeatable. "
            "The three of the paper without it.",
            show_default=False,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(help="[b]noise[/] or [b]scenes[/]; repeatable. Both without it.", show_default=False),
    ] = None,
    data_seed: Annotated[int, typer.Option(help="Seed of the inputs.")] = _CONES.data_seed,
    umap: Annotated[bool, typer.Option("--umap", help="UMAP coordinates too (needs umap-learn).")] = False,
    device: Annotated[
        str | None, typer.Option(help="Where to compute; the GPU, if there is one, without it.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT, and an unfinished run of another recipe.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Embed the same inputs with many untrained networks: every seed its own cone.

    With the defaults: 25 seeds of ResNet-18 and of both towers of ViT-B-32, on noise and on drawn scenes; 7 minutes on
    two CPU cores, 2 GB of memory, no download, a file of 0.2 MB. An interrupted run goes on where it stopped when the
    same command is given again.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with one_line_errors():
        recipe = seed_experiment.SeedsRecipe(
            towers=tuple(tower or _CONES.towers),
            inputs=tuple(inputs or _CONES.inputs),
            seeds=seeds,
            n=n,
            shown=min(n, _CONES.shown),
            data_seed=data_seed,
            umap=umap,
        )
        _files.free_path(out, force, ".json")
        if done := len(seed_experiment.embedded(recipe, out, force)) // len(recipe.towers):
            console.print(f"resuming: {done} of {seeds * len(recipe.inputs)} initialisations are done")
        try:
            result = seed_experiment.run(recipe, out, force, device, progress=not quiet)
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from the last whole seed")
            raise typer.Exit(130) from None
    table = Table(title=f"{out}: {seeds} seeds, {n} inputs", title_justify="left")
    for name in ("inputs", "tower", "mean cosine, least to most over seeds", "share of variance by seed"):
        table.add_column(name)
    for kind, clouds in result["clouds"].items():
        for name, cloud in clouds.items():
            means = [cosines["mean"] for cosines in cloud["cosines"]]
            table.add_row(kind, name, f"{min(means):.4f} to {max(means):.4f}", f"{cloud['variance_share']:.3f}")
    Console().print(table)


def train_many(
    experiment: Annotated[
        str,
        typer.Argument(help=", ".join(f"[b]{name}[/]" for name in experiments.EXPERIMENTS) + ".", show_default=False),
    ] = "temperature",
    out: Annotated[
        Path | None, typer.Option(help="File to write, [b].json[/] (sweep_EXPERIMENT.json).", show_default=False)
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds of each run.")] = 5,
    first_seed: Annotated[int, typer.Option(help="The first of them.")] = 0,
    steps: Annotated[int, typer.Option(help="Steps of each run.")] = 300,
    quick: Annotated[
        bool, typer.Option("--quick", help="Temperatures 1/100 and 1/10 only, one new seed, 250 steps: a minute.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="Where to train; the GPU, if there is one, without it.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT, and an unfinished experiment of other settings.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train the small CLIP many times over, with one thing varied: temperature, start, mistakes, captions, modality.

    About 35 seconds a run of 300 steps on two idle CPU cores; [b]temperature[/] has 7 runs a seed, [b]finetune[/] 12,
    [b]initialisation[/] 2, [b]mismatch[/] 10, [b]captions[/] 8, [b]modality[/] 4. On a GPU all runs of one shape train
    side by side. An interrupted experiment goes on with the runs that are missing when the same command is given again.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with one_line_errors():
        out = out or Path(f"sweep_{experiment}{'_quick' * quick}.json")
        chosen, steps = (range(1000, 1001), 250) if quick else (range(first_seed, first_seed + seeds), steps)
        total = len(experiments.planned(experiment, chosen, steps, quick))
        _files.free_path(out, force, ".json")
        if done := len(experiments.finished(experiment, out, chosen, steps, quick, force)):
            console.print(f"resuming: {done} of {total} runs are done")
        try:
            experiments.run(experiment, out, chosen, steps, quick, force, device, progress=not quiet)
        except KeyboardInterrupt:
            console.print("interrupted; the same command goes on from the last whole run")
            raise typer.Exit(130) from None
    last = experiments.Sweep(out).last()
    labels = [name for name in experiments.Sweep(out).runs[0]["labels"] if name != "seed"]
    table = Table(title=f"{out}: {total} runs of {steps} steps; mean over seeds (least to most)", title_justify="left")
    for name in (*labels, "gap", "R@1"):
        table.add_column(name)
    for values, part in last.groupby(labels, sort=False):
        shown = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in values]
        spreads = [f"{c.mean():.3f} ({c.min():.3f} to {c.max():.3f})" for c in (part["gap"], part["image_to_text"])]
        table.add_row(*shown, *spreads)
    Console().print(table)
