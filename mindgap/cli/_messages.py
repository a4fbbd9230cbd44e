"""What commands print: results on stdout, all else on stderr, one line each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def say(text: str) -> None:
    """One line on stderr."""
    _stderr().print(escape(text))


def show(line: str, table: Table | None = None) -> None:
    """A line on stdout, as long as it is, and a table below it."""
    console = Console(highlight=False)
    console.print(escape(line), soft_wrap=True)
    if table is not None:
        console.print(table)


def _stderr() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Bad input, unusable files and missing packages end a command with one line on stderr and exit code 2.

    Warnings are a line each, too. Everything else is a fault of ours, and a traceback.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        _stderr().print(f"[red]error:[/] {escape(str(error))}")
        raise typer.Exit(2) from None


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _stderr().print(f"[yellow]warning:[/] {escape(str(message))}")


@contextmanager
def going_on_later(out: Path) -> Iterator[None]:
    """Ctrl-C ends a command that keeps its unfinished run with a line on what is kept, and exit code 130."""
    from mindgap._unfinished import working_path

    try:
        yield
    except KeyboardInterrupt:
        kept = working_path(out)
        say(
            f"interrupted; the same command goes on from {kept}"
            if kept.exists()
            else "interrupted before anything was saved"
        )
        raise typer.Exit(130) from None
