"""`mindgap fetch`: the features that the authors publish."""

from __future__ import annotations

from typing import Annotated

import typer

from mindgap.cli._messages import bars
from mindgap.cli._options import Quiet


def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Such as [b]clip convirt[/]; all eight if none are named.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an altered file in the cache.")] = False,
    quiet: Quiet = False,
) -> None:
    """Download the features that the paper's authors publish into the cache, verified by SHA-256.

    10 MB in all. What is there already is verified again and not downloaded.

    Examples:

        mindgap fetch
        mindgap fetch clip clip_random
    """
    from mindgap import _scalars, pairs

    known = pairs.feature_names()
    for name in [_scalars.choice(name, "names", known) for name in names or known]:
        print(pairs.fetch(name, force=force, progress=bars(quiet)))
