"""Where the time of `mindgap train` goes, against open_clip's own forward pass and against the products alone.

    python benchmarks/training.py                      # about a minute on two idle cores
    python benchmarks/training.py --csv benchmarks/training.csv
    python benchmarks/training.py --whole 0 1 2        # trains the default recipe in both ways, too: minutes a seed

Every phase of a step of the default recipe is timed by itself, on one thread and on all, in turns with the same phase
as open_clip and torch would have it (every token through every layer, AdamW in ten passes), in one process. Seconds of
the processor are summed over threads; where others compute as well, threads wait for each other, and waiting counts:
under load (which the table names) only the numbers of one thread tell something of the code.

The bound is the time of the matrix products alone, at the rate of a square product of 2048 measured in the same turns:
first of those that the step does, then of those that open_clip's does. A look at the model is shared among the steps
of a run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from _machine import introduce, machine, write
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mindgap import miniclip, training
from mindgap.miniclip import CLIP
from mindgap.recipe import Recipe
from mindgap.scenes import Scenes
from mindgap.training import _forward, _steps

WAYS, SIDE = ("open_clip", "mindgap"), 2048
PHASES = (
    "drawing", "tokens", "images forward", "captions forward", "loss", "images backward", "captions backward",
    "optimiser", "looks",
)  # fmt: skip
Spent = dict[tuple[str, str], list[tuple[float, float]]]  # seconds of processor and clock, by way and phase


@contextmanager
def timed(spent: Spent, way: str, phase: str, parts: float = 1) -> Iterator[None]:
    """Add what passes meanwhile, shared among `parts` steps."""
    processor, clock = time.process_time(), time.perf_counter()
    yield
    spent[way, phase].append(((time.process_time() - processor) / parts, (time.perf_counter() - clock) / parts))


def towers(way: str, model: CLIP) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Both, from what they see to embeddings of any norm."""
    if way == "open_clip":
        return model.encode_image, model.encode_text
    first, second = _forward._towers(model)
    return partial(_forward._through, first), partial(_forward._through, second)


def optimizer(model: CLIP, recipe: Recipe, way: str) -> torch.optim.AdamW:
    """That of the training."""
    with as_(way):
        return _steps.optimizer([(name, p) for name, p in model.named_parameters() if p.requires_grad], recipe)


def one_step(spent: Spent, way: str, model: CLIP, recipe: Recipe, adamw: torch.optim.Optimizer, views: Any) -> None:
    """A step in its parts."""
    names = ("images", "captions")
    found, leaves = [], []
    for name, tower, view in zip(names, towers(way, model), views, strict=True):
        with timed(spent, way, f"{name} forward"):
            found.append(tower(view))
        leaves.append(found[-1].detach().requires_grad_())
    with timed(spent, way, "loss"):
        x, y = (F.normalize(leaf, dim=-1) for leaf in leaves)
        loss = _steps.objective(recipe, x, y, model.logit_scale.exp())
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
    for name, rows, leaf in zip(names, found, leaves, strict=True):
        with timed(spent, way, f"{name} backward"):
            rows.backward(leaf.grad)  # type: ignore[no-untyped-call, unused-ignore]
    with timed(spent, way, "optimiser"):
        adamw.step()
        adamw.zero_grad(set_to_none=True)


@contextmanager
def as_(way: str) -> Iterator[None]:
    """Trainings within go that way."""
    if way == "mindgap":
        yield
        return
    plain = partial(torch.optim.AdamW, fused=False)

    def adamw(groups: Any, **options: Any) -> torch.optim.AdamW:
        return plain(groups, **{name: value for name, value in options.items() if name != "fused"})

    with (
        mock.patch.object(_forward, "forward", lambda model, *views: model(*views)),
        mock.patch.object(_forward, "encode", miniclip.encode),
        mock.patch.object(torch.optim, "AdamW", adamw),
    ):
        yield


def multiplied(recipe: Recipe, way: str) -> dict[str, float]:
    """How many floating-point operations the matrix products of a step are, by phase."""
    model, views = miniclip.build(recipe), next(_steps.batches(recipe, 0))
    spent: dict[str, float] = {}
    for name, tower, view in zip(("images", "captions"), towers(way, model), views, strict=True):
        with FlopCounterMode(display=False) as forward:
            rows = tower(view)
        with FlopCounterMode(display=False) as backward:
            rows.sum().backward()  # type: ignore[no-untyped-call, unused-ignore]
        spent |= {f"{name} forward": forward.get_total_flops(), f"{name} backward": backward.get_total_flops()}
    # Both directions share one product of b × d with d × b, and its backward takes two.
    return {**spent, "loss": 3 * 2 * recipe.batch_size**2 * recipe.embed_dim}


