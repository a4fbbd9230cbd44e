"""What the small CLIP in the page is held against: `python book/results/small_clip.py` (seconds).

500 drawn scenes and their captions, embedded by both shipped models; the map on which the page shows them, which is one
linear projection a model; and what the page opens with, four scenes with their captions, so that it has something to
show before anybody asks it to compute. `book/_ext/mindgap_clip.py` writes all of it into scripts.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mindgap import _files, geometry, miniclip, scenes
from mindgap._files import rounded

PATH = Path(__file__).parents[1] / "data/small_clip.json"
OTHERS, SEED = 500, 1
NEAREST = 3  # of the other captions, by name
AMONG = 10
WHOLE = 32767  # what a coordinate of 1 is written as: steps of 3e-5

START: list[list[tuple[str, str, str, str]]] = [
    [("large", "yellow", "star", "top left"), ("small", "blue", "circle", "bottom right")],
    [("large", "blue", "triangle", "centre")],
    [("small", "blue", "triangle", "centre")],  # differs from the one before in its size only
    [
        ("small", "purple", "ring", "top"),
        ("large", "red", "heart", "right"),
        ("small", "green", "square", "bottom left"),
    ],
]

Unit = Float[Tensor, "n d"]


def written(rows: Unit) -> str:
    """Coordinates from −1 to 1 as whole numbers of 16 bits, the lower byte first, in base64."""
    return base64.b64encode((rows * WHOLE).round().to(torch.int16).numpy().astype("<i2").tobytes()).decode()


def pair(i: int, x: Unit, y: Unit, u: Unit, v: Unit, other: list[bool]) -> dict[str, Any]:
    """What there is to say of caption i: how far it is from its picture, and what is nearer to it than that.

    `u` and `v` are the other scenes and captions; `other` says which of these say something else than caption i.
    """
    delta = geometry.gap_vector(u, v)
    apart = x[i] - y[i]
    own = float(x[i] @ y[i])
    kept = torch.tensor(other)
    captions, pictures = v @ y[i], (u @ y[i])[kept]
    ranked = torch.where(kept, captions, -2).topk(NEAREST)
    both = torch.cat([captions[kept], pictures])
    return {
        "own": own,
        "others": int(kept.sum()),
        "distance": float(apart.norm()),
        "along": float(apart @ delta / delta.norm()),
        "nearer": int((captions[kept] > own).sum()),
        "nearerPictures": int((pictures > own).sum()),
        "near": [[int(index), float(cosine)] for cosine, index in zip(ranked.values, ranked.indices, strict=True)],
        "ten": int((both.topk(AMONG).indices < int(kept.sum())).sum()),
    }


def of_model(name: str, others: scenes.Scenes, layout: scenes.Layout) -> dict[str, Any]:
    """One shipped model: the others in it, their map, and what it makes of the four scenes."""
    model = miniclip.load(name)
    u, v = (side.double() for side in miniclip.encode(model, others))
    captions = scenes.caption(layout.attributes)
    x = miniclip.encode_images(model, scenes.render(layout)).double()
    y = miniclip.encode_texts(model, captions).double()
    seen = geometry.shared_projection(u, v, gap_first=True)
    pairs = [pair(i, x, y, u, v, [one != captions[i] for one in others.captions]) for i in range(len(x))]
    return {
        "gap": rounded(geometry.gap_distance(u, v)),
        "recall": rounded(geometry.recall_at_k(u, v)),
        "basis": rounded(seen.basis.tolist(), 6),
        "center": rounded(seen.center.tolist(), 6),
        "map": [[[round(one, 3) for one in row] for row in side.tolist()] for side in (seen.x, seen.y)],
        "images": written(u),
        "texts": written(v),
        "start": rounded(
            {
                "cosines": (x @ y.T).tolist(),
                "pictures": seen.apply(x).tolist(),
                "captions": seen.apply(y).tolist(),
                "pairs": pairs,
            },
            5,
        ),
    }


def found() -> dict[str, Any]:
    others, layout = scenes.draw(OTHERS, SEED), scenes.compose(START)
    return {
        "recipe": {"others": OTHERS, "seed": SEED},
        "versions": _files.versions("torch", "open_clip_torch"),
        "scenes": START,
        "captions": list(others.captions),
        "models": {name: of_model(name, others, layout) for name in miniclip.shipped()},
    }


if __name__ == "__main__":
    _files.write_json(PATH, found())
    print(f"{PATH.name}: {OTHERS} scenes in {len(miniclip.shipped())} models")
