"""The `mindgap` command: one file a command, and a line here for each.

A command imports what it needs when it runs, so that every help answers at once: nothing here loads torch.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mindgap import __version__
from mindgap.cli import cache, claims, cones, embed, fetch, gap, landscape, report, shift, show, sweep, train, zeroshot
from mindgap.cli import list as names
from mindgap.cli._messages import debugging, one_line_errors
from mindgap.cli._options import prose

__all__ = ["app", "main"]

DEBUG, QUIET = "--debug", "--quiet"


class Commands(TyperGroup):
    """All commands: their errors are one line, and --debug and --quiet may stand anywhere."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """With --debug in front, as an option of the whole, and --quiet behind a command that has it."""
        end = args.index("--") if "--" in args else len(args)
        words, rest = [word for word in args[:end] if word not in (DEBUG, QUIET)], args[end:]
        place = next((place for place, word in enumerate(words, start=1) if word in self.commands), 0)
        if QUIET in args[:end] and place and any(QUIET in one.opts for one in self.commands[words[place - 1]].params):
            words.insert(place, QUIET)
        return super().parse_args(ctx, [DEBUG] * (DEBUG in args[:end]) + words + rest)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        token = debugging.set(bool(ctx.params.get("debug")))
        try:
            with one_line_errors(lambda: self.commands.get(ctx.invoked_subcommand)):
                result = super().invoke(ctx)
                sys.stdout.flush()  # a full disk shows here
                return result
        finally:
            debugging.reset(token)


app = typer.Typer(
    name="mindgap",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the `mindgap` script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters shows a question mark
    try:
        app(prog_name="mindgap")
    finally:
        # What could not be written has been told; Python would try it again at its end, and show a traceback.
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"mindgap {__version__}")
        raise typer.Exit
    return wanted


def start(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where an error comes from; with any command.")] = False,
) -> None:
    """See, drag and test the modality gap of image and text embeddings.

    Try first: [b]mindgap gap mini[/], the gap of a small CLIP that comes with the package. [b]mindgap list[/] says what
    else there is. Each command has a help of its own, with examples: [b]mindgap gap --help[/].
    """


app.callback(help=prose(start))(start)
COMMANDS: dict[str, Callable[..., None]] = {
    "gap": gap.gap, "report": report.report, "landscape": landscape.landscape, "shift": shift.shift,
    "zeroshot": zeroshot.zeroshot,
    "list": names.list_names, "show": show.show_file, "fetch": fetch.fetch, "cache": cache.cache,
    "embed": embed.embed, "train": train.train, "cones": cones.cones, "sweep": sweep.sweep,
    "claims": claims.check_claims,
}  # fmt: skip
for name, command in COMMANDS.items():
    app.command(name, help=prose(command))(command)