def phases(recipe: Recipe, threads: int, turns: int) -> list[dict[str, object]]:
    """A row a phase and way, on so many threads."""
    torch.set_num_threads(threads)
    spent: Spent = defaultdict(list)
    square, n = torch.randn(SIDE, SIDE), _steps._POOL_STEPS
    looks = len({step for step in _steps.milestones(recipe.steps) if step <= recipe.steps}) + 1
    pairs: Scenes = _steps.held_out(recipe)
    models = {way: miniclip.build(recipe).train() for way in WAYS}
    adamws = {way: optimizer(models[way], recipe, way) for way in WAYS}
    views = next(_steps.batches(recipe, 0))
    for turn in range(turns + 1):
        if turn == 1:
            spent.clear()  # the first one loads and warms up
        with timed(spent, "bound", "rate"):
            square @ square
        drawn: Scenes | None = None
        for way in WAYS:
            with timed(spent, way, "drawing", n):
                drawn = _steps.scenes_of(recipe, n * recipe.batch_size, turn)
            with timed(spent, way, "tokens", n):
                miniclip.views(drawn)
            one_step(spent, way, models[way], recipe, adamws[way], views)
            if turn % 3 == 0:
                with as_(way), timed(spent, way, "looks", recipe.steps / looks):
                    _steps.measured(models[way], recipe, pairs, 0)
    rate = 2 * SIDE**3 / statistics.median(processor for processor, _ in spent["bound", "rate"])
    rows: list[dict[str, object]] = []
    least = {way: multiplied(recipe, way) for way in WAYS}
    for way in WAYS:
        columns = {phase: [statistics.median(one) for one in zip(*spent[way, phase], strict=True)] for phase in PHASES}
        columns["step"] = [sum(one) for one in zip(*columns.values(), strict=True)]
        flops = {**least[way], "step": sum(least[way].values())}
        for phase, (processor, clock) in columns.items():
            bound = flops.get(phase, 0) / rate
            rows.append({
                "way": way, "threads": threads, "phase": phase, "processor_ms": f"{1000 * processor:.2f}",
                "clock_ms": f"{1000 * clock:.2f}", "gflop": f"{flops[phase] / 1e9:.2f}" if phase in flops else "",
                "bound_ms": f"{1000 * bound:.2f}" if phase in flops else "",
                "share_of_bound": f"{bound / processor:.2f}" if phase in flops else "",
                "gflop_per_s": f"{rate / 1e9:.0f}", "load": f"{os.getloadavg()[0]:.1f}",
            })  # fmt: skip
    return rows


def whole(recipe: Recipe, way: str) -> None:
    """Train the recipe, and print what came of it."""
    processor, clock = time.process_time(), time.perf_counter()
    with as_(way):
        last = training.train(recipe, progress=False).history[-1]
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    print(
        f"{way:10} seed {recipe.seed}: {processor:.0f} s of processor, {clock:.0f} s by the clock; gap {last.gap:.3f}, "
        f"R@1 {last.image_to_text:.3f} and {last.text_to_image:.3f}, loss {last.loss:.3f}",
        flush=True,
    )


def main() -> None:
    """Print the tables, and write the first if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--whole", type=int, nargs="+", default=[], metavar="SEED", help="train whole from these seeds")
    given = parser.parse_args()
    introduce()
    available = torch.get_num_threads()
    rows: list[dict[str, object]] = []
    for threads in sorted({1, available}):
        rows += phases(Recipe(), threads, given.turns)
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"{threads} thread{'s' if threads > 1 else ''}, {load}, milliseconds a step: processor (clock)")
        print(f"{'':20}{'open_clip':>18}{'mindgap':>18}{'products':>12}{'bound':>8}{'share':>8}")
        named = {(row["way"], row["phase"]): row for row in rows if row["threads"] == threads}
        for phase in (*PHASES, "step"):
            both = [named[way, phase] for way in WAYS]
            times = "".join(f"{row['processor_ms']:>9} {'(' + str(row['clock_ms']) + ')':>8}" for row in both)
            print(f"{phase:20}{times}{both[1]['gflop']:>12}{both[1]['bound_ms']:>8}{both[1]['share_of_bound']:>8}")
        step = named["open_clip", "step"]
        print(f"open_clip's step multiplies {step['gflop']} GFLOP, bound {step['bound_ms']} ms", flush=True)
    if given.csv:
        write([{**machine(), **row} for row in rows], given.csv)
    for seed in given.whole:
        for way in WAYS:
            whole(Recipe(seed=seed), way)


if __name__ == "__main__":
    main()
