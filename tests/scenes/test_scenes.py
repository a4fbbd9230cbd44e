"""Drawing against a slow reference, captions against attributes, and what a seed promises."""

import colorsys
import io
import math
import re
from urllib.parse import unquote

import numpy as np
import pytest
import torch
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mindgap import scenes
from mindgap.scenes import _drawing

MANY = 2000
STAR = ("large", "yellow", "star", "top left")


def half_planes(degrees, right, down):
    return [math.sin(math.radians(a)) * right - math.cos(math.radians(a)) * down for a in degrees]


def slow_distance(shape, right, down):
    """Signed distance of one point, in plain Python, each outline written out on its own."""
    across, along, radius = abs(right), abs(down), math.hypot(right, down)
    half = 0.895 / math.sqrt(2)
    return {
        "circle": radius - 1,
        "square": max(across, along) - 0.85,
        "triangle": max(half_planes((60, 180, 300), right, down)) - 0.6,
        "diamond": (across + along) / math.sqrt(2) - 0.8,
        "star": sorted(half_planes((0, 72, 144, 216, 288), right, down))[-2] - 0.39,
        "cross": min(max(across - 1, along - 0.36), max(across - 0.36, along - 1)),
        "ring": abs(radius - 0.76) - 0.28,
        "heart": min(
            (across + abs(down - 0.09)) / math.sqrt(2) - half, math.hypot(across - 0.4475, down + 0.3575) - half
        ),
    }[shape]


def slow_picture(layout, row, size):
    """One scene alone, pixel by pixel, object by object."""
    picture = np.full((3, size, size), float(layout.ground[row]))
    for k in range(3):
        shape = int(layout.attributes.shape[row, k])
        if shape < 0:
            continue
        (x, y), r, paint = layout.centre[row, k].tolist(), float(layout.radius[row, k]), layout.paint[row, k].tolist()
        for i in range(size):
            for j in range(size):
                right, down = ((j + 0.5) / size - x) / r, ((i + 0.5) / size - y) / r
                cover = min(1.0, max(0.0, 0.5 - slow_distance(scenes.SHAPES[shape], right, down) * r * size))
                for channel in range(3):
                    picture[channel, i, j] += cover * (paint[channel] - picture[channel, i, j])
    return picture


@pytest.mark.parametrize("size", [16, 33])
def test_vectorised_drawing_equals_a_slow_one(size):
    layout = scenes.arrange(24, seed=5)
    assert set(layout.attributes.shape.flatten().tolist()) == set(range(-1, len(scenes.SHAPES)))
    fast = scenes.render(layout, size)
    slow = np.stack([slow_picture(layout, row, size) for row in range(24)])
    np.testing.assert_allclose(fast.numpy(), slow, atol=2e-5)


def test_tiles_do_not_show(monkeypatch):
    layout = scenes.arrange(50, seed=1)
    whole = scenes.render(layout, 24)
    monkeypatch.setattr(_drawing, "_TILE_ENTRIES", 1)
    assert torch.equal(scenes.render(layout, 24), whole)


