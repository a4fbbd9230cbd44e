"""Flat shapes as signed distance functions, painted onto many small pictures at once.

An outline takes the offset of each pixel from the centre of its object, as `right` (m, 1, w) and `down` (m, h, 1) in
units of the object's radius, and gives the signed distance (m, h, w) to the shape's edge: negative inside, and exact
near straight edges, which is all that a soft edge one pixel wide needs. Keeping the axes apart makes the straight
lines cheap: a·right + b·down is one addition a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from urllib.parse import quote

import torch
from jaxtyping import Float, Int
from torch import Tensor

_TILE_ENTRIES = 2**19  # cover values held at once: 2 MB, so that a tile stays in cache

Right = Float[Tensor, "m 1 w"]
Down = Float[Tensor, "m h 1"]
Distance = Float[Tensor, "m h w"]


def _radius(right: Right, down: Down) -> Distance:
    return torch.sqrt(right.square() + down.square())


def _along(degrees: int, right: Right, down: Down) -> Distance:
    """Distance from the centre along a direction, in degrees clockwise from up."""
    return math.sin(math.radians(degrees)) * right - math.cos(math.radians(degrees)) * down


def _circle(right: Right, down: Down) -> Distance:
    return _radius(right, down) - 1


def _square(right: Right, down: Down) -> Distance:
    return torch.maximum(right.abs(), down.abs()) - 0.85


def _triangle(right: Right, down: Down) -> Distance:
    sides = [_along(degrees, right, down) for degrees in (60, 180, 300)]
    return torch.maximum(torch.maximum(sides[0], sides[1]), sides[2]) - 0.6


def _diamond(right: Right, down: Down) -> Distance:
    return (right.abs() + down.abs()) * math.sqrt(0.5) - 0.8


def _star(right: Right, down: Down) -> Distance:
    # Five lines make a pentagram; its points are beyond at most one of them, so the second largest distance decides.
    first, second = _along(0, right, down), _along(72, right, down)
    largest, runner_up = torch.maximum(first, second), torch.minimum(first, second)
    for degrees in (144, 216, 288):
        side = _along(degrees, right, down)
        runner_up = torch.maximum(runner_up, torch.minimum(largest, side))
        largest = torch.maximum(largest, side)
    return runner_up - 0.39


def _cross(right: Right, down: Down) -> Distance:
    across, along = right.abs(), down.abs()
    return torch.minimum(torch.maximum(across - 1, along - 0.36), torch.maximum(across - 0.36, along - 1))


def _ring(right: Right, down: Down) -> Distance:
    return (_radius(right, down) - 0.76).abs() - 0.28


def _heart(right: Right, down: Down) -> Distance:
    # A square of half diagonal .895 standing on its corner, and a disc on the middle of each of its upper sides.
    across, half = right.abs(), 0.895 * math.sqrt(0.5)
    square = (across + (down - 0.09).abs()) * math.sqrt(0.5) - half
    return torch.minimum(square, _radius(across - 0.895 / 2, down - 0.09 + 0.895 / 2) - half)


OUTLINES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "diamond": _diamond,
    "star": _star,
    "cross": _cross,
    "ring": _ring,
    "heart": _heart,
}


def paint(
    shape: Int[Tensor, "n k"],
    centre: Float[Tensor, "n k 2"],
    radius: Float[Tensor, "n k"],
    colour: Float[Tensor, "n k 3"],
    ground: Float[Tensor, " n"],
    size: int,
) -> Float[Tensor, "n 3 size size"]:
    """Up to k objects a picture, later ones over earlier ones, on a grey `ground`; (n, 3, size, size).

    `shape` counts through OUTLINES, −1 for no object. `centre` (right, down) and `radius` are in units of the
    picture's side. The cover of a pixel is clamp(½ − distance in pixels, 0, 1).
    """
    n, k = shape.shape
    axis = (torch.arange(size, device=ground.device) + 0.5) / size
    images = ground[:, None, None, None].expand(n, 3, size, size).clone()
    tile = max(1, _TILE_ENTRIES // (k * size * size))
    for start in range(0, n, tile):
        here = slice(start, start + tile)
        cover = images.new_zeros(len(shape[here]), k, size, size)
        for index, outline in enumerate(OUTLINES.values()):
            which = shape[here] == index
            r, middle = radius[here][which][:, None, None], centre[here][which]
            right, down = (axis - middle[:, :1])[:, None, :] / r, (axis - middle[:, 1:])[:, :, None] / r
            cover[which] = (0.5 - size * r * outline(right, down)).clamp_(0, 1)
        for layer in range(k):
            images[here].lerp_(colour[here, layer, :, None, None], cover[:, layer, None])
    return images


def _corners(*points: tuple[float, float]) -> str:
    """A polygon through (distance, degrees clockwise from up)."""
    places = [(r * math.sin(math.radians(a)), -r * math.cos(math.radians(a))) for r, a in points]
    return "M" + "L".join(f"{x:.3g},{y:.3g}" for x, y in places) + "z"


_TIP, _NOTCH = 0.39 / math.cos(math.radians(72)), 0.39 / math.cos(math.radians(36))
_HALF = 0.895 * math.sqrt(0.5)
_ROUND = "M{0},0A{0},{0} 0 1 1 -{0},0A{0},{0} 0 1 1 {0},0z"

PATHS: dict[str, str] = {
    "circle": _ROUND.format(1),
    "square": "M-.85-.85h1.7v1.7h-1.7z",
    "triangle": _corners((1.2, 0), (1.2, 120), (1.2, 240)),
    "diamond": _corners(*((0.8 * math.sqrt(2), degrees) for degrees in (0, 90, 180, 270))),
    "star": _corners(*((_TIP if i % 2 == 0 else _NOTCH, 36.0 * i) for i in range(10))),
    "cross": "M-.36-1h.72v.64h.64v.72h-.64v.64h-.72v-.64h-.64v-.72h.64z",
    # Drawn round the other way, the inner circle is left out.
    "ring": _ROUND.format(1.04) + "M.48,0A.48,.48 0 1 0 -.48,0A.48,.48 0 1 0 .48,0z",
    # A semicircle over each of the upper sides of the square, in place of those sides.
    "heart": f"M0,.985L-.895,.09A{_HALF:.3g},{_HALF:.3g} 0 0 1 0,-.805A{_HALF:.3g},{_HALF:.3g} 0 0 1 .895,.09z",
}
"""The outlines as paths of SVG, in units of the object's radius, in the order of OUTLINES."""


def svg(
    shape: Sequence[int],
    centre: Sequence[Sequence[float]],
    radius: Sequence[float],
    colour: Sequence[Sequence[float]],
    ground: float,
) -> str:
    """One picture as the address of an SVG; arguments are rows of those of `paint`."""

    def written(*channels: float) -> str:
        return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)

    paths = list(PATHS.values())
    drawn = "".join(
        f"<path transform='translate({100 * x:.1f},{100 * y:.1f})scale({100 * r:.1f})' fill='{written(*paint)}' "
        f"d='{paths[index]}'/>"
        for index, (x, y), r, paint in zip(shape, centre, radius, colour, strict=True)
        if index >= 0
    )
    frame = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100' width='96' height='96'>"
    picture = f"{frame}<path d='M0,0h100v100h-100z' fill='{written(ground, ground, ground)}'/>{drawn}</svg>"
    return "data:image/svg+xml," + quote(picture, safe=" =:/'-.,()")
