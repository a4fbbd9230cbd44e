"""Free points on a sphere: where they begin, that they go down the gradient, and what is measured and kept of them.

That the page takes the same steps is in tests/browser/test_playground.py.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from book.results import playground as stored
from book.results import playground_clip
from mindgap import contrastive_loss, gap_distance, load_pairs, metrics, playground, recall_at_k, results
from mindgap.landscape import sigmoid_loss
from mindgap.playground import Options, _random, _steps

REFERENCE = json.loads((Path(__file__).parent / "javascript/reference.json").read_text(encoding="utf-8"))
KEPT = json.loads(results.path("playground.json").read_text(encoding="utf-8"))


# ---- random numbers


def test_random_numbers_are_those_of_the_page() -> None:
    """The same reference values as in tests/javascript/random.test.js."""
    for seed, stream, step, expected in REFERENCE["words"]:
        assert _random.words(seed, stream, step, len(expected)).tolist() == expected
    assert _random.gaussians(7, 1, 0, 3).tolist() == pytest.approx(REFERENCE["gaussians"], abs=1e-15)
    assert _random.chosen(5, 3, 9, 10, 4) == REFERENCE["chosen"]


def test_gaussians_are_gaussian() -> None:
    z = _random.gaussians(1, 2, 3, 40_001)
    assert z.shape == (40_001,)
    error = 1 / math.sqrt(len(z))
    assert float(z.mean()) == pytest.approx(0, abs=4 * error)
    assert float((z**2).mean()) == pytest.approx(1, abs=4 * math.sqrt(2) * error)
    assert float((z**4).mean()) == pytest.approx(3, abs=4 * math.sqrt(96) * error)
    assert float((z[:-1] * z[1:]).mean()) == pytest.approx(0, abs=4 * error)


# ---- options


@pytest.mark.parametrize(("given", "words"), [
    ({"n": 1}, r"n: expected a whole number from 2 to 200, got 1"),
    ({"d": 4}, r"d: expected one of 2, 3, 8, 32, got 4"),
    ({"start": "cone"}, r"start: unknown name 'cone'; did you mean 'cones'"),
    ({"loss": "infonce"}, r"loss: unknown name 'infonce'"),
    ({"schedule": "cosine"}, r"schedule: unknown name"),
    ({"temperature": 100}, r"temperature: expected a number from 0.005 to 2, got 100"),
    ({"image_width": 0}, r"image_width: expected a number from 1 to 180, got 0"),
    ({"rate": math.nan}, r"rate: expected a finite number"),
    ({"redrawn": 1.5}, r"redrawn: expected a number from 0 to 1"),
    ({"captions": 0}, r"captions: expected a whole number from 1 to 10"),
    ({"batch": 201}, r"batch: expected a whole number from 0 to 200"),
    ({"seed": 2**32}, r"seed: expected a whole number from 0 to 4294967295"),
])  # fmt: skip
def test_wrong_options_are_refused_by_name(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**given)


@pytest.mark.parametrize(("change", "words"), [
    ((3, "n", 20), r"changes: unknown name 'n'"),
    ((-1, "rate", 0.1), r"changes: expected a whole number of at least 0|changes: expected a whole number at least 0"),
    ((3, "rate", 9), r"rate: expected a number from 0.001 to 2, got 9"),
])  # fmt: skip
def test_wrong_changes_are_refused(change: tuple[int, str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        playground.run(Options(n=4), 5, [change])
    with pytest.raises(ValueError, match="steps: expected a whole number"):
        playground.run(Options(n=4), -1)


# ---- starts


def angles(rows: Tensor, axis: Tensor) -> Tensor:
    return (rows @ axis).clamp(-1, 1).acos().rad2deg()


@pytest.mark.parametrize("d", playground.DIMENSIONS)
def test_two_cones_have_their_widths_and_their_angle(d: int) -> None:
    state = playground.begin(Options(n=200, d=d, angle=70, image_width=20, text_width=50))
    half = math.radians(35)
    for rows, side, width in ((state.images, 1, 20), (state.texts, -1, 50)):
        axis = torch.zeros(d, dtype=torch.float64)
        axis[:2] = torch.tensor([math.cos(half), side * math.sin(half)])
        assert rows.shape == (200, d)
        assert rows.dtype == torch.float64
        assert rows.norm(dim=1).tolist() == pytest.approx([1.0] * 200)
        off = angles(rows, axis)
        assert float(off.max()) <= width + 1e-6
        # Even over the disc that the cone is, as far as it is flat: U^(1 / (d − 1)) of the width.
        assert float(off.mean()) == pytest.approx(width * (d - 1) / d, abs=0.12 * width)


def test_opposite_cones_lie_opposite_and_mixed_points_anywhere() -> None:
    state = playground.begin(Options(n=200, start="opposite", angle=10, image_width=15, text_width=15))
    assert float(state.images.mean(dim=0) @ state.texts.mean(dim=0)) < -0.9
    mixed = playground.begin(Options(n=200, start="mixed"))
    assert gap_distance(mixed.images, mixed.texts) < 0.25
    assert float(mixed.images.mean(dim=0).norm()) < 0.2


def test_seeds_differ_and_repeat() -> None:
    one, again, other = (playground.begin(Options(seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(one.images, again.images)
    assert not torch.equal(one.images, other.images)
    assert not torch.equal(one.images, one.texts)


def test_clips_axes_are_those_of_the_shipped_features() -> None:
    found = playground_clip.measured()
    kept = json.loads(results.path("playground_clip.json").read_text(encoding="utf-8"))
    assert kept["recipe"] == found["recipe"]
    for side in ("images", "texts"):
        now, before = torch.tensor(found[side]), torch.tensor(kept[side])
        assert before.shape == (200, 32)
        # Of another processor's singular vectors a number may fall to the next thousandth.
        assert int((now - before).abs().max()) <= 1
    images, texts = playground.clip_start()
    pairs = load_pairs("clip")
    x, y = (torch.nn.functional.normalize(side[:200].double()) for side in (pairs.x, pairs.y))
    assert float((images - texts).mean(dim=0).norm()) == pytest.approx(gap_distance(x, y), abs=1e-3)  # its two axes
    assert float((images.mean(dim=0) - texts.mean(dim=0))[2:].abs().max()) < 1e-3
    state = playground.begin(Options(n=20, start="clip", captions=3))
    assert torch.allclose(state.images, torch.nn.functional.normalize(images[:20, :3]))
    assert torch.allclose(state.texts, torch.nn.functional.normalize(texts[:20:3, :3]))


# ---- steps

CASES = {
    "softmax": Options(n=12),
    "batches": Options(n=12, batch=5, seed=4),
    "redrawn": Options(n=12, redrawn=0.5),
    "captions": Options(n=13, captions=3),
    "sigmoid": Options(n=12, loss="sigmoid", bias=-2),
    "learned": Options(n=12, schedule="learned", temperature=0.2),
    "learned sigmoid": Options(n=12, loss="sigmoid", bias=-2, schedule="learned", temperature=0.2),
    "all of it": Options(n=20, d=8, batch=11, redrawn=0.4, captions=2, loss="sigmoid", schedule="learned", seed=9),
}


@pytest.mark.parametrize("name", CASES)
def test_a_step_goes_down_the_gradient_of_the_loss(name: str) -> None:
    """Held against autograd of the losses that the chapters use."""
    options = CASES[name]
    state = replace(playground.begin(options), step=5)
    rows, columns = _steps.drawn(options, 5)
    images, texts = (side.clone().requires_grad_() for side in (state.images, state.texts))
    sharpness = torch.tensor(-math.log(state.temperature), dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(state.bias, dtype=torch.float64, requires_grad=True)
    x, y = images[rows], texts[columns]
    if options.loss == "softmax":
        loss = contrastive_loss(x, y, (-sharpness).exp())
    else:
        loss = sigmoid_loss(x, y, (-sharpness).exp(), bias)
    loss.backward()
    after = playground.advance(state, options)
    scale = options.rate * len(rows) * state.temperature
    for before, found in ((images, after.images), (texts, after.texts)):
        assert before.grad is not None
        # The losses normalise their rows, so that their gradient lies along the sphere already.
        expected = torch.nn.functional.normalize(before.detach() - scale * before.grad)
        assert torch.allclose(found, expected, atol=1e-12)
    learned = options.schedule == "learned"
    assert sharpness.grad is not None
    further = math.exp(-0.1 * options.rate * float(sharpness.grad)) if learned else 1
    assert state.temperature / after.temperature == pytest.approx(further, rel=1e-12)
    if learned and options.loss == "sigmoid":
        assert bias.grad is not None
        assert after.bias == pytest.approx(state.bias - 0.1 * options.rate * float(bias.grad), rel=1e-12)
    else:
        assert after.bias == state.bias
    assert after.step == 6


def test_batches_are_different_pairs_and_partners_are_redrawn_as_often_as_said() -> None:
    options = Options(n=100, batch=30, redrawn=0.3)
    changed = 0
    for step in range(200):
        rows, columns = _steps.drawn(options, step)
        assert len(set(rows)) == len(rows) == 30
        changed += sum(row != column for row, column in zip(rows, columns, strict=True))
    share = changed / 6000
    assert share == pytest.approx(0.3 * 99 / 100, abs=4 * math.sqrt(0.3 * 0.7 / 6000))
    assert _steps.drawn(Options(n=9, batch=100), 3) == (list(range(9)), list(range(9)))


def test_small_steps_lower_the_loss() -> None:
    for options in (Options(rate=0.005, temperature=0.2), Options(rate=0.005, loss="sigmoid", temperature=0.2)):
        losses = [one.loss for one in playground.run(options, 60).moments]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < 0.95 * losses[0]


def test_an_annealed_temperature_gets_where_it_should_and_stays() -> None:
    for begin, end in ((0.5, 0.02), (0.02, 0.5)):
        options = Options(n=4, temperature=begin, schedule="annealed", cool_to=end, cool_steps=40)
        found = [state.temperature for state, _ in playground.states(options, 60)]
        assert found[20] == pytest.approx(math.sqrt(begin * end))
        assert found[40] == pytest.approx(end)
        assert found[41:] == [end] * 20 or found[41:] == pytest.approx([end] * 20)
        assert found == sorted(found, reverse=begin > end)


def test_a_learned_temperature_stays_within_its_bounds() -> None:
    """Pairs that lie on each other want it ever lower, pairs that are all wrong ever higher."""
    cold = playground.run(Options(schedule="learned", temperature=0.07, rate=0.1), 900)
    assert min(one.temperature for one in cold.moments) == cold.state.temperature == 0.01
    warm = playground.run(Options(n=6, redrawn=1.0, schedule="learned", temperature=0.3, rate=1.0), 1000)
    assert max(one.temperature for one in warm.moments) == 1


# ---- measures and runs


def test_measures_are_those_of_the_package() -> None:
    options = Options(n=30, start="mixed", seed=2)
    state = playground.run(options, 20).state
    found, x, y = playground.measure(state, options), state.images, state.texts
    assert found.gap == gap_distance(x, y)
    assert found.pair_distance == pytest.approx(metrics.pair_distance(x, y))
    assert found.recall == pytest.approx((recall_at_k(x, y) + recall_at_k(y, x)) / 2)
    assert found.loss == pytest.approx(float(contrastive_loss(x, y, 0.1)))
    assert 0.05 < found.recall < 0.95


def test_with_shared_captions_every_image_counts_and_none_of_its_own_is_wrong() -> None:
    options = Options(n=7, captions=3)
    state = playground.begin(options)
    assert state.texts.shape == (3, 3)
    y = state.texts[[0, 0, 0, 1, 1, 1, 2]]
    found = playground.measure(state, options)
    assert found.gap == pytest.approx(gap_distance(state.images, y))
    assert found.loss == pytest.approx(float(contrastive_loss(state.images, y, 0.1)))
    on = replace(state, images=y)  # on their captions: no choice among copies is right by itself, and none is asked for
    assert playground.measure(on, options).recall == 1


def test_marks() -> None:
    assert playground.marks(0) == [0]
    assert playground.marks(7) == [0, 1, 2, 3, 4, 5, 6, 7]
    marks = playground.marks(3000)
    assert {0, 1, 10, 100, 1000, 3000} <= set(marks)
    assert marks == sorted(set(marks))
    assert len([mark for mark in marks if 100 < mark <= 1000]) == 20


def test_changes_hold_from_their_step_on() -> None:
    options = Options(n=10)
    changed = playground.run(options, 30, [(10, "temperature", 0.5), (20, "rate", 0.01)])
    by_hand = playground.run(options, 10).state
    by_hand = replace(by_hand, temperature=0.5)
    for step in range(20):
        by_hand = playground.advance(by_hand, options if step < 10 else replace(options, rate=0.01))
    assert torch.equal(changed.state.images, by_hand.images)
    at = {one.step: one for one in changed.moments}
    assert (at[9].temperature, at[10].temperature) == (0.1, 0.5)
    assert changed.changes == (playground.Change(10, "temperature", 0.5), playground.Change(20, "rate", 0.01))


# ---- what the page prints


def test_the_stored_presets_are_the_presets() -> None:
    assert list(KEPT["presets"]) == list(playground.PRESETS)
    for name, preset in playground.PRESETS.items():
        kept = KEPT["presets"][name]
        options = asdict(preset.options)
        assert kept["options"] == {
            key: pytest.approx(value, rel=1e-3) if isinstance(value, float) else value for key, value in options.items()
        }
        assert kept["steps"] == preset.steps
        assert kept["changes"] == [list(change) for change in preset.changes]
        assert kept["marks"] == playground.marks(preset.steps)
        for measure in stored.MEASURES:
            assert len(kept["runs"][measure]) == KEPT["recipe"]["seeds"] == stored.SEEDS
            assert {len(run) for run in kept["runs"][measure]} == {len(kept["marks"])}


@pytest.mark.parametrize("name", playground.PRESETS)
def test_a_stored_run_is_what_comes_out(name: str) -> None:
    """The last seed over its first 200 steps: before anything that overshoots could make a last digit matter."""
    preset, kept = playground.PRESETS[name], KEPT["presets"][name]
    seed = stored.SEEDS - 1
    steps = 40 if name == "overshoot" else 200
    run = playground.run(replace(preset.options, seed=seed), steps, preset.changes)
    at = {one.step: one for one in run.moments}
    for place, mark in enumerate(kept["marks"]):
        if mark <= steps:
            for measure in stored.MEASURES:
                expected = pytest.approx(getattr(at[mark], measure), rel=1e-3, abs=2e-3)
                assert kept["runs"][measure][seed][place] == expected, (mark, measure)


def test_the_steps_until_a_gap_has_closed_are_what_comes_out() -> None:
    assert stored.closing(1, 2) == KEPT["closing"]["1"][:2]
    assert list(KEPT["closing"]) == [str(inverse) for inverse in stored.INVERSE]
    with pytest.raises(RuntimeError, match="1/30, seed 0: the gap is open after 20 steps"):
        stored.closing(30, 1, 20)
