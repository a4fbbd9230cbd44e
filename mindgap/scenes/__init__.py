"""Drawn scenes with captions: paired data of two modalities, from nothing but a seed.

A scene is one to three flat objects on a grey ground. Its caption names four attributes of each object: size, colour,
shape and place. The picture holds more than that: where within its place an object lies, how large "large" is, its
exact hue, the grey of the ground. So images carry more information than texts, as photographs do, and how much
less the texts carry is in the reader's hands (`caption` can drop attributes, `mismatch` exchanges captions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindgap import _inputs
from mindgap._reprs import Readable, Shown
from mindgap.scenes import _drawing

SHAPES = tuple(_drawing.OUTLINES)
COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
SIZES = ("small", "large")
PLACES = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
ATTRIBUTES = ("shape", "colour", "size", "place")
MOST_OBJECTS = 3

# Hue in degrees, saturation, value. Neighbouring hues stay apart under the jitter below.
_HSV = torch.tensor(
    [
        (0, 0.85, 0.90),
        (30, 0.95, 1.00),
        (54, 0.90, 0.95),
        (125, 0.75, 0.65),
        (183, 0.80, 0.80),
        (225, 0.80, 0.85),
        (275, 0.65, 0.65),
        (330, 0.50, 1.00),
    ],
    dtype=torch.float64,
)
_HUE_JITTER, _VALUE_JITTER = 6.0, 0.06
_GROUND = (0.5, 0.95)

# In units of the picture's side. Places are so far apart that neighbours may touch but never hide each other.
_CENTRES = torch.tensor([0.19, 0.5, 0.81], dtype=torch.float64)
_PLACE_JITTER = 0.025
_RADII = torch.tensor([0.10, 0.15], dtype=torch.float64)
_RADIUS_JITTER = 0.02


@dataclass(frozen=True, repr=False)
class Attributes(Readable):
    """What captions say: one index an object into SHAPES, COLOURS, SIZES and PLACES, −1 where there is no object.

    Each is (n, 3), int64. Objects stand in reading order of their places, so that a full caption and its attributes
    determine each other.
    """

    shape: Int[Tensor, "n 3"]
    colour: Int[Tensor, "n 3"]
    size: Int[Tensor, "n 3"]
    place: Int[Tensor, "n 3"]

    def _shown(self) -> Shown:
        names = dict(zip(ATTRIBUTES, (SHAPES, COLOURS, SIZES, PLACES), strict=True))

        def words(kind: str, scene: int) -> str:
            return ", ".join(names[kind][i] for i in getattr(self, kind)[scene].tolist() if i >= 0)

        rows = [(scene, *(words(kind, scene) for kind in names)) for scene in range(min(len(self), 3))]
        return Shown(f"Attributes of the objects in {len(self)} scenes; the first:", ("scene", *names), rows)

    def __len__(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: slice | Int[Tensor, " m"] | list[int]) -> Attributes:
        """The attributes of some of the scenes, by slice or by indices."""
        return Attributes(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True, repr=False)
class Layout(Readable):
    """Everything a drawing needs, free of pixels: positions and lengths are in units of the picture's side.

    `centre` is (n, 3, 2) as (right, down) from the top left corner, `radius` (n, 3), `paint` (n, 3, 3) the red, green
    and blue of each object, `ground` (n,) the grey behind them. Rows without an object are never read.
    """

    attributes: Attributes
    centre: Float[Tensor, "n 3 2"]
    radius: Float[Tensor, "n 3"]
    paint: Float[Tensor, "n 3 3"]
    ground: Float[Tensor, " n"]

    def _shown(self) -> Shown:
        objects = (self.attributes.shape >= 0).sum(dim=1).tolist()
        return Shown(
            f"Layout of {len(objects)} scenes, by how many objects they have:",
            ("objects", "scenes"),
            [(many, objects.count(many)) for many in sorted(set(objects))],
        )


@dataclass(frozen=True, repr=False)
class Scenes(Readable):
    """n pictures, float32 in [0, 1], with n captions, and the `attributes` of the objects in the pictures."""

    images: Float[Tensor, "n 3 size size"]
    captions: tuple[str, ...]
    attributes: Attributes

    def __len__(self) -> int:
        return len(self.captions)

    def _shown(self) -> Shown:
        size = self.images.shape[-1]
        return Shown(
            f"Scenes: {len(self)} pictures of {size} × {size} pixels with captions; the first:",
            ("scene", "caption"),
            list(enumerate(self.captions[:3])),
        )


def draw(n: int, seed: int = 0, size: int = 32, objects: tuple[int, int] = (1, 3)) -> Scenes:
    """n captioned scenes of `size` × `size` pixels with objects[0] to objects[1] objects each, all equally likely.

    The same `seed` gives the same bytes, the same scenes at any `size` (only sharper), and the scenes of a smaller n
    are the first ones of a larger n. The global random state is neither read nor changed.

    Raises ValueError unless n ≥ 1, 8 ≤ size, 1 ≤ objects[0] ≤ objects[1] ≤ 3 and 0 ≤ seed < 2³².
    """
    size = _inputs.count(size, "size", 8)
    layout = arrange(n, seed, objects)
    return Scenes(render(layout, size), caption(layout.attributes), layout.attributes)


def arrange(n: int, seed: int = 0, objects: tuple[int, int] = (1, 3)) -> Layout:
    """The layouts of n random scenes, before any pixel is drawn; arguments and errors as for `draw`."""
    n, seed = _inputs.count(n, "n"), _inputs.count(seed, "seed", 0, _inputs.LARGEST_SEED)
    least, most = span(objects)
    # One call and a fixed number of columns: scene i depends on the seed and on i alone.
    u = torch.rand(n, 11 + 8 * MOST_OBJECTS, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    present = torch.arange(MOST_OBJECTS) < least + _index(u[:, :1], most - least + 1)
    # Distinct places by sorting one random key a place; then in reading order, absent objects last.
    place = u[:, 1:10].argsort(dim=1, stable=True)[:, :MOST_OBJECTS]
    place = place.masked_fill(~present, len(PLACES)).sort(dim=1).values
    shape, colour, size, right, down, radius, hue, value = u[:, 11:].reshape(n, MOST_OBJECTS, 8).unbind(dim=2)
    attributes = Attributes(
        *(
            column.masked_fill(~present, -1)
            for column in (_index(shape, len(SHAPES)), _index(colour, len(COLOURS)), _index(size, len(SIZES)), place)
        )
    )
    cell = place.clamp(max=len(PLACES) - 1)
    corner = torch.stack([_CENTRES[cell % 3], _CENTRES[cell // 3]], dim=2)
    hsv = _HSV[attributes.colour]
    return Layout(
        attributes,
        centre=(corner + _PLACE_JITTER * (2 * torch.stack([right, down], dim=2) - 1)).float(),
        radius=(_RADII[attributes.size] + _RADIUS_JITTER * radius).float(),
        paint=_rgb(
            hsv[..., 0] + _HUE_JITTER * (2 * hue - 1),
            hsv[..., 1],
            (hsv[..., 2] + _VALUE_JITTER * (2 * value - 1)).clamp(max=1),
        ).float(),
        ground=(_GROUND[0] + (_GROUND[1] - _GROUND[0]) * u[:, 10]).float(),
    )


def compose(objects: Sequence[Sequence[Sequence[str]]], ground: float = sum(_GROUND) / 2) -> Layout:
    """The layouts of chosen scenes, in which nothing is random: every object as its words have it.

    `objects` has a scene an entry, each of one to three objects in the words of a caption: size, colour, shape and
    place, such as `[[("large", "red", "circle", "top left")], …]`. An object lies in the middle of its place, with the
    middle radius of its size and the middle hue of its colour, before a grey `ground`; no two objects share a place.

    Raises ValueError for no scenes, another number of objects, an unknown word (with near matches), two objects at one
    place, or a ground outside 0 to 1.
    """
    ground = _inputs.number(ground, "ground")
    if not 0 <= ground <= 1:
        raise ValueError(f"ground: expected a number from 0 to 1, got {ground:g}")
    if not len(objects):
        raise ValueError("objects: expected at least one scene, got none")
    numbers = torch.full((len(ATTRIBUTES), len(objects), MOST_OBJECTS), -1)
    for row, scene in enumerate(objects):
        if not 1 <= len(scene) <= MOST_OBJECTS:
            raise ValueError(f"objects[{row}]: expected 1 to {MOST_OBJECTS} objects, got {len(scene)}")
        found = sorted((_numbers(one, f"objects[{row}][{k}]") for k, one in enumerate(scene)), key=lambda one: one[3])
        if len({one[3] for one in found}) < len(found):
            raise ValueError(f"objects[{row}]: expected objects at different places, got two at one")
        numbers[:, row, : len(found)] = torch.tensor(found).T
    attributes = Attributes(*numbers)
    cell = attributes.place.clamp(min=0)
    hsv = _HSV[attributes.colour]
    return Layout(
        attributes,
        centre=torch.stack([_CENTRES[cell % 3], _CENTRES[cell // 3]], dim=2).float(),
        radius=(_RADII[attributes.size] + _RADIUS_JITTER / 2).float(),
        paint=_rgb(hsv[..., 0], hsv[..., 1], hsv[..., 2]).float(),
        ground=torch.full((len(objects),), ground),
    )


def _numbers(words: Sequence[str], name: str) -> list[int]:
    """One object's words as the numbers of its attributes, in the order of ATTRIBUTES."""
    if isinstance(words, str) or len(words) != len(ATTRIBUTES):
        raise ValueError(f"{name}: expected its size, colour, shape and place, got {words!r}")
    size, colour, shape, place = words
    return [
        kinds.index(_inputs.choice(word, f"{kind} of {name}", kinds))
        for kind, word, kinds in zip(
            ATTRIBUTES, (shape, colour, size, place), (SHAPES, COLOURS, SIZES, PLACES), strict=True
        )
    ]


