"""What happens at each step of a training: its batch, its learning rate, and what is measured.

Every batch depends on the recipe and its step alone, so that an interrupted run goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mindgap import geometry, metrics, miniclip, scenes
from mindgap.landscape import contrastive_loss, sigmoid_loss
from mindgap.miniclip import CLIP
from mindgap.recipe import IMAGE_SIZE, Measurement, Recipe
from mindgap.scenes import Scenes
from mindgap.training import _forward

HELD_OUT = 1000
LEAST_TEMPERATURE = 0.01  # CLIP's bound for a learned one: a logit scale of at most 100
HELD_OUT_SEED = 20220303  # one test set for all recipes; training seeds are hashes and do not meet it
_POOL_STEPS = 16  # new scenes are drawn for so many steps at once


def parameter_groups(
    named: Iterable[tuple[str, Tensor]], weight_decay: float, stacked: int = 0
) -> list[dict[str, Any]]:
    """Weight decay on matrices alone: not on biases, norms, embeddings or the temperature.

    `stacked` is the number of leading dimensions that parameters have beside their own.
    """
    groups: dict[bool, list[Tensor]] = {True: [], False: []}
    for name, parameter in named:
        groups[parameter.ndim > 1 + stacked and "embedding" not in name].append(parameter)
    return [{"params": groups[True], "weight_decay": weight_decay}, {"params": groups[False], "weight_decay": 0.0}]


def optimizer(named: Iterable[tuple[str, Tensor]], recipe: Recipe, stacked: int = 0) -> torch.optim.AdamW:
    """AdamW as the recipe wants it, of parameters (`stacked` ones: see `parameter_groups`)."""
    groups = parameter_groups(named, recipe.weight_decay, stacked)
    on_cpu = all(parameter.device.type == "cpu" for group in groups for parameter in group["params"])
    # One pass over each parameter: on a CPU, where torch would take ten, a third of the time.
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98), fused=on_cpu or None)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear over the warm-up; times a cosine from 1 to 0 over the whole run, if that is the schedule."""
    rate = recipe.learning_rate * min(1, step / max(1, recipe.warmup))
    return rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2 if recipe.schedule == "cosine" else rate


def temperature(recipe: Recipe, step: int) -> float | None:
    """That of a step, if it cools: from the first to the last by one factor a step. None where it does not."""
    if recipe.cool_from is None:
        return None
    return float(recipe.cool_from * (recipe.temperature / recipe.cool_from) ** (step / recipe.steps))


def objective(
    recipe: Recipe,
    x: Float[Tensor, "b d"],
    y: Float[Tensor, "b d"],
    scale: Float[Tensor, ""],
    bias: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """The loss of a batch by the recipe, as open_clip's models return it: unit rows, 1/τ and, with it, a bias."""
    return contrastive_loss(x, y, 1 / scale) if bias is None else sigmoid_loss(x, y, 1 / scale, bias)


def milestones(steps: int) -> set[int]:
    """Steps to measure at: about evenly spread on a log axis, and the last."""
    return {leading * 10**power for power in range(9) for leading in (1, 2, 3, 5, 7)} | {steps}


@contextmanager
def named_if_diverged(recipe: Recipe, step: int) -> Iterator[None]:
    """Around what refuses embeddings that are not finite: the error then names the step and the likely reason."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"learning_rate: the training has diverged by step {step} ({error}); "
            f"a lower one than {recipe.learning_rate:g}, or a longer warm-up, may help"
        ) from error


def measured(model: CLIP, recipe: Recipe, pairs: Scenes, step: int) -> Measurement:
    """One look at a model, on `pairs`. Raises ValueError if its embeddings are NaN or infinite by now."""
    with named_if_diverged(recipe, step):
        x, y = _forward.encode(model, pairs)
    return Measurement(
        step=step,
        loss=_loss(model, recipe, x, y),
        gap=geometry.gap_distance(x, y),
        image_to_text=geometry.recall_at_k(x, y),
        text_to_image=geometry.recall_at_k(y, x),
        image_cosine=geometry.mean_cosine(x),
        text_cosine=geometry.mean_cosine(y),
        temperature=float(1 / model.logit_scale.detach().exp()),
        alignment=metrics.alignment(x, y),
        image_uniformity=metrics.uniformity(x),
        text_uniformity=metrics.uniformity(y),
        image_rank=metrics.effective_rank(x),
        text_rank=metrics.effective_rank(y),
    )


@torch.no_grad()
def _loss(model: CLIP, recipe: Recipe, x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> float:
    """That of the recipe, over batches of its size; a rest is dropped."""
    size = min(recipe.batch_size, len(x))
    learned = [one for one in (model.logit_scale.exp(), getattr(model, "logit_bias", None)) if one is not None]
    batches = zip(x.split(size), y.split(size), strict=True)
    losses = [float(objective(recipe, *batch, *learned)) for batch in batches if len(batch[0]) == size]
    return sum(losses) / len(losses)


def held_out(recipe: Recipe) -> Scenes:
    """The scenes that every model of these captions and objects is measured on."""
    return scenes_of(recipe, HELD_OUT, HELD_OUT_SEED)


def scenes_of(recipe: Recipe, n: int, seed: int) -> Scenes:
    """New scenes as the recipe wants them, captions not mismatched."""
    drawn = scenes.draw(n, seed, IMAGE_SIZE, recipe.objects)
    return replace(drawn, captions=scenes.caption(drawn.attributes, recipe.drop))


def batches(recipe: Recipe, first: int) -> Iterator[tuple[Shaped[Tensor, "b ..."], Shaped[Tensor, "b ..."]]]:
    """What both towers see at steps `first` … recipe.steps − 1: each a function of the recipe and of its step alone.

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
                drawn = scenes_of(recipe, n, _seed(recipe, "scenes", which))
                drawn = scenes.mismatch(drawn, recipe.mismatch, _seed(recipe, "mismatch", which))
                first_view, second_view = miniclip.views(drawn, recipe.modalities)
            shuffle = torch.Generator().manual_seed(_seed(recipe, "order", pool))
            order, loaded = torch.randperm(n, generator=shuffle), pool
        chosen = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
        yield first_view[chosen], second_view[chosen]


def _seed(recipe: Recipe, purpose: str, index: int) -> int:
    """An independent seed for each purpose and index, far from the small numbers people use."""
    entropy = [recipe.seed, int.from_bytes(purpose.encode(), "little"), index]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
