"""What commands print: results on stdout, all else on stderr, one line each."""

from __future__ import annotations

import errno
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EIO)  # what files say of themselves, by name, and streams without
INTERRUPTED, FAULT, REFUSED = 130, 1, 2  # exit statuses

debugging: ContextVar[bool] = ContextVar("debugging", default=False)
"""Whether tracebacks are shown."""


def say(text: str) -> None:
    """One line on stderr."""
    _stderr().print(escape(text))


def show(line: str, table: Table | None = None) -> None:
    """A line on stdout, as long as it is, and a table below it."""
    Console(highlight=False).print(escape(line), soft_wrap=True)
    if table is not None:
        show_table(table)


def show_table(table: Table) -> None:
    """A table on stdout, and on its way there."""
    Console(highlight=False).print(table)
    sys.stdout.flush()


def _stderr() -> Console:
    return Console(stderr=True, soft_wrap=True, highlight=False)


_NAMES = {"path": ("out", "output"), "name": ("source", "file", "folder"), "names": ("names", "source")}
"""What functions of the package call what a user gives, and what commands call it."""


def as_typed(text: str, command: Any) -> str:
    """An error that begins with the name of an argument, with what the user has typed: "--learning-rate: …"."""
    name, colon, rest = text.partition(": ")
    own = {one.name: one for one in getattr(command, "params", ())}
    meant = next((own[one] for one in _NAMES.get(name, (name,)) if one in own), None)
    if not colon or meant is None:
        return text
    typed = meant.opts[0] if meant.param_type_name == "option" else (meant.metavar or meant.name).upper()
    return f"{typed}: {rest}"


@contextmanager
def one_line_errors(command: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """Whatever goes wrong ends a `command` with one line on stderr.

    Exit status 2 is bad input, an unusable file or a missing package, 130 is Ctrl-C, 1 is a fault of ours. Warnings are
    a line each, too.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):  # typer's own, which it shows itself
            raise
        if isinstance(error, OSError) and error.errno == errno.EPIPE:  # `| head` has seen enough
            raise
        if debugging.get():
            _stderr().print_exception()
        if isinstance(error, ValueError | TypeError | OSError | ModuleNotFoundError):
            _stderr().print(f"[red]error:[/] {escape(as_typed(_words(error), command()))}")
            raise typer.Exit(REFUSED) from None
        what = " ".join(f"{type(error).__name__}: {error}".split())
        hint = "" if debugging.get() else "; --debug shows where"
        _stderr().print(f"[red]error:[/] this is a fault of mindgap, not of your input ({escape(what)}){hint}")
        raise typer.Exit(FAULT) from None


def _words(error: Exception) -> str:
    """What an error says, with the file that the system's own errors are about."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return f"standard output: {error.strerror}"
    return str(error)


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
        raise typer.Exit(INTERRUPTED) from None


def bars(quiet: bool) -> bool:
    """Whether bars are drawn: on a terminal, never into a file."""
    return not quiet and sys.stderr.isatty()


@contextmanager
def steps(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar over `total` steps, each of which is named before it begins; it leaves nothing behind."""
    from tqdm import tqdm

    with tqdm(total=total, disable=not bars(quiet), dynamic_ncols=True, leave=False, bar_format=_BAR) as bar:
        begun = False

        def begin(name: str) -> None:
            nonlocal begun
            bar.update(int(begun))
            bar.set_description_str(name)
            begun = True

        yield begin


@contextmanager
def passes(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar for each named pass over the rows, by the share of it that is done."""
    from tqdm import tqdm

    with tqdm(total=1.0, disable=not bars(quiet), dynamic_ncols=True, leave=False, bar_format=_SHARE) as bar:
        begun = ""

        def at(name: str, share: float) -> None:
            nonlocal begun
            if name != begun:
                begun = name
                bar.reset()
                bar.set_description_str(name)
            bar.update(share - bar.n)

        yield at


_SHARE = "{l_bar}{bar}| {elapsed}<{remaining}"
_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} {elapsed}"
