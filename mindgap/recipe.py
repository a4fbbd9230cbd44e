"""What determines a training run, and what is measured of it; without torch, since the command's help needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mindgap import _scalars

IMAGE_SIZE = 32
MODALITIES = ("image-text", "image-image", "text-text")


# The fields that are whole numbers of at least 0, 1 and 2.
_WHOLE = (("warmup",), ("steps", "width", "layers", "heads", "embed_dim"), ("batch_size",))


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training run.

    Towers: `width`, `layers` and `heads` are those of both transformers, `embed_dim` is the dimension of the shared
    sphere, `patch` the side of an image patch in pixels. `start` is "random", "aligned": the text tower is turned
    onto the untrained image tower by an orthogonal Procrustes map, which all but closes the initial gap (§4.4), or
    "mini": the weights of the shipped model of 1/100, to be trained on. `modalities` says what the two towers see:
    "image-text", or one modality in both, with unrelated weights: "image-image" or "text-text".

    Loss: `temperature` is fixed, or only the start of a learned one (`learn_temperature`), then clamped to at least
    1/100 as CLIP does.

    Data: `objects` a scene; `scenes` is how many there are to learn from, None for new ones at every step; `drop`
    names attributes that captions leave out; `mismatch` is the share of scenes whose captions are exchanged.

    Optimiser: AdamW over `steps` batches of `batch_size`; the learning rate rises over `warmup` steps and then falls as
    a cosine; `weight_decay` acts on matrices only. `seed` settles the initial weights and all data.

    Raises ValueError for a value outside its range, naming it.
    """

    temperature: float = 0.01
    learn_temperature: bool = False
    steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup: int = 50
    weight_decay: float = 0.1
    width: int = 64
    layers: int = 2
    heads: int = 4
    embed_dim: int = 64
    patch: int = 4
    start: str = "random"
    modalities: str = "image-text"
    objects: tuple[int, int] = (1, 3)
    scenes: int | None = None
    drop: tuple[str, ...] = ()
    mismatch: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check and normalise every field."""
        from mindgap import scenes  # which imports torch

        checked: dict[str, Any] = {
            name: _scalars.count(getattr(self, name), name, least)
            for least, names in enumerate(_WHOLE)
            for name in names
        }
        checked |= {name: _scalars.positive(getattr(self, name), name) for name in ("temperature", "learning_rate")}
        for name, most in (("weight_decay", math.inf), ("mismatch", 1.0)):
            checked[name] = _scalars.number(getattr(self, name), name)
            if not 0 <= checked[name] <= most:
                raise ValueError(f"{name}: expected a number from 0 to {most:g}, got {checked[name]:g}")
        if self.width % self.heads:
            raise ValueError(f"width: expected a multiple of heads ({self.heads}), got {self.width}")
        checked["patch"] = _scalars.count(self.patch, "patch", 1, IMAGE_SIZE)
        if IMAGE_SIZE % self.patch:
            raise ValueError(f"patch: expected a divisor of the image size {IMAGE_SIZE}, got {self.patch}")
        checked["start"] = _scalars.choice(self.start, "start", ("random", "aligned", "mini"))
        checked["modalities"] = _scalars.choice(self.modalities, "modalities", MODALITIES)
        if checked["modalities"] != "image-text":
            for name in ("start", "mismatch"):
                if checked[name] != getattr(Recipe, name):
                    raise ValueError(f"{name}: {checked[name]!r} needs images and texts, not {checked['modalities']}")
        checked["objects"] = scenes.span(self.objects)
        if self.scenes is not None:
            checked["scenes"] = _scalars.count(self.scenes, "scenes", checked["batch_size"])
        names = [self.drop] if isinstance(self.drop, str) else self.drop
        checked["drop"] = tuple(_scalars.choice(name, "drop", scenes.ATTRIBUTES) for name in names)
        checked["seed"] = _scalars.count(self.seed, "seed", 0, _scalars.LARGEST_SEED)
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def from_json(values: dict[str, Any]) -> Recipe:
    """The recipe whose `dataclasses.asdict` went through JSON, which knows lists but no tuples.

    Raises TypeError for an unknown field, and ValueError as Recipe does.
    """
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Recipe(**fields)


@dataclass(frozen=True)
class Measurement:
    """One look at a run, on 1,000 held-out scenes: contrastive `loss` in batches of the recipe, `gap` distance,
    R@1 in both directions, mean cosine within the images and within the texts, and the `temperature` of the moment;
    further alignment, uniformity and effective rank (see `metrics`), which models of earlier versions lack.
    """

    step: int
    loss: float
    gap: float
    image_to_text: float
    text_to_image: float
    image_cosine: float
    text_cosine: float
    temperature: float
    alignment: float | None = None
    image_uniformity: float | None = None
    text_uniformity: float | None = None
    image_rank: float | None = None
    text_rank: float | None = None
