"""The live explorer of chapter 1: sets of embeddings beside each other."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as ipw
import pandas as pd
import torch

from mindgap import _inputs, charts, geometry, metrics
from mindgap._reprs import decimals
from mindgap.pairs import PairedEmbeddings
from mindgap.theorems import binomial_interval
from mindgap.widgets._explorer import USER_ERRORS, WIDE, debounced, where
from mindgap.widgets._figure import Picture
from mindgap.widgets._pairs import SOURCES, FilePicker, PairsExplorer, projected, short
from mindgap.widgets._work import Work

MEASURES = (
    "gap_distance",
    "separability",
    "mean_cosine_x",
    "mean_cosine_y",
    "matched_cosine",
    "recall_xy",
    "recall_chance",
)
"""Those of `metrics.report` that tell the gap from alignment."""

EXACT = 20_000  # pairs of which recall takes seconds; of more it is that of a sample of rows among all
SAMPLE = 1000


class GapExplorer(PairsExplorer):
    """Chapter 1: several sets beside each other, any principal axes, with the measures that tell gap from alignment.

    `sets` are names for `load_pairs` (by default "mini", which needs nothing), paths, `PairedEmbeddings`, or two arrays
    of your own whose rows belong together: `gap_explorer(x, y)`. `options` maps a name to more options for it, as in
    `options={"mini": {"n": 5000}}`. Of more than 20,000 pairs recall is measured on a sample of 1,000, and said to be.
    """

    def __init__(self, *sets: Any, options: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(options)
        names = tuple(self.named(sets)) or ("mini",)
        known = tuple(dict.fromkeys((*names, *SOURCES)))
        self.sets = ipw.SelectMultiple(
            options=[(short(name), name) for name in known], value=names, rows=7, description="embeddings", layout=WIDE
        )
        self.own = ipw.Text(
            description="or yours", placeholder="image.npy,text.npy", continuous_update=False, layout=WIDE
        )
        self.files = FilePicker(self.own)
        axes = [(f"{a} and {b}", (a, b)) for a, b in ((1, 2), (1, 3), (2, 3), (3, 4))]
        self.axes = ipw.Dropdown(options=axes, description="principal axes")
        self.pairs = ipw.IntSlider(150, 10, 1000, 10, description="pairs drawn", continuous_update=False, layout=WIDE)
        self.lines = ipw.Checkbox(True, description="pair lines", indent=False)
        self._measured: dict[str, dict[str, tuple[str, float]]] = {}
        controls = [self.sets, self.own, self.axes, self.pairs, self.lines]
        self.arrange([self.sets, self.own, self.files, self.axes, self.pairs, self.lines])
        redraw = debounced(lambda: self.attempt(self.redraw))
        for control in controls:
            control.observe(redraw, "value")
        self.attempt(self.redraw)

    def redraw(self) -> None:
        """Draw the chosen sets and list their measures. Raises ValueError if none is chosen."""
        names = [*self.sets.value, *([self.own.value.strip()] if self.own.value.strip() else [])]
        if not names:
            raise ValueError("Choose at least one set of embeddings.")
        axes, most, links = self.axes.value, self.pairs.value, self.lines.value

        def job(work: Work) -> tuple[Picture, list[str], list[str], set[tuple[str, str]]]:
            chosen, problems = self._have(names, work)
            frames = [projected(pairs, axes, most).assign(set=short(name)) for name, pairs in chosen.items()]
            picture = Picture.of(charts.gap_panels(pd.concat(frames), links=links))
            work.post(self.show_chart, picture)
            for name, pairs in chosen.items():
                measure(pairs, self._measured.setdefault(name, {}), work, lambda: work.post(self.tell, list(chosen)))
            return picture, list(chosen), problems, {pairs.modalities for pairs in chosen.values()}

        def show(found: tuple[Picture, list[str], list[str], set[tuple[str, str]]]) -> None:
            picture, there, problems, sides = found
            self.show_chart(picture)
            x, y = next(iter(sides))
            kinds = f"Circles: {x}, squares: {y}. " if len(sides) == 1 else ""
            self.tell(there, f"{kinds}The first {most} pairs of each set are drawn; measured are all.")
            self.chart.code = self.code(there)
            self.say(" ".join(problems), wrong=True)

        self.work(job, show, f"Measuring {' and '.join(map(short, names))}")

    def tell(self, names: list[str], more: str = "") -> None:
        """Show what was measured so far: a column a set and a row a measure, since cells are narrow and names long."""
        # Of copies: a thread may be adding to them.
        measured = {short(name): self._measured.get(name, {}).copy() for name in names}
        labels = dict.fromkeys(one[name][0] for name in MEASURES for one in measured.values() if name in one)
        numbers = {name: dict(one.values()) for name, one in measured.items()}
        self.readout.value = table(list(labels), numbers) + f"<p>{more}{f' Computed{where()}.' if where() else ''}</p>"

    def _have(self, names: list[str], work: Work) -> tuple[dict[str, PairedEmbeddings], list[str]]:
        """Those of the sets that can be had, and what is to be said of the others."""
        chosen: dict[str, PairedEmbeddings] = {}
        problems = []
        for name in names:
            try:
                chosen[name] = self.load(name, work)
            except USER_ERRORS as error:
                problems.append(str(error))
        if not chosen:
            raise ValueError(" ".join(problems))
        return chosen, problems

    def code(self, names: list[str]) -> str:
        """The lines that measure these sets."""
        lines = ["import mindgap"]
        for name in names:
            lines += [self.code_of(name), "mindgap.metrics.report(pairs.x, pairs.y)"]
        return "\n".join(lines)


def table(labels: Sequence[str], numbers: Mapping[str, Mapping[str, float]]) -> str:
    """A row a label and a column a set, each number under the name of its set; nothing where none is known yet."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("", *numbers))
    rows = ""
    for label in labels:
        cells = (f"<td>{decimals(one[label], 3) if label in one else ''}</td>" for one in numbers.values())
        rows += f'<tr><th scope="row">{html.escape(label)}</th>{"".join(cells)}</tr>'
    return f'<table class="mindgap-measures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def measure(
    pairs: PairedEmbeddings, found: dict[str, tuple[str, float]], work: Work, known: Callable[[], object]
) -> None:
    """Measure those of `MEASURES` that are not in `found` yet, each with its label; `known` is called after each."""
    missing = [name for name in MEASURES if name not in found]
    if not missing:
        return
    sampled = len(pairs) > EXACT and "recall_xy" in missing

    def begin(name: str) -> None:
        work(MEASURES.index(name) / len(MEASURES), f"{len(pairs):,} pairs of {short(pairs.name)}: {label(name)}")

    def label(name: str) -> str:
        return metrics.label(name, pairs.modalities)

    def keep(name: str, value: float) -> None:
        found[name] = label(name), value
        known()

    metrics.report(
        pairs.x, pairs.y, only=[name for name in missing if name != "recall_xy" or not sampled], progress=begin,
        known=keep,
    )  # fmt: skip
    if sampled:
        begin("recall_xy")
        value, said = _sampled_recall(pairs, label("recall_xy"), work)
        found["recall_xy"] = said, value
        known()


def _sampled_recall(pairs: PairedEmbeddings, label: str, work: Work) -> tuple[float, str]:
    """Recall of a sample of rows among all, and a label that says so."""
    rows = torch.randperm(len(pairs), generator=_inputs.generator(0))[:SAMPLE]
    value = geometry.recall_at_k(pairs.x, pairs.y, rows=rows, progress=work)
    low, high = binomial_interval(round(value * SAMPLE), SAMPLE)
    return value, f"{label} of {SAMPLE:,} sampled rows among all (95 %: {low:.3f} to {high:.3f})"


gap_explorer = GapExplorer
"""The explorer as chapter 1 calls it."""
