"""A CLIP small enough to train on a laptop: open_clip's own model class on drawn scenes and a closed vocabulary.

This module holds what a model is (recipe, towers, tokens, embeddings) and how it is kept; `mindgap.training` makes one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from mindgap import _files, _inputs, devices, geometry, scenes
from mindgap._extras import extra
from mindgap._files import SUFFIX
from mindgap._reprs import Readable, Shown
from mindgap.recipe import IMAGE_SIZE, Measurement, Recipe, from_json
from mindgap.scenes import Scenes

if TYPE_CHECKING:
    from open_clip.model import CLIP as CLIP
else:  # importing open_clip takes three seconds, and only `build` needs it
    from torch.nn import Module as CLIP

WEIGHTS = Path(__file__).parent / "weights"

_CAPTION_WORDS = " ".join((*scenes.SIZES, *scenes.COLOURS, *scenes.SHAPES, *scenes.PLACES, "a an and at on the thing"))
# CLIP reads the text embedding off the token with the highest number: "end" comes last.
VOCABULARY = ("<pad>", "<unknown>", "<start>", *dict.fromkeys(_CAPTION_WORDS.split()), "<end>")
_NUMBER = {word: number for number, word in enumerate(VOCABULARY)}
# The longest caption, "a small red star at the top left and …", between start and end.
FIRST_BIAS = -10.0  # of the sigmoid loss: at first nothing is taken for a pair, as hardly anything is one
CONTEXT_LENGTH = 8 * scenes.MOST_OBJECTS + (scenes.MOST_OBJECTS - 1) + 2


@dataclass(frozen=True, repr=False)
class Trained(Readable):
    """A trained model: an `open_clip.model.CLIP`, its recipe, its history (step 0 first), and how it was made.

    `pandas.DataFrame(trained.history)` is the history as a table. `seconds` is the time of the training, and
    `versions` names the libraries.
    """

    model: CLIP
    recipe: Recipe
    history: tuple[Measurement, ...]
    seconds: float
    versions: dict[str, str]

    def _shown(self) -> Shown:
        numbers = sum(parameter.numel() for parameter in self.model.parameters())
        ends = [self.history[0], self.history[-1]] if len(self.history) > 1 else list(self.history)
        return Shown(
            f"Trained {self.recipe.modalities} model of {numbers} parameters: temperature "
            f"{self.recipe.temperature:.3g}, seed {self.recipe.seed}, {self.seconds:.0f} s of training.",
            ("step", "loss", "gap", "R@1 image to text", "R@1 text to image"),
            [(row.step, row.loss, row.gap, row.image_to_text, row.text_to_image) for row in ends],
        )


def tokenize(captions: str | Sequence[str]) -> Int[Tensor, "n length"]:
    """Word numbers of each caption between start and end, padded: (n, 28) int64.

    Case and punctuation do not count, and words outside VOCABULARY become `"<unknown>"`.

    Raises ValueError for no captions, a caption without words, or one with more than 26 words.
    """
    captions = [captions] if isinstance(captions, str) else list(captions)
    if not captions:
        raise ValueError("captions: expected at least one, got none")
    tokens = []
    for row, text in enumerate(captions):
        if not isinstance(text, str):
            raise TypeError(f"captions: expected strings, got {type(text).__name__} in row {row}")
        words = re.findall(r"\w+", text.lower())
        if not 0 < len(words) <= CONTEXT_LENGTH - 2:
            raise ValueError(
                f"captions: expected 1 to {CONTEXT_LENGTH - 2} words each, "
                f"got {len(words)} in row {row} ({text[:40]!r})"
            )
        numbers = [_NUMBER["<start>"], *(_NUMBER.get(word, _NUMBER["<unknown>"]) for word in words), _NUMBER["<end>"]]
        tokens.append(numbers + [_NUMBER["<pad>"]] * (CONTEXT_LENGTH - len(numbers)))
    return torch.tensor(tokens)


def build(recipe: Recipe) -> CLIP:
    """An untrained `open_clip.model.CLIP` on the CPU, weights drawn from `recipe.seed`.

    With one modality in both towers it is open_clip's `CustomTextCLIP`, one of its towers replaced by a second one of
    the other's kind; `encode_image` is then still the first tower, and `encode_text` the second. open_clip draws from
    the global random state, which is given back as it was.
    """
    with extra("clip"):
        from open_clip import model as open_clip  # three seconds that only those who build a model should pay

    vision = open_clip.CLIPVisionCfg(
        layers=recipe.layers,
        width=recipe.width,
        head_width=recipe.width // recipe.heads,
        patch_size=recipe.patch,
        image_size=IMAGE_SIZE,
    )
    text = open_clip.CLIPTextCfg(
        layers=recipe.layers,
        width=recipe.width,
        heads=recipe.heads,
        context_length=CONTEXT_LENGTH,
        vocab_size=len(VOCABULARY),
    )
    towers = (recipe.embed_dim, vision, text)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)  # torch.manual_seed would also seed every GPU
        start: dict[str, float | None] = {
            "init_logit_scale": -math.log(recipe.cool_from or recipe.temperature),
            "init_logit_bias": FIRST_BIAS if recipe.loss == "sigmoid" else None,
        }
        if recipe.modalities == "image-text":
            model = open_clip.CLIP(*towers, **start)
            if recipe.shared:
                share(model)
        else:
            model = open_clip.CustomTextCLIP(*towers, **start)
            other = open_clip.CustomTextCLIP(*towers)  # drawn after the first, so with weights of its own
            if recipe.modalities == "image-image":
                model.text = other.visual
            else:
                model.visual = other.text
    model.modalities = recipe.modalities
    model.logit_scale.requires_grad_(recipe.learn_temperature)
    if recipe.start == "aligned":
        _align(model, recipe)
    elif recipe.start == "mini":
        _continue(model, recipe)
    return model


def share(model: CLIP) -> None:
    """Let the text tower use the transformer and the last projection of the image tower, from now on one for both."""
    model.transformer, model.text_projection = model.visual.transformer, model.visual.proj


def _continue(model: CLIP, recipe: Recipe) -> None:
    """Take over the weights of the shipped model trained at 1/100, all but its temperature."""
    weights = load().model.state_dict()
    if different := [name for name, value in model.state_dict().items() if weights[name].shape != value.shape]:
        raise ValueError(
            f"start: 'mini' needs the towers of the shipped model, but {different[0]} has another shape here"
        )
    model.load_state_dict({**weights, "logit_scale": model.logit_scale.detach()})


@torch.no_grad()
def _align(model: CLIP, recipe: Recipe) -> None:
    """Turn the text embeddings by the orthogonal R that minimises Σ‖x̂_i − ŷ_i R‖², absorbed in the last projection."""
    x, y = encode(model, scenes.draw(1000, seed=recipe.seed, objects=recipe.objects))
    left, _, right = torch.linalg.svd(y.T @ x)
    model.text_projection.copy_(model.text_projection @ left @ right)


def modalities_of(model: CLIP) -> tuple[str, str]:
    """What the two towers of a model see: ("image", "text"), unless `build` made it otherwise."""
    first, second = getattr(model, "modalities", "image-text").split("-")
    return first, second


def views(pairs: Scenes, modalities: str = "image-text") -> tuple[Shaped[Tensor, "n ..."], Shaped[Tensor, "n ..."]]:
    """What the two towers are given of captioned scenes: pictures, or the tokens of captions."""
    first, second = ((pairs.images if kind == "image" else tokenize(pairs.captions)) for kind in modalities.split("-"))
    return first, second


def encode_images(
    model: CLIP | Trained, images: Float[Tensor, "n 3 size size"], batch_size: int = 500
) -> Float[Tensor, "n d"]:
    """Unit image embeddings (n, d) float32 of the first tower, on the device of the model, without gradients.

    Raises ValueError unless the images have the 32 × 32 pixels the model was built for, and if it sees captions only.
    """
    return _through(model, 0, "image", images, batch_size)


def encode_texts(model: CLIP | Trained, captions: str | Sequence[str], batch_size: int = 500) -> Float[Tensor, "n d"]:
    """Unit text embeddings (n, d) float32 of the second tower, on the device of the model, without gradients.

    Raises ValueError as `tokenize` does, and if the model sees images only.
    """
    return _through(model, 1, "text", tokenize(captions), batch_size)


def encode(
    model: CLIP | Trained, pairs: Scenes, batch_size: int = 500
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """The unit embeddings (x, y) of captioned scenes by both towers; see `encode_images` and `encode_texts`."""
    kinds = modalities_of(_model(model))
    first, second = views(pairs, "-".join(kinds))
    return _through(model, 0, kinds[0], first, batch_size), _through(model, 1, kinds[1], second, batch_size)


def _model(model: CLIP | Trained) -> CLIP:
    return model.model if isinstance(model, Trained) else model


def _through(
    model: CLIP | Trained, tower: int, kind: str, inputs: Shaped[Tensor, "n ..."], batch_size: int
) -> Float[Tensor, "n d"]:
    """What one tower of a model makes of its inputs."""
    if kind == "image" and inputs.shape[-1] != IMAGE_SIZE:
        raise ValueError(f"images: expected {IMAGE_SIZE} pixels a side, got {inputs.shape[-1]}")
    model = _model(model)
    if modalities_of(model)[tower] != kind:
        raise ValueError(f"model: expected one that sees {kind}s, got one of {' and '.join(modalities_of(model))}")
    return _in_batches(model, (model.encode_image, model.encode_text)[tower], inputs, batch_size)


@torch.no_grad()
def _in_batches(
    model: CLIP, tower: Callable[[Tensor], Tensor], inputs: Tensor, batch_size: int
) -> Float[Tensor, "n d"]:
    training, device = model.training, next(model.parameters()).device
    model.eval()
    try:
        parts = [tower(part.to(device)) for part in torch.split(inputs, _inputs.count(batch_size, "batch_size"))]
    finally:
        model.train(training)
    return geometry.normalize(torch.cat(parts))


def shipped() -> tuple[str, ...]:
    """Names of the checkpoints that come with the package, by temperature: ("0.01", "0.07")."""
    return tuple(sorted(path.stem.removeprefix("mini-") for path in WEIGHTS.glob("mini-*.safetensors")))


FIRST = "0.01"
"""The shipped checkpoint that is taken where none is named."""


def checkpoint(name: str = FIRST) -> Path:
    """The file of one of `shipped()`. Raises ValueError for an unknown name, with near matches."""
    return WEIGHTS / f"mini-{_inputs.choice(name, 'name', shipped())}{SUFFIX}"


def load(name: str | Path = FIRST, device: str | torch.device = "cpu") -> Trained:
    """A trained model: one of `shipped()` by name, or any checkpoint of `save` by its path (ending in .safetensors).

    Nothing is unpickled. Raises ValueError for an unknown name (with near matches), a damaged file, a file that is not
    a mindgap model, one whose weights do not fit its recipe, or a device that cannot be used; FileNotFoundError for a
    path that is not there.
    """
    path = _files.user_path(name, "name") if Path(name).suffix == SUFFIX else checkpoint(str(name))
    device = devices.usable(device)
    header, weights = _files.read_tensors(path)
    if "step" in header:
        raise ValueError(
            f"{path}: an unfinished run (step {header['step']}), not a trained model; "
            "run the same training again to finish it"
        )
    try:
        recipe = from_json(header["recipe"])
        model = build(recipe)
        model.load_state_dict(weights)
        history = tuple(Measurement(**row) for row in header["history"])
        return Trained(model.to(device).eval(), recipe, history, header["seconds"], header["versions"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: not a model of this version of mindgap ({error})") from None


def save(trained: Trained, path: str | Path, force: bool = False) -> Path:
    """Write a model with its recipe, history and versions as one safetensors file, whole or not at all.

    Raises FileExistsError if `path` exists, unless `force`; ValueError if it does not end in .safetensors;
    FileNotFoundError if its folder does not exist.
    """
    path = _files.free_path(path, force, SUFFIX)
    header = {
        "recipe": asdict(trained.recipe),
        "history": [asdict(row) for row in trained.history],
        "seconds": trained.seconds,
        "versions": trained.versions,
    }
    _files.write_tensors(path, header, trained.model.state_dict())
    return path
