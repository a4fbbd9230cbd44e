"""`mindgap gap`: every measure of a set of pairs, or a table of several sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from mindgap.cli import _outputs, _sources
from mindgap.cli._messages import bars, passes, say, show, show_table, steps
from mindgap.cli._options import (
    AsCsv,
    AsJson,
    Data,
    Device,
    N,
    Output,
    Quiet,
    Replace,
    Seed,
    Sources,
    State,
    Stream,
)

if TYPE_CHECKING:
    from mindgap.metrics import Estimate
    from mindgap.pairs import PairedEmbeddings, Shards

_IN_WORDS = ("pairs", "dimension", "distinct_x", "distinct_y")
_ABREAST = {
    "gap_distance": "gap",
    "pair_distance": "pair\ndist.",
    "rmg_cosine": "RMG",
    "matched_cosine": "match\ncosine",
    "recall_xy": "R@{k}\nto {y}",
    "recall_yx": "R@{k}\nto {x}",
}
"""The measures of a table of several sources, in short."""

_OF_MEANS = {
    "pairs", "dimension", "gap_distance", "squared_gap", "mean_squared_gap", "centroid_distance",
    "top_dimensions_share", "mean_cosine_x", "mean_cosine_y", "recall_chance",
}  # fmt: skip
"""What needs no more than the two means, and of many rows comes first."""

_SLOWER = {
    "frechet_distance", "linear_probe", "effective_rank_x", "effective_rank_y", "principal_angle", "shared_energy_x",
    "shared_energy_y", "residual_pair_distance", "residual_frechet",
}  # fmt: skip
"""What takes covariances, and of many rows comes after the other numbers of all rows."""


@dataclass(frozen=True)
class Measured:
    """What was found of one source; `sampled` are the measures that are estimates, `passes` those of a stream."""

    pairs: PairedEmbeddings | Shards
    k: int
    measures: dict[str, Any]
    sampled: dict[str, Estimate]
    passes: int | None = None

    def content(self) -> dict[str, Any]:
        """All of it for JSON."""
        from mindgap import _files

        about = {
            "name": self.pairs.name,
            "source": self.pairs.source,
            "modalities": list(self.pairs.modalities),
            "k": self.k,
        }
        intervals = {
            name: {"low": one.low, "high": one.high, "rows": one.rows, "gallery": one.gallery}
            for name, one in self.sampled.items()
        }
        streamed = {} if self.passes is None else {"streamed": {"passes": self.passes}}
        return {**about, **_files.known(self.measures), **({"sampled": intervals} if intervals else {}), **streamed}

    def row(self) -> dict[str, Any]:
        """All of it for CSV, an interval in columns of its own."""
        from mindgap import _files

        ends = {f"{name}_{end}": getattr(one, end) for name, one in self.sampled.items() for end in ("low", "high")}
        x, y = self.pairs.modalities
        about = {"name": self.pairs.name, "modality_x": x, "modality_y": y, "k": self.k}
        return {**about, **_files.known(self.measures), **ends}


def gap(
    source: Sources,
    k: Annotated[int, typer.Option("--k", help="Recall at how many.")] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A measure by its name in --json, and nothing else; repeatable. What is left out saves time."
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Of any number of rows all, without samples, however long it takes.")
    ] = False,
    n: N = None,
    stream: Stream = None,
    state: State = None,
    seed: Seed = 0,
    device: Device = "auto",
    data: Data = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    output: Output = None,
    force: Replace = False,
    quiet: Quiet = False,
) -> None:
    """Measure the modality gap of a set of paired embeddings, or compare several.

    One source is told in full, with a few words on what each number says; several make one table, a row each. A second
    for the paper's features or your own files of a few thousand rows. Of more than 10,000 rows, what would take minutes
    comes from samples, with an interval. Where rows are repeated, as those of an image with five captions, recall is
    given twice: with a row's own partner alone as the right answer, and grouped, with the partner of any equal row.
    Shards larger than memory are streamed, in one pass or two; torchrun shares them among processes and machines.

    Examples:

        mindgap gap mini
        mindgap gap image.npy text.npy --k 5
        mindgap gap clip mini mine_image.npy,mine_text.npy
        mindgap gap clip --json --only gap_distance
        mindgap gap shards --stream --state kept.safetensors
    """
    _outputs.one_form(as_json, as_csv, output)
    with _outputs.claimed(output if _sources.first() else None, force, ".json", ".csv") as path:
        from mindgap import _scalars, metrics

        names = [_scalars.choice(name, "only", metrics.MEASURES) for name in only or ()]
        in_full = as_json or as_csv or output is not None
        sources = _sources.named(source)
        several = len(sources) > 1
        if several and state is not None:
            raise ValueError(f"--state: expected one source, got {len(sources)}; each needs a file of its own")
        if not names:
            names = list(_ABREAST) if several and not in_full else list(metrics.MEASURES)
        words = not (in_full or several)
        in_memory = "--exact" if exact else "--n" if n is not None else "--data" if data is not None else None
        found = []
        for one in sources:
            shards = _sources.to_stream(one, stream, None if state is None else "--state", in_memory)
            if shards is not None:
                found.append(_streamed(shards, k, names, seed, device, state, quiet, words))
            else:
                pairs = _sources.loaded(one, n, seed, device, data, bars(quiet))
                found.append(_measured(pairs, k, names, exact, seed, quiet, words))
        if not _sources.first():
            return
        if in_full:
            contents = [one.content() for one in found]
            _outputs.give(contents if several else contents[0], [one.row() for one in found], as_csv, path)
            if path is not None:
                show(f"{path}: {len(found)} sources" if several else f"{path}: {found[0].pairs.name}")
        elif several:
            _show_several(found, names)


def _measured(
    pairs: PairedEmbeddings, k: int, names: Sequence[str], exact: bool, seed: int, quiet: bool, in_words: bool
) -> Measured:
    """The measures of one source; with `in_words` they are shown as soon as they are known."""
    from mindgap import _inputs, metrics

    n = len(pairs)
    asked = list(dict.fromkeys([*_IN_WORDS, *names]))
    x, y = pairs.x, pairs.y
    if n <= metrics.EXACT or exact:
        sampled, rounds = [], [asked]
        x, y = _inputs.widened(x), _inputs.widened(y)
    else:  # copies in float64 would take several times the memory
        sampled = [name for name in asked if name not in metrics.LINEAR]
        of_all = [name for name in asked if name not in sampled]
        places = {name: 0 if name in _OF_MEANS else 2 if name in _SLOWER else 1 for name in of_all}
        rounds = [[name for name in of_all if places[name] == place] for place in range(3)]
    report: dict[str, Any] = {}
    with steps(len(asked), quiet) as begin:
        for number, part in enumerate(rounds):
            found = metrics.report(x, y, k, part, begin)
            report |= found
            grouped = "distinct_y" in report and min(report["distinct_x"], report["distinct_y"]) < n
            if in_words:
                title = f"{pairs.name}: {n} pairs of {' and '.join(pairs.modalities)}, d = {report['dimension']}"
                _show_now(f"{title}; {pairs.source}" if not number else "", _table(pairs, k, found, {}, grouped))
        estimates = metrics.estimates(x, y, k, sampled, seed, begin) if sampled else {}
    values = {name: one.value for name, one in estimates.items()}
    if in_words and sampled:
        show(_of_samples(estimates), _table(pairs, k, values, estimates, grouped))
    if in_words and grouped:
        counts = zip((report["distinct_x"], report["distinct_y"]), pairs.modalities, strict=True)
        repeated = " and ".join(f"{count} distinct {modality} rows" for count, modality in counts if count < n)
        show(f"{repeated} among {n}. Right is a row's own partner; grouped, that of any equal row.")
    values = {**report, **values}
    return Measured(pairs, k, {name: values[name] for name in asked}, estimates)


def _streamed(
    shards: Shards,
    k: int,
    names: Sequence[str],
    seed: int,
    device: str,
    state: Path | None,
    quiet: bool,
    in_words: bool,
) -> Measured:
    """The measures of shards that are read a part at a time, by however many processes."""
    from mindgap import stream

    n = len(shards)
    asked = list(dict.fromkeys([*_IN_WORDS, *names]))
    with stream.joined() as ranks, passes(quiet or not ranks.first) as at:
        found = stream.report(shards, k, asked, seed, state, device, ranks, at)
    if in_words and ranks.first:
        grouped = min(found.measures["distinct_x"], found.measures["distinct_y"]) < n
        times = {1: "once", 2: "twice"}[found.passes]
        show(
            f"{shards.name}: {n} pairs of {' and '.join(shards.modalities)}, d = {shards.dimension}; {shards.source}, "
            f"read {times} and never held"
        )
        exact = {name: value for name, value in found.measures.items() if name not in found.sampled}
        sampled = {name: one.value for name, one in found.sampled.items()}
        show("Of all rows:" if sampled else "All measures are of all rows.", _table(shards, k, exact, {}, grouped))
        if sampled:
            show(_of_samples(found.sampled, exact=False), _table(shards, k, sampled, found.sampled, grouped))
    return Measured(shards, k, found.measures, found.sampled, found.passes)


def _show_now(title: str, table: Table | None) -> None:
    """A part of a result while a bar is drawn below it."""
    from tqdm import tqdm

    with tqdm.external_write_mode():
        if title:
            show(title, table)
        elif table is not None:
            show_table(table)


def _of_samples(estimates: Mapping[str, Estimate], exact: bool = True) -> str:
    """What the samples are, and how to do without."""
    ways = {
        (one.rows, one.gallery): f"recall of {one.rows:,} random rows among all {one.gallery:,}"
        if one.rows < one.gallery
        else f"the rest as the mean of four random samples of {one.rows:,} pairs"
        for one in estimates.values()
    }
    return f"From samples, with 95 % intervals: {'; '.join(ways.values())}." + " --exact takes all rows." * exact


def _table(
    pairs: PairedEmbeddings | Shards,
    k: int,
    values: Mapping[str, float],
    estimates: Mapping[str, Estimate],
    grouped: bool,
) -> Table | None:
    """A row a measure: its value, its interval, its name, and what it says."""
    from mindgap import metrics
    from mindgap._reprs import decimals

    table = Table(show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for name, value in values.items():
        if name in _IN_WORDS or (name.endswith("_grouped") and not grouped):
            continue
        label = metrics.label(name, pairs.modalities, k)
        number = decimals(value)
        if name in estimates:
            number += f" ({decimals(estimates[name].low)} to {decimals(estimates[name].high)})"
        table.add_row(number, f"{escape(label)} – [dim]{escape(metrics.MEANINGS[name])}[/]")
    return table if table.row_count else None


def _show_several(found: Sequence[Measured], names: Sequence[str]) -> None:
    """One table, a row a source."""
    from mindgap import metrics
    from mindgap._reprs import decimals

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("source", overflow="fold", min_width=10)
    kinds = {one.pairs.modalities for one in found}
    x, y = kinds.pop() if len(kinds) == 1 else ("first", "second")
    columns = ["pairs", "dimension", *(name for name in names if name not in _IN_WORDS[:2])]
    for name in columns:
        short = {"dimension": "d", **_ABREAST}.get(name) or metrics.LABELS[name]
        table.add_column(escape(short.format(x=x, y=y, k=found[0].k)), justify="right", overflow="fold")
    for one in found:
        numbers = (one.measures[name] for name in columns)
        cells = [f"{value:,}" if isinstance(value, int) else decimals(value, 3) for value in numbers]
        table.add_row(escape(one.pairs.name), *cells)
    show(f"{len(found)} sources; --json and --csv have every measure and where each source is from", table)
    for one in found:
        if one.sampled:
            say(f"{one.pairs.name}: {_of_samples(one.sampled, one.passes is None)}")
