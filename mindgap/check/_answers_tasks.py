"""Answers to the exercises of chapter 7: what a shift is worth to those who use embeddings."""

from __future__ import annotations

from functools import cache
from typing import Any

from mindgap import geometry, metrics, miniclip, scenes, zeroshot
from mindgap.check._expect import clip_rows, exercise, expect
from mindgap.check._feedback import Failed


@cache
def _leaning() -> tuple[tuple[str, float], ...]:
    """The shapes, from the one whose label leans furthest towards the images."""
    model = miniclip.load("0.01")
    delta = geometry.gap_vector(*miniclip.encode(model, scenes.draw(4000, seed=98)))
    task = zeroshot.scene_task("shape", 2, words="short")
    weights = zeroshot.class_weights(lambda texts: miniclip.encode_texts(model, texts), task.texts)
    found = dict(zip(task.classes, (weights @ delta).tolist(), strict=True))
    return tuple(sorted(found.items(), key=lambda item: -item[1]))


@exercise("ex-matter-bonus", "the bonus of a label is there before any image is looked at")
def matter_bonus(value: Any) -> None:
    names = [name for name, _ in _leaning()]
    wanted = (names[0], names[-1])
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise Failed(f"expected the names of two shapes, got {value!r}")
    given = tuple(str(one).strip().lower().removeprefix("a ") for one in value)
    if given == wanted:
        return
    if given == wanted[::-1]:
        raise Failed("the other way round: a wider gap is a negative λ.")
    if unknown := [name for name in given if name not in names]:
        raise Failed(f"expected two of {', '.join(names)}, got {unknown[0]!r}")
    raise Failed("these two are not the ends of the list. Sort all eight by the product of their weight with Δ.")


@cache
def _gains() -> tuple[float, float]:
    """What choosing gains on 50,000 images: on average, and what one test set in forty exceeds."""
    found = zeroshot.selection_gain(50_000, 0.7, 0.1, draws=4000)
    return float(found.mean()), float(found.quantile(0.975))


@exercise("ex-matter-size", "the gain by choice falls with the root of the number, as every error of counting does")
def matter_size(value: Any) -> None:
    mean, rare = _gains()
    n = 50_000 * (mean / 0.001) ** 2
    expect(
        value,
        {"the number of images": n},
        {
            "that is in proportion to the gain, not to its square": 10_000 * (5**0.5) * mean / 0.001,
            "that is for a gain of one per cent": n / 100,
            "that is for the gain that one test set in forty exceeds": 50_000 * (rare / 0.001) ** 2,
        },
        within=1 / 7,
    )


@cache
def _counts() -> dict[int, int]:
    """For ten and for five answers: how many captions in the gallery bring R@k below one half."""
    photographs, captions = clip_rows()
    return {
        k: next(count for count in range(500) if metrics.mixed_recall_at_k(captions, photographs, k, count / 500) < 0.5)
        for k in (10, 5)
    }


@exercise("ex-matter-share", "as many captions as there are places on the first page, and it is full of them")
def matter_share(value: Any) -> None:
    clip_rows()  # says so where they are missing, whatever was computed before
    ten, five = _counts()[10], _counts()[5]
    expect(
        value,
        {"the number for ten answers": ten, "the number for five answers": five},
        {
            "that is a share, not a number of captions": [ten / 500, five / 500],
            "the two are exchanged": [five, ten],
            "that is how many there may be, and more than half are still found": [ten - 1, five - 1],
        },
        within=0.01,
    )
