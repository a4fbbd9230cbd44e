"""`mindgap report`: one page on one set of embeddings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mindgap.cli._messages import one_line_errors, say, show
from mindgap.cli._options import Quiet

FAILED = 3  # the exit status if a check has


def report(
    image: Annotated[
        str,
        typer.Argument(
            help="The file of the first modality; or both as [b]image.npy,text.npy[/], a folder of shards, or a name "
            "such as [b]clip[/] or [b]mini[/].",
            show_default=False,
        ),
    ],
    text: Annotated[str | None, typer.Argument(help="The file of the second modality.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write, [b].html[/].")] = Path(
        "report.html"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it as one JSON object on stdout, and no page.")
    ] = False,
    k: Annotated[int, typer.Option("--k", help="Recall at how many.")] = 1,
    temperatures: Annotated[
        str | None, typer.Option(help="Those of the landscape, as [b].01,.07,1/30[/]; the paper's six without it.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A text file with a label for each pair, one a line: adds a table by label.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="A text file with what each pair shows, one a line; pairs of one group are right for each other."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the samples, where there are too many rows to take all.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure, check and draw one set of paired embeddings: one page of HTML that asks for no other file.

    Every measure of a gap, what goes wrong with such files (rows out of order, a wrong pairing, a collapsed tower, …),
    the loss along the gap, and what closing it would do to recall. Seconds for a few thousand rows; of more than
    20,000, what costs their square is taken of samples. The exit status is 3 if a check has failed.

    Examples:

        mindgap report clip
        mindgap report image.npy text.npy -o mine.html
        mindgap report image.npy text.npy --json | jq .measures.gap_distance
    """
    with one_line_errors():
        from mindgap import _files, pairs
        from mindgap import report as reports
        from mindgap.landscape import TEMPERATURES

        if not as_json:
            from mindgap.report import page

            _files.free_path(output, force, ".html")
        chosen = [_number(part) for part in temperatures.split(",")] if temperatures else TEMPERATURES
        loaded = pairs.load_pairs(image if text is None else (image, text))
        if labels is not None:
            loaded = replace(loaded, labels=_lines(labels))
        if groups is not None:
            loaded = replace(loaded, groups=_lines(groups))
        found = reports.make(loaded, k, chosen, seed, None if quiet else lambda step: say(f"{step} …"))
        if as_json:
            print(json.dumps(found.as_json()))
        else:
            page.write(found, output, force)
            gap, other = found.measures["gap_distance"], found.measures["pair_distance"]
            show(f"{output}: {len(loaded)} pairs, gap distance {gap:.4f}, mean distance of a pair {other:.4f}")
        for check in found.checks:
            if check.failed:
                say(f"check failed, {check.name}: {check.found}. {check.meaning} {check.advice}")
    if not found.passed:
        raise typer.Exit(FAILED)


def _number(text: str) -> float:
    """A number, or a fraction of two."""
    try:
        above, slash, below = text.partition("/")
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"temperatures: expected numbers such as .01,.07,1/30, got {text.strip()!r}") from None


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8-sig").splitlines())