def span(objects: object) -> tuple[int, int]:
    if not isinstance(objects, Sequence) or len(objects) != 2:
        raise ValueError(f"objects: expected a pair (least, most), got {objects!r}")
    least = _inputs.count(objects[0], "objects[0]", 1, MOST_OBJECTS)
    return least, _inputs.count(objects[1], "objects[1]", least, MOST_OBJECTS)


def _index(u: Float[Tensor, "n m"], options: int) -> Int[Tensor, "n m"]:
    return (u * options).long().clamp(max=options - 1)


def _rgb(hue: Float[Tensor, "n 3"], saturation: Float[Tensor, "n 3"], value: Float[Tensor, "n 3"]) -> Tensor:
    """HSV (hue in degrees) to RGB: each channel is the same trapezium of the hue, a third of a turn apart."""
    turned = (torch.tensor([5, 3, 1], dtype=hue.dtype) + hue[..., None] / 60) % 6
    away = torch.minimum(turned, 4 - turned).clamp(0, 1)
    return value[..., None] * (1 - saturation[..., None] * away)


def render(layout: Layout, size: int = 32) -> Float[Tensor, "n 3 size size"]:
    """Draw the layouts at `size` × `size` pixels, (n, 3, size, size) float32 in [0, 1], on the device of the layout.

    Objects are laid over each other in the order of the attributes, each with a soft edge one pixel wide.

    Raises ValueError unless 8 ≤ size.
    """
    size = _inputs.count(size, "size", 8)
    return _drawing.paint(layout.attributes.shape, layout.centre, layout.radius, layout.paint, layout.ground, size)