def polygon(name):
    """Corners (right, down) of the shapes that are polygons, by their geometry rather than by distances."""

    def around(radii, first=0.0):
        angles = [math.radians(first + 360 * i / len(radii)) for i in range(len(radii))]
        return [(r * math.sin(a), -r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]

    tip, notch = 0.39 / math.cos(math.radians(72)), 0.39 / math.cos(math.radians(36))
    a, b = 1.0, 0.36
    return {
        "square": around([0.85 * math.sqrt(2)] * 4, 45),
        "diamond": around([0.8 * math.sqrt(2)] * 4),
        "triangle": around([1.2] * 3),
        "star": around([tip, notch] * 5),
        "cross": [
            *((b, -a), (b, -b), (a, -b), (a, b), (b, b), (b, a)),
            *((-b, a), (-b, b), (-a, b), (-a, -b), (-b, -b), (-b, -a)),
        ],
    }[name]


@pytest.mark.parametrize("name", ["square", "diamond", "triangle", "star", "cross"])
def test_straight_shapes_have_the_corners_they_should(name):
    axis = torch.linspace(-1.5, 1.5, 151, dtype=torch.float64) + 0.003
    right, down = axis[None, None, :], axis[None, :, None]
    inside = torch.zeros(1, 151, 151, dtype=torch.bool)
    corners = polygon(name)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y0 != y1:  # even-odd rule: count the edges to the right of each point
            crosses = ((y0 <= down) != (y1 <= down)) & (right < x0 + (down - y0) * (x1 - x0) / (y1 - y0))
            inside ^= crosses
    assert torch.equal(_drawing.OUTLINES[name](right, down) < 0, inside)


def parse(caption):
    """Read a full caption back, by a grammar of its own."""
    pattern = re.compile(
        rf"an? ({'|'.join(scenes.SIZES)}) ({'|'.join(scenes.COLOURS)}) ({'|'.join(scenes.SHAPES)}) "
        rf"(?:at|on) the ({'|'.join(sorted(scenes.PLACES, key=len, reverse=True))})"
    )
    rows = [[-1] * 4 for _ in range(3)]
    for k, part in enumerate(caption.split(" and ")):
        match = pattern.fullmatch(part)
        assert match, part
        size, colour, shape, place = match.groups()
        rows[k] = [
            scenes.SHAPES.index(shape),
            scenes.COLOURS.index(colour),
            scenes.SIZES.index(size),
            scenes.PLACES.index(place),
        ]
    return rows


def test_captions_and_attributes_determine_each_other():
    drawn = scenes.draw(MANY, seed=2, size=8)
    read = torch.tensor([parse(caption) for caption in drawn.captions])
    for column, name in enumerate(scenes.ATTRIBUTES):
        assert torch.equal(read[..., column], getattr(drawn.attributes, name))
    assert scenes.caption(drawn.attributes) == drawn.captions


def attributes(*objects):
    """Attributes of one scene from rows (shape, colour, size, place)."""
    rows = torch.tensor([*objects, *[(-1,) * 4] * (3 - len(objects))])
    return scenes.Attributes(*(column[None] for column in rows.T))


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        ((), "a large orange star at the top left and a small blue ring on the right"),
        (("size",), "an orange star at the top left and a blue ring on the right"),
        (("colour",), "a large star at the top left and a small ring on the right"),
        ("shape", "a large orange thing at the top left and a small blue thing on the right"),
        (("place",), "a large orange star and a small blue ring"),
        (("size", "colour", "shape"), "a thing at the top left and a thing on the right"),
        (scenes.ATTRIBUTES, "a thing and a thing"),
    ],
)
def test_captions_read_as_english_and_drop_attributes(drop, expected):
    two = attributes(
        (scenes.SHAPES.index("star"), scenes.COLOURS.index("orange"), 1, 0),
        (scenes.SHAPES.index("ring"), scenes.COLOURS.index("blue"), 0, scenes.PLACES.index("right")),
    )
    assert scenes.caption(two, drop) == (expected,)


def test_attributes_are_what_they_promise():
    drawn = scenes.draw(MANY, seed=3, size=8)
    assert drawn.images.dtype == torch.float32
    assert drawn.images.shape == (MANY, 3, 8, 8)
    assert 0 <= drawn.images.min() <= drawn.images.max() <= 1
    known = [getattr(drawn.attributes, name) for name in scenes.ATTRIBUTES]
    present = known[0] >= 0
    for values, options in zip(known, (scenes.SHAPES, scenes.COLOURS, scenes.SIZES, scenes.PLACES), strict=True):
        assert torch.equal(values >= 0, present)
        counts = torch.bincount(values[present], minlength=len(options)) / present.sum()
        assert len(counts) == len(options)
        assert (counts - 1 / len(options)).abs().max() < 0.03  # five standard errors of a uniform draw
    place = drawn.attributes.place
    assert ((place[:, 1:] > place[:, :-1]) | ~present[:, 1:]).all()  # reading order, so no place twice
    assert (torch.bincount(present.sum(dim=1), minlength=4)[1:] / MANY - 1 / 3).abs().max() < 0.06


@pytest.mark.parametrize("objects", [(1, 1), (2, 2), (2, 3)])
def test_number_of_objects(objects):
    counts = (scenes.draw(200, size=8, objects=objects).attributes.shape >= 0).sum(dim=1)
    assert set(counts.tolist()) == set(range(objects[0], objects[1] + 1))


def test_many_captions_are_distinct():
    assert len(set(scenes.caption(scenes.arrange(10_000).attributes))) > 5000


def test_no_object_is_hidden():
    layout = scenes.arrange(MANY, seed=4)
    shape = layout.attributes.shape
    primary = torch.eye(3).expand(MANY, 3, 3).contiguous()  # object k shows in channel k alone
    black = torch.zeros(MANY)

    def seen(shape):
        return _drawing.paint(shape, layout.centre, layout.radius, primary, black, 32).sum(dim=(2, 3))

    together = seen(shape)
    alone = torch.stack(
        [seen(shape.where(torch.arange(3) == k, torch.tensor(-1)))[:, k] for k in range(3)],
        dim=1,
    )
    assert (together[shape >= 0] > 0.6 * alone[shape >= 0]).all()


def test_pictures_say_more_than_captions():
    drawn = scenes.draw(MANY, seed=6, objects=(1, 1))
    first: dict[str, int] = {}
    twins = [(first[c], i) for i, c in enumerate(drawn.captions) if first.setdefault(c, i) != i]
    assert len(twins) > 100
    left, right = (drawn.images[list(side)] for side in zip(*twins, strict=True))
    assert ((left - right).abs().amax(dim=(1, 2, 3)) > 0.005).all()


