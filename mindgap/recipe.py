"""What determines a training, or the experiment of many seeds, and what is measured of a training.

Without torch: the options of the command are these fields, with the help that stands beside each, and its help must
answer at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from mindgap import _scalars
from mindgap._reprs import Readable, Shown, digits

IMAGE_SIZE = 32
MODALITIES = ("image-text", "image-image", "text-text")
STARTS = ("random", "aligned", "mini")
SCHEDULES = ("cosine", "constant")
LOSSES = ("softmax", "sigmoid")
TOWERS = ("resnet18", "ViT-B-32:image", "ViT-B-32:text")
"""The three towers of Fig 2."""

INPUTS = ("noise", "scenes")
SHOWN = 20  # points of each cloud that a figure can hold

COLDEST = 1e-6
"""The lowest temperature: float32 tells cosines apart that differ by 1e-7."""


def option(default: Any, text: str, panel: str | None = None) -> Any:
    """A field of a dataclass that is an option of the command, with its help and the panel it stands in."""
    return field(default=default, metadata={"help": text, "panel": panel})


def tower_parts(tower: str) -> tuple[str, str]:
    """The architecture of a tower, and which half of it: "image" or "text". Raises ValueError for another form."""
    if tower == "resnet18":
        return tower, "image"
    architecture, colon, half = str(tower).partition(":")
    if not colon:
        _scalars.choice(tower, "towers", [*TOWERS, "RN50:image", "RN50:text"])
    return architecture, _scalars.choice(half, f"half of {architecture}", ("image", "text"))


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

    `shared` gives both towers one transformer and one last projection, so that they differ in their first layer alone
    (as in AlignCLIP, 2025).

    Loss: `temperature` is fixed, or only the start of a learned one (`learn_temperature`), then clamped to at least
    1/100 as CLIP does. With `cool_from` it falls from there to `temperature` by the same factor at every step. `loss`
    is "softmax", the symmetric contrastive one, or "sigmoid", that of SigLIP, whose bias is learned from −10.

    Data: `objects` a scene; `scenes` is how many there are to learn from, None for new ones at every step; `drop`
    names attributes that captions leave out; `mismatch` is the share of scenes whose captions are exchanged.

    Optimiser: AdamW over `steps` batches of `batch_size`; the learning rate rises over `warmup` steps, and after that
    `schedule` "cosine" lets it fall to 0 at the last step, while "constant" keeps it, so that a long run passes through
    every shorter one; `weight_decay` acts on matrices only. `seed` settles the initial weights and all data.

    Raises ValueError for a value outside its range, naming it.
    """

    temperature: float = option(0.01, "Temperature τ of the loss: .01 keeps a gap, .07 all but closes it.")
    learn_temperature: bool = option(False, "Learn τ, starting from --temperature; never below 1/100.")
    cool_from: float | None = option(None, "Begin at this temperature and cool to --temperature.")
    loss: str = option("softmax", "softmax, or sigmoid as in SigLIP, with a learned bias.")
    steps: int = option(1000, "Batches to train on.", "Optimiser")
    batch_size: int = option(128, "Pairs a batch.", "Optimiser")
    learning_rate: float = option(2e-3, "Peak, at the end of the warm-up.", "Optimiser")
    warmup: int = option(50, "Steps of rising rate.", "Optimiser")
    schedule: str = option("cosine", "After the warm-up: cosine, to 0 at the last step, or constant.", "Optimiser")
    weight_decay: float = option(0.1, "AdamW's, on matrices.", "Optimiser")
    width: int = option(64, "Of both transformers.", "Towers")
    layers: int = option(2, "Of both transformers.", "Towers")
    heads: int = option(4, "Attention heads a layer.", "Towers")
    embed_dim: int = option(64, "Dimension of the shared sphere.", "Towers")
    patch: int = option(4, "Image patch, pixels a side.", "Towers")
    start: str = option("random", "random, aligned (by a Procrustes map), or mini (the shipped weights).", "Towers")
    shared: bool = option(False, "One transformer and one projection for both.", "Towers")
    modalities: str = option("image-text", "What both see: image-text, image-image or text-text.", "Towers")
    objects: tuple[int, int] = option((1, 3), "Least and most objects a scene.", "Data")
    scenes: int | None = option(None, "Size of a fixed training set; without it, new scenes all along.", "Data")
    drop: tuple[str, ...] = option((), "What captions leave out: shape, colour, size or place; repeatable.", "Data")
    mismatch: float = option(0.0, "Share of scenes with exchanged captions.", "Data")
    seed: int = option(0, "Settles initial weights and data.")

    def __post_init__(self) -> None:
        """Check and normalise every field."""
        from mindgap import scenes  # which imports torch

        checked: dict[str, Any] = {
            name: _scalars.count(getattr(self, name), name, least)
            for least, names in enumerate(_WHOLE)
            for name in names
        }
        checked |= {name: _scalars.positive(getattr(self, name), name) for name in ("temperature", "learning_rate")}
        if checked["temperature"] < COLDEST:
            raise ValueError(
                f"temperature: expected a number at least {COLDEST:g}, below which float32 cannot tell logits apart, "
                f"got {checked['temperature']:g}"
            )
        for name, most in (("weight_decay", math.inf), ("mismatch", 1.0)):
            checked[name] = _scalars.number(getattr(self, name), name)
            if not 0 <= checked[name] <= most:
                raise ValueError(f"{name}: expected a number from 0 to {most:g}, got {checked[name]:g}")
        if self.width % self.heads:
            raise ValueError(f"width: expected a multiple of heads ({self.heads}), got {self.width}")
        checked["patch"] = _scalars.count(self.patch, "patch", 1, IMAGE_SIZE)
        if IMAGE_SIZE % self.patch:
            raise ValueError(f"patch: expected a divisor of the image size {IMAGE_SIZE}, got {self.patch}")
        checked["schedule"] = _scalars.choice(self.schedule, "schedule", SCHEDULES)
        checked["start"] = _scalars.choice(self.start, "start", STARTS)
        checked["shared"] = bool(self.shared)
        checked["loss"] = _scalars.choice(self.loss, "loss", LOSSES)
        if self.cool_from is not None:
            checked["cool_from"] = _scalars.positive(self.cool_from, "cool_from")
            if self.learn_temperature:
                raise ValueError("cool_from: expected none where the temperature is learned")
        checked["modalities"] = _scalars.choice(self.modalities, "modalities", MODALITIES)
        if checked["modalities"] != "image-text":
            for name in ("start", "mismatch", "shared"):
                if checked[name] != getattr(Recipe, name):
                    raise ValueError(f"{name}: {checked[name]!r} needs images and texts, not {checked['modalities']}")
        if self.shared and checked["start"] != "random":
            raise ValueError(f"start: {checked['start']!r} needs towers of their own, not shared ones")
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
class SeedsRecipe:
    """What the experiment of many seeds computes (`mindgap.seeds`): `seeds` initialisations (0, 1, …) of each tower on
    `n` inputs of each kind, from `data_seed`. Of each cloud the first `shown` points are kept as coordinates (None: 20,
    or all of fewer); `umap` adds those of UMAP to those of PCA.

    Raises ValueError for a value outside its range, naming it, and for `umap` where umap-learn is not installed.
    Whether open_clip knows an architecture is seen when it is built.
    """

    towers: tuple[str, ...] = option(
        TOWERS, "resnet18, or half of an open_clip architecture, such as RN50:image; repeatable."
    )
    inputs: tuple[str, ...] = option(INPUTS, "noise or scenes; repeatable.")
    seeds: int = option(25, "Initialisations of each tower.")
    n: int = option(64, "Inputs of each kind.")
    shown: int | None = option(None, f"Points of each cloud to keep; {SHOWN} without it, or all of fewer.")
    data_seed: int = option(0, "Seed of the inputs.")
    umap: bool = option(False, "UMAP coordinates too (needs umap-learn).")

    def __post_init__(self) -> None:
        """Check and normalise every field."""
        for name in ("towers", "inputs"):
            given = list(getattr(self, name))
            if not given or len(set(given)) < len(given):
                raise ValueError(
                    f"{name}: expected at least one, each of them once, got {', '.join(map(str, given)) or 'none'}"
                )
        for tower in self.towers:
            tower_parts(tower)
        for kind in self.inputs:
            _scalars.choice(kind, "inputs", INPUTS)
        n = _scalars.count(self.n, "n", 2)
        checked = {
            "seeds": _scalars.count(self.seeds, "seeds", 2),
            "n": n,
            "shown": min(n, SHOWN) if self.shown is None else _scalars.count(self.shown, "shown", 1, n),
            "data_seed": _scalars.count(self.data_seed, "data_seed", 0, _scalars.LARGEST_SEED),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.umap and find_spec("umap") is None:
            raise ValueError(
                "umap: expected the package umap-learn, which is not installed; pip install umap-learn, or leave it out"
            )


@dataclass(frozen=True, repr=False)
class Measurement(Readable):
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

    def _shown(self) -> Shown:
        alignment = "" if self.alignment is None else f", alignment {digits(self.alignment)}"
        return Shown(
            f"Measurement at step {self.step}: loss {digits(self.loss)}, gap {digits(self.gap)}{alignment}, "
            f"temperature {self.temperature:.3g}.",
            ("", "image", "text"),
            [
                ("R@1", self.image_to_text, self.text_to_image),
                ("mean cosine", self.image_cosine, self.text_cosine),
                ("uniformity", self.image_uniformity, self.text_uniformity),
                ("effective rank", self.image_rank, self.text_rank),
            ],
        )