def pictures(layout: Layout) -> tuple[str, ...]:
    """The layouts as addresses of small SVG pictures that hold themselves, `data:image/svg+xml,…`, for web pages.

    The same shapes as `render` draws, in some three hundred characters a scene.
    """
    rows = zip(
        layout.attributes.shape.tolist(),
        layout.centre.tolist(),
        layout.radius.tolist(),
        layout.paint.tolist(),
        layout.ground.tolist(),
        strict=True,
    )
    return tuple(_drawing.svg(*row) for row in rows)


def caption(attributes: Attributes, drop: Sequence[str] = ()) -> tuple[str, ...]:
    """What each scene shows, such as "a large red circle at the top left and a small blue star at the centre".

    `drop` names attributes to leave out: "shape", "colour", "size", "place". An object without its shape is "a thing".

    Raises ValueError for an unknown attribute in `drop`, or if a scene has no object.
    """
    dropped = {_inputs.choice(name, "drop", ATTRIBUTES) for name in ([drop] if isinstance(drop, str) else drop)}
    columns = [getattr(attributes, name).tolist() for name in ATTRIBUTES]
    captions: list[str] = []
    for scene in zip(*columns, strict=True):
        objects = [_phrase(values, dropped) for values in zip(*scene, strict=True) if values[0] >= 0]
        if not objects:
            raise ValueError(f"attributes: expected at least one object a scene, got none in row {len(captions)}")
        captions.append(" and ".join(objects))
    return tuple(captions)


def _phrase(values: Sequence[int], dropped: set[str]) -> str:
    shape, colour, size, place = values
    words = [] if "size" in dropped else [SIZES[size]]
    words += [] if "colour" in dropped else [COLOURS[colour]]
    words += ["thing" if "shape" in dropped else SHAPES[shape]]
    article = "an" if words[0][0] in "aeiou" else "a"
    where = "" if "place" in dropped else f" {'on' if PLACES[place] in ('left', 'right') else 'at'} the {PLACES[place]}"
    return f"{article} {' '.join(words)}{where}"


def exchange(n: int, share: float, seed: int = 0) -> Int[Tensor, " n"]:
    """A permutation of 0 … n − 1 that moves round(share · n) randomly chosen entries, every one, and leaves the rest.

    The chosen entries form one random cycle, so none keeps its place. One entry alone cannot move: two do then.

    Raises ValueError unless n ≥ 1 and 0 ≤ share ≤ 1, and for a share above 0 of a single entry.
    """
    n, share = _inputs.count(n, "n"), _inputs.number(share, "share")
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected a number from 0 to 1, got {share:g}")
    moved = round(share * n)
    moved = 2 if moved == 1 else moved
    if moved > n:
        raise ValueError(f"share: expected 0 where there is one entry to exchange, got {share:g}")
    seed = _inputs.count(seed, "seed", 0, _inputs.LARGEST_SEED)
    chosen = torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:moved]
    order = torch.arange(n)
    order[chosen] = chosen.roll(1)
    return order


def mismatch(scenes: Scenes, share: float, seed: int = 0) -> Scenes:
    """The same pictures, with captions exchanged among a random `share` of them; attributes stay the pictures' own.

    Raises ValueError as `exchange` does.
    """
    order = exchange(len(scenes), share, seed).tolist()
    return replace(scenes, captions=tuple(scenes.captions[i] for i in order))