def test_what_captions_do_not_say_varies():
    layout = scenes.arrange(MANY, seed=6, objects=(1, 1))
    attributes = layout.attributes
    for colour in range(len(scenes.COLOURS)):
        paint = layout.paint[:, 0][attributes.colour[:, 0] == colour]
        assert (paint.amax(dim=0) - paint.amin(dim=0)).max() > 0.05
        hues = [colorsys.rgb_to_hsv(*row)[0] * 360 for row in paint.tolist()]
        turned = [(hue + 180) % 360 for hue in hues] if colour == scenes.COLOURS.index("red") else hues
        assert 8 < max(turned) - min(turned) < 13  # twice the jitter, and far from the next colour
    for size in range(len(scenes.SIZES)):
        radius = layout.radius[:, 0][attributes.size[:, 0] == size]
        assert radius.max() - radius.min() > 0.015
    for place in range(len(scenes.PLACES)):
        centre = layout.centre[:, 0][attributes.place[:, 0] == place]
        assert ((centre.amax(dim=0) - centre.amin(dim=0)) > 0.04).all()
    assert layout.ground.max() - layout.ground.min() > 0.4


def test_a_seed_settles_every_byte_and_a_prefix_is_a_prefix():
    drawn, again, fewer = scenes.draw(40, seed=7), scenes.draw(40, seed=7), scenes.draw(13, seed=7)
    assert drawn.images.numpy().tobytes() == again.images.numpy().tobytes()
    assert drawn.captions == again.captions
    assert torch.equal(fewer.images, drawn.images[:13])
    assert fewer.captions == drawn.captions[:13]
    assert scenes.draw(40, seed=8).captions != drawn.captions


def test_a_larger_picture_is_the_same_scene():
    small, large = scenes.draw(12, seed=9, size=32), scenes.draw(12, seed=9, size=224)
    assert large.images.shape == (12, 3, 224, 224)
    assert small.captions == large.captions
    for name in scenes.ATTRIBUTES:
        assert torch.equal(getattr(small.attributes, name), getattr(large.attributes, name))
    shrunk = torch.nn.functional.avg_pool2d(large.images, 7)
    assert (shrunk - small.images).abs().mean() < 0.005  # they differ in soft edges and sharp tips alone
    assert (shrunk - small.images).abs().max() < 0.3


def test_attributes_can_be_indexed():
    drawn = scenes.draw(10, size=8).attributes
    assert torch.equal(drawn[2:5].shape, drawn.shape[2:5])
    assert torch.equal(drawn[torch.tensor([7, 1])].place, drawn.place[[7, 1]])
    assert len(drawn[2:5]) == 3


