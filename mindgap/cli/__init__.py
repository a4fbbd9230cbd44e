"""The `mindgap` command: one file a command, and a line here for each.

A command imports what it needs when it runs, so that every help answers at once: nothing here loads torch.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mindgap import __version__
from mindgap.cli import cones, fetch, gap, report, sweep, train
from mindgap.cli._options import prose

__all__ = ["app", "main"]

app = typer.Typer(
    name="mindgap",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the `mindgap` script."""
    app(prog_name="mindgap")


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"mindgap {__version__}")
        raise typer.Exit
    return wanted


def start(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """See, drag and test the modality gap of image and text embeddings.

    Try first: [b]mindgap gap mini[/], the gap of a small CLIP that comes with the package. Each command has a help of
    its own, with examples: [b]mindgap gap --help[/].
    """


app.callback(help=prose(start))(start)
for command in (gap.gap, report.report, fetch.fetch, train.train, cones.cones, sweep.sweep):
    app.command(help=prose(command))(command)
