"""`mindgap report`: one page on one set of embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mindgap.cli import _outputs, _sources
from mindgap.cli._messages import bars, passes, say, show
from mindgap.cli._options import (
    Data,
    Device,
    N,
    Quiet,
    Replace,
    Seed,
    Sources,
    State,
    Stream,
    Temperatures,
    temperatures_of,
)

FAILED = 3  # the exit status if a check has


def report(
    source: Sources,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write, [b].html[/].")] = Path(
        "report.html"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it as one JSON object on stdout, and no page.")
    ] = False,
    k: Annotated[int, typer.Option("--k", help="Recall at how many.")] = 1,
    temperatures: Temperatures = None,
    labels: Annotated[
        Path | None, typer.Option(help="A text file with a label for each pair, one a line: adds a table by label.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="A text file with what each pair shows, one a line; pairs of one group are right for each other."
        ),
    ] = None,
    n: N = None,
    stream: Stream = None,
    state: State = None,
    seed: Seed = 0,
    device: Device = "auto",
    data: Data = None,
    force: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Measure, check and draw one set of paired embeddings: one page of HTML that asks for no other file.

    Every measure of a gap, what goes wrong with such files (rows out of order, a wrong pairing, a collapsed tower, …),
    the loss along the gap, and what closing it would do to recall. Seconds for a few thousand rows; of more than
    20,000, what costs their square is taken of samples. The exit status is 3 if a check has failed. Shards larger than
    memory are streamed: their measures are of all rows all the same, and the checks of rows are of 10,000 of them.

    Examples:

        mindgap report clip
        mindgap report image.npy text.npy -o mine.html
        mindgap report image.npy text.npy --json | jq .measures.gap_distance
        mindgap report shards --stream --state kept.safetensors -o mine.html
    """
    chosen = temperatures_of(temperatures)
    with _outputs.claimed(output if _sources.first() and not as_json else None, force, ".html") as path:
        from mindgap import report as reports

        if path is not None:
            from mindgap.report import page

        one = _sources.one_named(source, "report")
        given = {"--labels": labels, "--groups": groups, "--n": n, "--data": data}
        in_memory = next((name for name, value in given.items() if value is not None), None)
        shards = _sources.to_stream(one, stream, None if state is None else "--state", in_memory)
        tell = None if quiet else lambda step: say(f"{step} …")
        if shards is not None:
            from mindgap import stream as streams

            with streams.joined() as ranks, passes(quiet or not ranks.first) as at:
                measured = streams.report(shards, k, None, seed, state, device, ranks, at)
            if not ranks.first:
                return
            found = reports.of_shards(shards, measured, chosen, seed, tell)
        else:
            loaded = _sources.loaded(one, n, seed, device, data, bars(quiet))
            if labels is not None:
                loaded = replace(loaded, labels=_lines(labels))
            if groups is not None:
                loaded = replace(loaded, groups=_lines(groups))
            found = reports.make(loaded, k, chosen, seed, tell)
        if path is None:
            _outputs.give(found.as_json(), [], False, None)
        else:
            page.write(found, path, force)
            gap, other = found.measures["gap_distance"], found.measures["pair_distance"]
            show(f"{output}: {found.n} pairs, gap distance {gap:.4f}, mean distance of a pair {other:.4f}")
        for check in found.checks:
            if check.failed:
                say(f"check failed, {check.name}: {check.found}. {check.meaning} {check.advice}")
    if not found.passed:
        raise typer.Exit(FAILED)


def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a text file in UTF-8, a line for each pair ({error.reason})") from None
