"""Train the small CLIP: one model, with files that keep an interrupted run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from mindgap import _files, _inputs, _unfinished, devices, miniclip, running
from mindgap.miniclip import CLIP, Trained
from mindgap.recipe import Measurement, Recipe
from mindgap.training import _forward, _steps
from mindgap.training._steps import LEAST_TEMPERATURE

__all__ = ["LEAST_TEMPERATURE", "PACKAGES", "Watch", "resumes_at", "train"]

PACKAGES = ("mindgap", "torch", "open_clip_torch")  # what the weights depend on
_HEADER = ("step", "history", "seconds")  # what an unfinished run keeps beside its recipe

Watch = Callable[[CLIP, int, Measurement | None], object]
"""Called after every step with the model, the number of the step, and what was measured there, if anything was."""


def train(
    recipe: Recipe,
    out: str | Path | None = None,
    force: bool = False,
    device: str | torch.device = "cpu",
    progress: bool = True,
    save_every: int = 100,
    watch: Watch | None = None,
) -> Trained:
    """Train a model by `recipe`, with its loss over each batch of pairs (§2, appendix).

    With `out` the model is saved there (see `miniclip.save`), and every `save_every` steps the unfinished run is
    saved beside it (`unfinished-…`) with the state of its optimiser. If such a file is there, the run goes on from
    it; it is removed once `out` is written. `force` replaces `out`, and an unfinished run of another recipe.

    `watch` is called after every step, and once before the first. If it returns something true the training ends
    there: the model and history so far are returned, and with `out` the unfinished run is kept instead of a model.

    `device` is the CPU unless you name another, or "auto" for `devices.device`.
    On the CPU of one machine, with one number of threads, the same recipe gives the same weights; on a GPU nearly so.

    Raises FileExistsError if `out` exists, and ValueError if the unfinished run beside it has another recipe or cannot
    be read, unless `force`; ValueError for a device that cannot be used, and where the training diverges; other errors
    for `out` are those of `miniclip.save`.
    """
    save_every = _inputs.count(save_every, "save_every")
    if out is not None:
        out = _files.free_path(out, force)
    device = devices.usable(device)
    model = miniclip.build(recipe).to(device)
    learned = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    optimizer = _steps.optimizer(learned, recipe)
    first, seconds, history = 0, 0.0, []
    if out is not None and (unfinished := _unfinished.read(out, asdict(recipe), *_HEADER, force=force)):
        header, tensors = unfinished
        first, seconds = header["step"], header["seconds"]
        history = [Measurement(**row) for row in header["history"]]
        _restore(model, optimizer, tensors)
    held_out, milestones = _steps.held_out(recipe), _steps.milestones(recipe.steps)
    began = time.perf_counter() - seconds

    if first == 0:
        history.append(_steps.measured(model, recipe, held_out, 0))
    ended = watch is not None and bool(watch(model, first, history[-1]))
    step = first
    model.train()
    with tqdm(
        total=recipe.steps, initial=first, disable=not progress, unit="step", desc="training", dynamic_ncols=True
    ) as bar:
        for step, views in enumerate(_steps.batches(recipe, first), start=first + 1):
            if ended:
                break
            for group in optimizer.param_groups:
                group["lr"] = _steps.learning_rate(recipe, step)
            if (temperature := _steps.temperature(recipe, step)) is not None:
                model.logit_scale.data.fill_(-math.log(temperature))
            found = _forward.forward(model, *(view.to(device) for view in views))
            with _steps.named_if_diverged(recipe, step):
                loss = _steps.objective(recipe, *found)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            optimizer.step()
            if recipe.learn_temperature:
                with torch.no_grad():
                    model.logit_scale.clamp_(0, math.log(1 / LEAST_TEMPERATURE))
            if step in milestones:
                history.append(_steps.measured(model, recipe, held_out, step))
                bar.set_postfix(loss=f"{history[-1].loss:.3f}", gap=f"{history[-1].gap:.2f}", refresh=False)
            ended = watch is not None and bool(watch(model, step, history[-1] if step in milestones else None))
            if out is not None and (step % save_every == 0 or step == recipe.steps or ended):
                _save_unfinished(out, recipe, model, optimizer, step, history, time.perf_counter() - began)
            bar.update()
            running.at(step / recipe.steps, f"training, step {step} of {recipe.steps}")
    trained = Trained(model.eval(), recipe, tuple(history), time.perf_counter() - began, _files.versions(*PACKAGES))
    if out is not None and step == recipe.steps:
        miniclip.save(trained, out, force)
        _unfinished.remove(out)
    return trained


def resumes_at(out: str | Path, recipe: Recipe, force: bool = False) -> int:
    """The step at which `train(recipe, out, force)` would go on, 0 if from the beginning.

    Raises ValueError, unless `force`, if the unfinished run has another recipe, naming the difference, or cannot be
    read.
    """
    unfinished = _unfinished.read(out, asdict(recipe), *_HEADER, force=force)
    return unfinished[0]["step"] if unfinished else 0


def _save_unfinished(
    out: Path,
    recipe: Recipe,
    model: CLIP,
    optimizer: torch.optim.Optimizer,
    step: int,
    history: list[Measurement],
    seconds: float,
) -> None:
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    header = {
        "recipe": asdict(recipe),
        "step": step,
        "history": [asdict(row) for row in history],
        "seconds": seconds,
        "versions": _files.versions(*PACKAGES),
    }
    _unfinished.write(out, header, tensors)


def _restore(model: CLIP, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    model.load_state_dict({name.removeprefix("model."): v for name, v in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