@settings(max_examples=60)
@given(n=st.integers(2, 60), share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_exchange_moves_the_share_and_nothing_else(n, share, seed):
    order = scenes.exchange(n, share, seed)
    assert sorted(order.tolist()) == list(range(n))
    moved = int((order != torch.arange(n)).sum())
    assert moved == (2 if round(share * n) == 1 else round(share * n))
    assert torch.equal(order, scenes.exchange(n, share, seed))


def test_mismatch_exchanges_captions_and_keeps_pictures():
    drawn = scenes.draw(400, size=8)
    mixed = scenes.mismatch(drawn, 0.25, seed=1)
    assert mixed.images is drawn.images
    assert mixed.attributes is drawn.attributes
    assert sorted(mixed.captions) == sorted(drawn.captions)
    order = scenes.exchange(400, 0.25, seed=1).tolist()
    assert mixed.captions == tuple(drawn.captions[i] for i in order)
    assert scenes.mismatch(drawn, 0.0).captions == drawn.captions
    assert scenes.mismatch(drawn, 0.25, seed=2).captions != mixed.captions


def test_the_global_random_state_is_left_alone():
    before, before_numpy = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    scenes.mismatch(scenes.draw(5), 0.5)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before_numpy)  # noqa: NPY002


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scenes.draw(0), r"n: expected a whole number at least 1, got 0"),
        (lambda: scenes.draw(3, size=7), r"size: .*at least 8, got 7"),
        (lambda: scenes.draw(3, seed=-1), r"seed: .*from 0 to 4294967295, got -1"),
        (lambda: scenes.draw(3, objects=(0, 2)), r"objects\[0\]: .*from 1 to 3, got 0"),
        (lambda: scenes.draw(3, objects=(3, 2)), r"objects\[1\]: .*from 3 to 3, got 2"),
        (lambda: scenes.span(2), r"objects: expected a pair \(least, most\), got 2"),
        (lambda: scenes.render(scenes.arrange(3), 2), r"size: .*at least 8"),
        (
            lambda: scenes.caption(attributes((0, 0, 0, 0)), ("color",)),
            r"drop: unknown name 'color'; did you mean 'col",
        ),
        (lambda: scenes.caption(attributes()), r"attributes: expected at least one object a scene, got none in row 0"),
        (lambda: scenes.compose([]), r"objects: expected at least one scene, got none"),
        (lambda: scenes.compose([[]]), r"objects\[0\]: expected 1 to 3 objects, got 0"),
        (
            lambda: scenes.compose([[STAR], [STAR, STAR]]),
            r"objects\[1\]: expected objects at different places, got two",
        ),
        (lambda: scenes.compose([[STAR[:3]]]), r"objects\[0\]\[0\]: expected its size, colour, shape and place"),
        (lambda: scenes.compose([["star"]]), r"objects\[0\]\[0\]: expected its size, .*got 'star'"),
        (
            lambda: scenes.compose([[("large", "yelow", "star", "top")]]),
            r"colour of objects\[0\]\[0\]: unknown name 'yelow'; did you mean 'yellow'",
        ),
        (lambda: scenes.compose([[STAR]], ground=1.5), r"ground: expected a number from 0 to 1, got 1.5"),
        (lambda: scenes.exchange(3, 1.5), r"share: expected a number from 0 to 1, got 1.5"),
        (lambda: scenes.exchange(3, float("nan")), r"share: expected a finite number"),
        (lambda: scenes.exchange(1, 1.0), r"share: expected 0 where there is one entry"),
        (lambda: scenes.exchange(0, 0.0), r"n: .*at least 1"),
        (lambda: scenes.exchange(3, 0.5, seed=2**32), r"seed: .*got 4.29497e\+09"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_pictures_for_pages_show_what_is_rendered() -> None:
    layout = scenes.arrange(60, seed=3)
    assert set(layout.attributes.shape.flatten().tolist()) == set(range(-1, len(scenes.SHAPES)))
    rendered = scenes.render(layout, 96)
    addresses = scenes.pictures(layout)
    assert len(addresses) == 60
    for address, expected in zip(addresses, rendered, strict=True):
        head, _, body = address.partition(",")
        assert head == "data:image/svg+xml"
        assert not set('<>#"') & set(body), "it would end an attribute, or an address"
        drawn = Image.open(io.BytesIO(vl_convert.svg_to_png(unquote(body)))).convert("RGB")
        found = torch.from_numpy(np.asarray(drawn).copy()).permute(2, 0, 1) / 255
        assert float((found - expected).abs().mean()) < 0.005


def words(attributes: scenes.Attributes, row: int) -> list[tuple[str, str, str, str]]:
    """The objects of one scene in the words that `compose` takes."""
    columns = (attributes.size, attributes.colour, attributes.shape, attributes.place)
    numbers = zip(*(one[row].tolist() for one in columns), strict=True)
    kinds = (scenes.SIZES, scenes.COLOURS, scenes.SHAPES, scenes.PLACES)
    return [tuple(kind[i] for kind, i in zip(kinds, one, strict=True)) for one in numbers if one[0] >= 0]


def test_composed_scenes_are_what_was_asked_for_with_nothing_random() -> None:
    drawn = scenes.arrange(200, seed=4)
    made = scenes.compose([words(drawn.attributes, row)[::-1] for row in range(200)])  # in any order
    for name in scenes.ATTRIBUTES:
        assert torch.equal(getattr(made.attributes, name), getattr(drawn.attributes, name))
    there = made.attributes.shape >= 0
    # A drawn scene has every object within the jitter around where a composed one has it.
    assert float((made.centre - drawn.centre)[there].abs().max()) <= 0.025 + 1e-6
    assert float((made.radius - drawn.radius)[there].abs().max()) <= 0.01 + 1e-6
    assert float((made.paint - drawn.paint)[there].abs().max()) < 0.2
    assert made.ground.unique().tolist() == [pytest.approx(0.725)]


def test_a_composed_scene_has_the_colours_of_its_words() -> None:
    made = scenes.compose([[("large", colour, "square", "centre")] for colour in scenes.COLOURS], ground=0.5)
    for row, hsv in enumerate(scenes._HSV.tolist()):
        expected = colorsys.hsv_to_rgb(hsv[0] / 360, hsv[1], hsv[2])
        picture = scenes.render(scenes.compose([[("large", scenes.COLOURS[row], "square", "centre")]], ground=0.5))
        assert made.paint[row, 0].tolist() == pytest.approx(expected, abs=1e-6)
        assert picture[0, :, 16, 16].tolist() == pytest.approx(expected, abs=1e-6)
        assert picture[0, :, 0, 0].tolist() == [0.5] * 3
