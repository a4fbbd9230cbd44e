"""Train the small CLIP.

Every batch depends on the recipe and its step alone, so that an interrupted run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from mindgap import _files, _inputs, geometry, metrics, miniclip, scenes
from mindgap._files import working_path
from mindgap.recipe import CLIP, Measurement, Recipe, Trained, from_json
from mindgap.scenes import Scenes

HELD_OUT = 1000
PACKAGES = ("mindgap", "torch", "open_clip_torch")  # what the weights depend on
LEAST_TEMPERATURE = 0.01  # CLIP's bound for a learned one: a logit scale of at most 100
_POOL_STEPS = 16  # new scenes are drawn for so many steps at once
_HELD_OUT_SEED = 20220303  # one test set for all recipes; training seeds are hashes and do not meet it


def train(
    recipe: Recipe,
    out: str | Path | None = None,
    force: bool = False,
    device: str | torch.device = "cpu",
    progress: bool = True,
    save_every: int = 100,
) -> Trained:
    """Train a model by `recipe`, with the symmetric contrastive loss over each batch of n pairs (§2, appendix).

        L = ½ · 1/n Σ_i [−log softmax_j(x̂_i·ŷ_j / τ)_i − log softmax_j(x̂_j·ŷ_i / τ)_i]

    With `out` the model is saved there (see `miniclip.save`), and every `save_every` steps the unfinished run is
    saved beside it (`working_path`) with the state of its optimiser. If such a file is there, the run goes on from
    it; it is removed once `out` is written. `force` replaces `out`, and an unfinished run of another recipe.

    On the CPU of one machine, with one number of threads, the same recipe gives the same weights; on a GPU nearly so.

    Raises FileExistsError if `out` exists, and ValueError if the unfinished run beside it has another recipe, unless
    `force`; ValueError for a device that cannot be used; other errors for `out` are those of `miniclip.save`.
    """
    save_every = _inputs.count(save_every, "save_every")
    model = miniclip.build(recipe).to(_inputs.device(device))
    optimizer = torch.optim.AdamW(_parameter_groups(model, recipe), lr=recipe.learning_rate, betas=(0.9, 0.98))
    first, seconds, history = 0, 0.0, []
    if out is not None:
        out = _files.free_path(out, force)
        if unfinished := _unfinished(out, recipe, force):
            header, tensors = unfinished
            first, seconds = header["step"], header["seconds"]
            history = [Measurement(**row) for row in header["history"]]
            _restore(model, optimizer, tensors)
    held_out = _scenes(recipe, HELD_OUT, _HELD_OUT_SEED)
    milestones = _milestones(recipe.steps)
    began = time.perf_counter() - seconds

    if first == 0:
        history.append(_measure(model, recipe, held_out, 0))
    steps = tqdm(total=recipe.steps, initial=first, disable=not progress, unit="step", desc="training")
    model.train()
    for step, (images, tokens) in enumerate(_batches(recipe, first), start=first + 1):
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(recipe, step)
        x, y = (
            model.encode_image(images.to(device), normalize=True),
            model.encode_text(tokens.to(device), normalize=True),
        )
        loss = contrastive_loss(x, y, model.logit_scale.exp())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if recipe.learn_temperature:
            with torch.no_grad():
                model.logit_scale.clamp_(0, math.log(1 / LEAST_TEMPERATURE))
        if step in milestones:
            history.append(_measure(model, recipe, held_out, step))
            steps.set_postfix(loss=f"{history[-1].loss:.3f}", gap=f"{history[-1].gap:.2f}", refresh=False)
        if out is not None and (step % save_every == 0 or step == recipe.steps):
            _save_unfinished(out, recipe, model, optimizer, step, history, time.perf_counter() - began)
        steps.update()
    steps.close()
    trained = Trained(model.eval(), recipe, tuple(history), time.perf_counter() - began, _files.versions(*PACKAGES))
    if out is not None:
        miniclip.save(trained, out, force)
        working_path(out).unlink()
    return trained


def contrastive_loss(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], scale: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """The symmetric cross-entropy of `train` for unit rows, with logits scale · x̂_i·ŷ_j, scale = 1/τ."""
    logits = scale * x @ y.T
    own = torch.arange(len(x), device=x.device)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def resumes_at(out: str | Path, recipe: Recipe, force: bool = False) -> int:
    """The step at which `train(recipe, out, force)` would go on, 0 if from the beginning.

    Raises ValueError, unless `force`, if the unfinished run has another recipe, naming the difference.
    """
    unfinished = _unfinished(Path(out), recipe, force)
    return unfinished[0]["step"] if unfinished else 0


def _unfinished(out: Path, recipe: Recipe, force: bool) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
    """Header and tensors of the unfinished run towards `out`, None if the run starts from the beginning."""
    path = working_path(out)
    if not path.exists():
        return None
    header, tensors = _files.read_tensors(path)
    there = asdict(from_json(header["recipe"]))
    return (header, tensors) if _files.same_recipe(path, there, asdict(recipe), force) else None


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
    _files.write_tensors(working_path(out), header, tensors)


def _restore(model: CLIP, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    model.load_state_dict({name.removeprefix("model."): v for name, v in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _parameter_groups(model: CLIP, recipe: Recipe) -> list[dict[str, Any]]:
    """Weight decay on matrices alone: not on biases, norms, embeddings or the temperature."""
    learned = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in learned if p.ndim > 1 and "embedding" not in name]
    others = [p for name, p in learned if p.ndim <= 1 or "embedding" in name]
    return [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]


def _learning_rate(recipe: Recipe, step: int) -> float:
    """Linear over the warm-up, times a cosine from 1 to 0 over the whole run."""
    return (
        recipe.learning_rate * min(1, step / max(1, recipe.warmup)) * (1 + math.cos(math.pi * step / recipe.steps)) / 2
    )


def _milestones(steps: int) -> set[int]:
    """Steps to measure at: about evenly spread on a log axis, and the last."""
    return {leading * 10**power for power in range(9) for leading in (1, 2, 3, 5, 7)} | {steps}


def _measure(model: CLIP, recipe: Recipe, held_out: Scenes, step: int) -> Measurement:
    x, y = miniclip.encode(model, held_out)
    scale = model.logit_scale.detach().exp()
    size = min(recipe.batch_size, len(x))
    starts = range(0, len(x) - size + 1, size)
    return Measurement(
        step=step,
        loss=float(np.mean([contrastive_loss(x[i : i + size], y[i : i + size], scale).item() for i in starts])),
        gap=geometry.gap_distance(x, y),
        image_to_text=geometry.recall_at_k(x, y),
        text_to_image=geometry.recall_at_k(y, x),
        image_cosine=geometry.mean_cosine(x),
        text_cosine=geometry.mean_cosine(y),
        temperature=float(1 / scale),
        alignment=metrics.alignment(x, y),
        image_uniformity=metrics.uniformity(x),
        text_uniformity=metrics.uniformity(y),
        image_rank=metrics.effective_rank(x),
        text_rank=metrics.effective_rank(y),
    )


def _scenes(recipe: Recipe, n: int, seed: int) -> Scenes:
    """New scenes as the recipe wants them, captions not mismatched."""
    drawn = scenes.draw(n, seed, miniclip.IMAGE_SIZE, recipe.objects)
    return replace(drawn, captions=scenes.caption(drawn.attributes, recipe.drop))


def _batches(recipe: Recipe, first: int) -> Iterator[tuple[Float[Tensor, "b 3 s s"], Int[Tensor, "b length"]]]:
    """The batches of steps `first` … recipe.steps − 1, each a function of the recipe and of its step alone.

    With new scenes they come in pools of a few steps; with a fixed set, each epoch shuffles it and drops the rest.
    """
    n = recipe.scenes or _POOL_STEPS * recipe.batch_size
    steps_a_pool = n // recipe.batch_size
    loaded = -1
    for step in range(first, recipe.steps):
        pool, position = divmod(step, steps_a_pool)
        if pool != loaded:
            if loaded == -1 or recipe.scenes is None:
                which = 0 if recipe.scenes else pool
                drawn = _scenes(recipe, n, _seed(recipe, "scenes", which))
                drawn = scenes.mismatch(drawn, recipe.mismatch, _seed(recipe, "mismatch", which))
                tokens = miniclip.tokenize(drawn.captions)
            shuffle = torch.Generator().manual_seed(_seed(recipe, "order", pool))
            order, loaded = torch.randperm(n, generator=shuffle), pool
        chosen = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
        yield drawn.images[chosen], tokens[chosen]


def _seed(recipe: Recipe, purpose: str, index: int) -> int:
    """An independent seed for each purpose and index, far from the small numbers people use."""
    entropy = [recipe.seed, int.from_bytes(purpose.encode(), "little"), index]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
