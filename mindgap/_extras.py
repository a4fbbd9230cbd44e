"""What is imported late, and which extra it comes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around imports of packages that the extra `name` brings: an error of one that is missing says so."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] == "mindgap":
            raise
        raise ModuleNotFoundError(
            f"{error.name} is not installed; it comes with: pip install 'mindgap[{name}]'", name=error.name
        ) from error


class _Late:
    """Stands for a module, which is imported when one of its names is used."""

    def __init__(self, module: str, extra: str | None) -> None:
        self._module, self._extra = module, extra

    def __getattr__(self, name: str) -> Any:
        with extra(self._extra) if self._extra else nullcontext():
            module = import_module(self._module)
        return getattr(module, name)


def late(module: str, extra: str | None = None) -> Any:
    """The module, imported when one of its names is used; if it is missing, the error names the extra it comes with.

    For what a light module needs in one function only, as pandas for tables.
    """
    return _Late(module, extra)
