"""Train many small CLIPs side by side, as one model with one more dimension: the way to use a GPU.

A model this small leaves a GPU idle. So the parameters of k models are stacked, and `torch.func.vmap` runs all of them
in the operations of one.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm.auto import tqdm

from mindgap import _files, devices, miniclip, running, training
from mindgap.miniclip import Trained
from mindgap.recipe import Recipe
from mindgap.training import _steps

FREE = ("temperature", "learn_temperature", "start", "objects", "scenes", "drop", "mismatch", "seed")
"""The fields in which recipes trained side by side may differ: all that change neither shapes nor steps."""


def shape_of(recipe: Recipe) -> tuple[object, ...]:
    """What recipes must share to be trained side by side."""
    return tuple(value for name, value in asdict(recipe).items() if name not in FREE)


def train_together(
    recipes: Sequence[Recipe], device: str | torch.device = "cpu", progress: bool = True
) -> list[Trained]:
    """Train a model by each of `recipes`, all in the same steps; the models are those of `training.train`.

    They are equal up to rounding, which training amplifies. The recipes may differ in `FREE` only. Worth its while
    on a GPU: a CPU is busy with one model. `seconds` is the time of all.

    Raises ValueError for no recipes, for recipes of different shapes, for a device that cannot be used, and where a
    training diverges.
    """
    recipes = list(recipes)
    if not recipes:
        raise ValueError("recipes: expected at least one, got none")
    for name, value in asdict(recipes[0]).items():
        if different := [r for r in recipes if name not in FREE and asdict(r)[name] != value]:
            raise ValueError(
                f"recipes: expected the same {name} in all that train side by side, "
                f"got {value!r} and {asdict(different[0])[name]!r}"
            )
    device, shared, began = devices.usable(device), recipes[0], time.perf_counter()
    models = [miniclip.build(recipe).to(device).train() for recipe in recipes]
    held_out = [_steps.held_out(recipe) for recipe in recipes]
    histories = [[_steps.measured(*one, 0)] for one in zip(models, recipes, held_out, strict=True)]
    learns = torch.tensor([recipe.learn_temperature for recipe in recipes], device=device)
    for model in models:
        model.logit_scale.requires_grad_(True)  # stacked parameters are learned by all or by none: see the mask below
    parameters, buffers = stack_module_state(models)
    skeleton = copy.deepcopy(models[0]).to("meta")
    if shared.shared:
        miniclip.share(skeleton)  # the move has made two parameters of the one projection
    optimizer = _steps.optimizer(parameters.items(), shared, stacked=1)

    def loss(parameters: dict[str, Tensor], buffers: dict[str, Tensor], first: Tensor, second: Tensor) -> Tensor:
        return _steps.objective(shared, *functional_call(skeleton, (parameters, buffers), (first, second)))

    milestones = _steps.milestones(shared.steps)
    bar = tqdm(total=shared.steps, disable=not progress, unit="step", desc=f"{len(recipes)} models", dynamic_ncols=True)
    for step, views in enumerate(zip(*(_steps.batches(recipe, 0) for recipe in recipes), strict=True), start=1):
        for group in optimizer.param_groups:
            group["lr"] = _steps.learning_rate(shared, step)
        if shared.cool_from is not None:
            cooled = torch.tensor([_steps.temperature(recipe, step) for recipe in recipes], device=device)
            parameters["logit_scale"].data.copy_(-cooled.log())
        first, second = (torch.stack(side).to(device) for side in zip(*views, strict=True))
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no rule for vmap
            losses = torch.vmap(loss)(parameters, buffers, first, second)
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call, unused-ignore]
        # A gradient of zero moves nothing: AdamW adds no decay to the temperature.
        parameters["logit_scale"].grad.mul_(learns)
        optimizer.step()
        with torch.no_grad():
            scale = parameters["logit_scale"]
            scale.copy_(torch.where(learns, scale.clamp(0, math.log(1 / _steps.LEAST_TEMPERATURE)), scale))
        if step in milestones:
            _unstack(models, parameters)
            for history, model, recipe, pairs in zip(histories, models, recipes, held_out, strict=True):
                history.append(_steps.measured(model, recipe, pairs, step))
        bar.update()
        running.at(step / shared.steps, f"training {len(recipes)} models, step {step} of {shared.steps}")
    bar.close()
    seconds, versions = time.perf_counter() - began, _files.versions(*training.PACKAGES)
    for model, recipe in zip(models, recipes, strict=True):
        model.logit_scale.requires_grad_(recipe.learn_temperature)
    return [
        Trained(model.eval(), recipe, tuple(history), seconds, versions)
        for model, recipe, history in zip(models, recipes, histories, strict=True)
    ]


@torch.no_grad()
def _unstack(models: Sequence[torch.nn.Module], parameters: dict[str, Tensor]) -> None:
    """Give every model its own slice of the stacked parameters."""
    for i, model in enumerate(models):
        for name, parameter in model.named_parameters():
            parameter.copy_(parameters[name][i])
