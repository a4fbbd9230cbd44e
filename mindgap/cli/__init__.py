"""The `mindgap` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mindgap import _files, geometry, training
from mindgap.cli import _experiments as experiments
from mindgap.cli._experiments import one_line_errors
from mindgap.pairs import feature_names, fetch, load_pairs
from mindgap.recipe import Recipe
from mindgap.training import _steps

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="The modality gap at the command line.",
)
_DEFAULT = Recipe()
_TOWERS, _DATA, _OPTIMISER = "Towers", "Data", "Optimiser"


def main() -> None:
    """Entry point of the `mindgap` script."""
    app()


@app.command()
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
    """
    with one_line_errors():
        pairs = load_pairs(source)
        x, y = pairs.x.double(), pairs.y.double()
        first, second = pairs.modalities
        rows = {
            "gap distance": geometry.gap_distance(x, y),
            "separable along the gap": geometry.separability(x, y),
            f"mean cosine within {first}": geometry.mean_cosine(x),
            f"mean cosine within {second}": geometry.mean_cosine(y),
            "mean cosine across, unmatched pairs": geometry.mean_cosine(x, y),
            "mean cosine across, matched pairs": geometry.matched_cosine(x, y),
            f"R@{k}, {first} to {second}": geometry.recall_at_k(x, y, k),
            f"R@{k}, {second} to {first}": geometry.recall_at_k(y, x, k),
            f"R@{k} by chance": k / len(pairs),
        }
    table = Table(title=escape(repr(pairs)), title_justify="left", show_header=False)
    for name, value in rows.items():
        table.add_row(name, f"{value:.4f}")
    Console().print(table)


@app.command("fetch")
def fetch_features(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as [b]clip convirt[/]; all eight if none are named.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an altered file in the cache.")] = False,
) -> None:
    """Download the features that the paper's authors publish (10 MB in all), verified by SHA-256, into the cache."""
    with one_line_errors():
        for name in names or feature_names():
            print(fetch(name, force=force))


@app.command()
def train(
    out: Annotated[Path, typer.Argument(help="Checkpoint to write, ending in [b].safetensors[/].", show_default=False)],
    temperature: Annotated[
        float, typer.Option(help="Temperature τ of the loss: .01 keeps a gap, .07 all but closes it.")
    ] = _DEFAULT.temperature,
    learn_temperature: Annotated[
        bool, typer.Option("--learn-temperature", help="Learn τ, starting from --temperature; never below 1/100.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Settles initial weights and data.")] = _DEFAULT.seed,
    steps: Annotated[int, typer.Option(help="Batches to train on.", rich_help_panel=_OPTIMISER)] = _DEFAULT.steps,
    batch_size: Annotated[int, typer.Option(help="Pairs a batch.", rich_help_panel=_OPTIMISER)] = _DEFAULT.batch_size,
    learning_rate: Annotated[
        float, typer.Option(help="Peak, after the warm-up and before the cosine.", rich_help_panel=_OPTIMISER)
    ] = _DEFAULT.learning_rate,
    warmup: Annotated[int, typer.Option(help="Steps of rising rate.", rich_help_panel=_OPTIMISER)] = _DEFAULT.warmup,
    weight_decay: Annotated[
        float, typer.Option(help="AdamW's, on matrices.", rich_help_panel=_OPTIMISER)
    ] = _DEFAULT.weight_decay,
    width: Annotated[int, typer.Option(help="Of both transformers.", rich_help_panel=_TOWERS)] = _DEFAULT.width,
    layers: Annotated[int, typer.Option(help="Of both transformers.", rich_help_panel=_TOWERS)] = _DEFAULT.layers,
    heads: Annotated[int, typer.Option(help="Attention heads a layer.", rich_help_panel=_TOWERS)] = _DEFAULT.heads,
    embed_dim: Annotated[
        int, typer.Option(help="Dimension of the shared sphere.", rich_help_panel=_TOWERS)
    ] = _DEFAULT.embed_dim,
    patch: Annotated[int, typer.Option(help="Image patch, pixels a side.", rich_help_panel=_TOWERS)] = _DEFAULT.patch,
    start: Annotated[
        str, typer.Option(help="[b]random[/], or [b]aligned[/] by a Procrustes map.", rich_help_panel=_TOWERS)
    ] = _DEFAULT.start,
    objects: Annotated[
        tuple[int, int], typer.Option(help="Least and most objects a scene.", rich_help_panel=_DATA)
    ] = _DEFAULT.objects,
    scenes: Annotated[
        int | None,
        typer.Option(help="Size of a fixed training set; without it, new scenes all along.", rich_help_panel=_DATA),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Attribute that captions leave out; repeatable.", rich_help_panel=_DATA, show_default=False),
    ] = None,
    mismatch: Annotated[
        float, typer.Option(help="Share of scenes with exchanged captions.", rich_help_panel=_DATA)
    ] = _DEFAULT.mismatch,
    device: Annotated[str, typer.Option(help="Where to train, such as [b]cuda[/].")] = "cpu",
    save_every: Annotated[int, typer.Option(help="Steps between saves of the unfinished run.")] = 100,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT, and an unfinished run of another recipe.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train a small CLIP on drawn scenes and write it to [b]OUT[/].

    With the defaults: 2 to 3 minutes on two CPU cores, 1.2 GB of memory, no download, a file of 0.9 MB.
    An interrupted run goes on where it was last saved when the same command is given again.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with one_line_errors():
        recipe = Recipe(
            temperature=temperature,
            learn_temperature=learn_temperature,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
            weight_decay=weight_decay,
            width=width,
            layers=layers,
            heads=heads,
            embed_dim=embed_dim,
            patch=patch,
            start=start,
            objects=objects,
            scenes=scenes,
            drop=tuple(drop or ()),
            mismatch=mismatch,
            seed=seed,
        )
        _files.free_path(out, force)
        if step := training.resumes_at(out, recipe, force):
            console.print(f"resuming {training.working_path(out)} at step {step} of {steps}")
        try:
            trained = training.train(recipe, out, force, device, progress=not quiet, save_every=save_every)
        except KeyboardInterrupt:
            console.print(
                "interrupted; the same command goes on from the last save" * training.working_path(out).exists()
            )
            raise typer.Exit(130) from None
    last = trained.history[-1]
    print(f"{out}: {trained.seconds:.0f} s, temperature {last.temperature:.4g}, on {_steps.HELD_OUT} held-out scenes:")
    print(f"gap {trained.history[0].gap:.3f} before, {last.gap:.3f} after; loss {last.loss:.3f}")
    print(f"R@1 {last.image_to_text:.3f} image to text, {last.text_to_image:.3f} text to image")


app.command("cones")(experiments.random_cones)
app.command("sweep")(experiments.train_many)
