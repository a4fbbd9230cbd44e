"""The playground in the page: its numbers are Python's, for every option; everyone can use it; it can be shared."""

from __future__ import annotations

import functools
import http.server
import io
import itertools
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, BrowserContext, expect

from mindgap import playground
from mindgap.playground import Options
from tests.browser.conftest import SITE, visiting, watched_page
from tests.browser.judging import grave

PAGE = "book/playground.html"
TOOL = ".mindgap-play"
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150))))"
NO_CLIPBOARD = "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"

pytestmark = pytest.mark.skipif(not (SITE / PAGE).exists(), reason="the site is not built: run `make book`")


class Visit:
    """The page in a tab of its own."""

    def __init__(self, context: BrowserContext, base: str = "", veiled: bool = False, hash: str = "") -> None:
        self.view, self.watch = watched_page(context, (base,) if base else (), veiled)
        self.address = f"{base or SITE.as_uri()}/{PAGE}"
        self.view.goto(self.address + hash)
        self.view.wait_for_selector(f"{TOOL}.is-ready[data-step]")

    def go(self, hash: str, step: int) -> None:
        """Follow a link, and wait until the run that it names is at its step."""
        self.view.evaluate("document.querySelector('.mindgap-play').removeAttribute('data-step')")
        self.view.evaluate("hash => { location.hash = hash; }", hash)
        self.view.wait_for_selector(f'{TOOL}[data-step="{step}"]:not([data-seeking])')

    def saved(self) -> dict[str, Any]:
        with self.view.expect_download() as download:
            self.view.get_by_role("button", name="Save the numbers").click()
        found: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
        return found

    def step(self) -> int:
        return int(self.view.locator(TOOL).get_attribute("data-step") or -1)

    def said(self) -> str:
        return self.view.locator(".mindgap-play-said").inner_text()

    def act(self, name: str) -> None:
        self.view.locator(f'[data-act="{name}"]').click()


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, Visit) as opened:
        yield opened


# ---- the numbers are Python's

CASES: dict[str, tuple[Options, list[tuple[int, str, float]]]] = {
    "as it opens": (Options(), []),
    "circle": (Options(d=2, n=40), []),
    "8 dimensions": (Options(d=8, n=40), []),
    "32 dimensions": (Options(d=32, n=40, temperature=1 / 30), []),
    "200 pairs": (Options(n=200), []),
    "mixed": (Options(start="mixed", n=40, seed=3), []),
    "cones": (Options(angle=35, image_width=10, text_width=75, seed=99), []),
    "opposite": (Options(start="opposite", n=40), []),
    "clip": (Options(start="clip", n=200), []),
    "clip in 32": (Options(start="clip", n=60, d=32, temperature=0.01, captions=2), []),
    "cold": (Options(temperature=1 / 100, rate=0.02, n=40), []),
    "warm": (Options(temperature=1.0), []),
    "learned": (Options(schedule="learned", n=40), []),
    "annealed": (Options(temperature=1.0, schedule="annealed", cool_to=0.02, cool_steps=150), []),
    "heated": (Options(temperature=0.05, schedule="annealed", cool_to=0.5, cool_steps=150), []),
    "redrawn": (Options(redrawn=0.3, n=40), []),
    "captions": (Options(captions=4, n=50), []),
    "batches": (Options(batch=16, n=50, seed=5), []),
    "sigmoid": (Options(loss="sigmoid", n=40), []),
    "sigmoid learned": (Options(loss="sigmoid", schedule="learned", bias=-3, n=40), []),
    "everything": (
        Options(n=48, d=8, loss="sigmoid", schedule="learned", redrawn=0.2, captions=3, batch=20, seed=2**32 - 1),
        [(0, "rate", 0.1), (50, "temperature", 0.3), (60, "bias", -2), (90, "redrawn", 0.5), (90, "batch", 0)],
    ),
}  # fmt: skip
STEPS = 200


def link(options: Options, changes: list[tuple[int, str, float]], step: int) -> str:
    """As a reader might write it: every option, and numbers with all of their digits."""
    parts = [f"{name}={getattr(options, name)!r}".replace("'", "") for name in options.__dataclass_fields__]
    made = ",".join(f"{at}:{name}:{value!r}" for at, name, value in changes)
    return f"#run?{'&'.join(parts)}&changes={made}&step={step}"


@pytest.mark.parametrize("name", CASES)
def test_every_option_gives_the_numbers_of_python(visit: Visit, name: str) -> None:
    options, changes = CASES[name]
    visit.go(link(options, changes, STEPS), STEPS)
    here, there = visit.saved(), playground.run(options, STEPS, changes)
    assert here["state"]["step"] == STEPS
    for side in ("images", "texts"):
        found = torch.tensor(here["state"][side], dtype=torch.float64).reshape(-1, options.d)
        assert float((found - getattr(there.state, side)).abs().max()) < 1e-6
    assert here["state"]["temperature"] == pytest.approx(there.state.temperature, abs=1e-6)
    assert here["state"]["bias"] == pytest.approx(there.state.bias, abs=1e-6)
    wanted = {one.step: one for one in there.moments}
    assert [one["step"] for one in here["moments"]] == playground.marks(STEPS)
    for one in [*here["moments"], here["now"]]:
        for measure, value in one.items():
            assert value == pytest.approx(getattr(wanted[one["step"]], measure), rel=1e-6, abs=1e-6), (measure, one)


# ---- playing


def test_it_runs_pauses_steps_and_rewinds(visit: Visit) -> None:
    visit.go(f"{link(Options(), [], 0)}", 0)
    view = visit.view
    expect(view.locator('[data-act="play"]')).to_have_text("Play")
    visit.act("play")
    expect(view.locator('[data-act="play"]')).to_have_text("Pause")
    view.wait_for_function("Number(document.querySelector('.mindgap-play').dataset.step) > 3")
    visit.act("play")
    expect(view.locator(".mindgap-play-said")).to_contain_text("find their own partner")
    at = visit.step()
    visit.act("step")
    view.wait_for_selector(f'{TOOL}[data-step="{at + 1}"]')
    assert re.match(rf"Step {at + 1}, τ = 1/10: 60 pairs on the sphere. The gap is \d", visit.said())
    assert visit.saved()["state"]["step"] == at + 1
    visit.act("rewind")
    view.wait_for_selector(f'{TOOL}[data-step="0"]')
    now = playground.measure(playground.begin(Options()), Options())
    found = visit.saved()["now"]
    assert found["gap"] == pytest.approx(now.gap, abs=1e-9)
    expect(view.locator('[data-field="gap"] output')).to_have_text(f"{now.gap:.2f}")


def test_the_temperature_moves_while_it_runs_and_the_link_remembers_it(visit: Visit) -> None:
    view = visit.view
    visit.go(link(Options(n=20), [], 30), 30)
    slider = view.get_by_label("Temperature τ")
    slider.focus()
    for _ in range(5):
        view.keyboard.press("PageUp")
    expect(view.locator("[data-temperature]")).not_to_have_text("1/10")
    visit.act("step")
    view.wait_for_selector(f'{TOOL}[data-step="31"]')
    visit.view.evaluate(NO_CLIPBOARD)
    visit.act("link")
    field = view.get_by_label("Link", exact=True)
    expect(field).to_be_visible()
    address = field.input_value()
    assert "changes=30:temperature:" in address
    assert "step=31" in address
    before = visit.saved()
    # Whoever opens the link, in a browser of their own, sees the same.
    other = Visit(view.context.browser.new_context(reduced_motion="reduce"))  # type: ignore[union-attr]
    other.go(address.partition("#")[2].join(["#", ""]), 31)
    after = other.saved()
    assert after["state"] == before["state"]
    assert after["moments"] == before["moments"]
    assert other.watch.errors == []
    other.view.context.close()


def test_a_link_to_what_there_is_not_is_refused_in_words(visit: Visit) -> None:
    for hash, words in (
        ("#run?n=5000", "This link cannot be opened: n must be a whole number from 2 to 200"),
        ("#run?temperature=%3Cb%3E1%3C/b%3E", 'temperature must be a number from 0.005 to 2, got "<b>1</b>"'),
        ("#run?wings=2", '"wings" is no option'),
        ("#run?changes=5:seed:3", "changes must be one of temperature"),
    ):
        visit.view.evaluate("hash => { location.hash = hash; }", hash)
        expect(visit.view.locator(".mindgap-play-said")).to_contain_text(words)
        assert visit.view.locator(".mindgap-play-said *").count() == 0


def test_a_bad_link_is_refused_when_the_page_opens_with_it(browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    visit = Visit(context, hash="#run?n=5000")
    expect(visit.view.locator(".mindgap-play-said")).to_contain_text("This link cannot be opened: n must be")
    assert visit.view.url.endswith("#run?n=5000")  # to be mended there
    assert visit.saved()["options"]["n"] == 60
    context.close()


def test_the_address_keeps_up(visit: Visit) -> None:
    view = visit.view
    visit.go("#run?n=20&step=12", 12)
    visit.act("step")
    view.wait_for_url(lambda url: url.endswith("#run?n=20&step=13"))
    visit.act("play")
    view.wait_for_function("Number(document.querySelector('.mindgap-play').dataset.step) >= 15")
    visit.act("play")
    expect(view.locator(".mindgap-play-said")).to_contain_text("find their own partner")
    at = visit.step()
    view.wait_for_url(lambda url: url.endswith(f"&step={at}"))
    visit.act("seed")
    view.wait_for_url(lambda url: url.endswith("#run?n=20&seed=1"))


def test_another_start_keeps_what_was_set_on_the_way(visit: Visit) -> None:
    view = visit.view
    visit.go("#run?n=20&changes=5:rate:0.1,5:redrawn:0.3&step=10", 10)
    view.get_by_label("Temperature τ").focus()
    view.keyboard.press("PageUp")
    shown = view.locator("[data-temperature]").inner_text()
    assert shown != "1/10"
    view.locator(".mindgap-play-more summary").click()
    view.get_by_label("dimensions", exact=True).select_option("8")  # at once: the change may still be on its way
    view.wait_for_selector(f'{TOOL}[data-dimensions="8"][data-step="0"]')
    found = visit.saved()
    assert found["changes"] == []
    assert (found["options"]["rate"], found["options"]["redrawn"], found["options"]["d"]) == (0.1, 0.3, 8)
    assert found["options"]["temperature"] > 0.11
    expect(view.locator("[data-temperature]")).to_have_text(shown)
    view.locator(".mindgap-play-more summary").click()


def test_a_learned_temperature_takes_its_thumb_along(visit: Visit) -> None:
    visit.go("#run?n=20&schedule=learned", 0)
    slider = visit.view.get_by_label("Temperature τ")
    slider.focus()
    before = slider.input_value()
    for _ in range(3):
        visit.act("step")
    visit.view.wait_for_selector(f'{TOOL}[data-step="3"]')
    slider.focus()
    visit.go("#run?n=20&schedule=learned&step=80", 80)
    assert slider.input_value() != before
    assert slider.get_attribute("aria-valuetext") == visit.view.locator("[data-temperature]").inner_text()


def test_a_loss_beyond_the_axis_makes_the_axis_longer(visit: Visit) -> None:
    visit.act("forget")
    visit.go("#run?loss=sigmoid", 0)
    panel = visit.view.locator('[data-field="loss"]')
    assert float(panel.locator("output").inner_text()) > 10
    assert float(panel.locator(".is-now").get_attribute("cy") or 0) > 6  # not at its edge
    assert "10" in panel.locator("text").all_text_contents()


def test_controls_begin_another_run_and_leave_the_last_one_as_a_ghost(visit: Visit) -> None:
    view = visit.view
    visit.go(link(Options(n=20), [], 60), 60)
    visit.act("forget")
    ghost = view.locator('[data-field="gap"] .is-ghost')
    assert ghost.get_attribute("d") == ""
    view.locator(".mindgap-play-more summary").click()
    view.get_by_label("dimensions", exact=True).select_option("32")
    view.wait_for_selector(f'{TOOL}[data-dimensions="32"][data-step="0"]')
    assert (ghost.get_attribute("d") or "").count("M") == 1
    view.get_by_label("loss", exact=True).select_option("sigmoid")
    expect(view.get_by_role("slider", name="bias")).to_be_visible()
    found = visit.saved()
    assert (found["options"]["d"], found["options"]["loss"], found["options"]["n"]) == (32, "sigmoid", 20)
    expect(view.locator(".mindgap-play-hint")).to_be_hidden()
    visit.act("forget")
    assert ghost.get_attribute("d") == ""
    view.locator(".mindgap-play-more summary").click()


def turned(visit: Visit) -> str:
    """Where the reader has turned the sphere, as the link has it."""
    visit.act("link")
    return visit.view.get_by_label("Link", exact=True).input_value().partition("yaw=")[2]


def test_the_sphere_turns_by_keys_and_by_hand(visit: Visit) -> None:
    view = visit.view
    view.evaluate(NO_CLIPBOARD)
    visit.go(link(Options(n=20), [], 5), 5)
    canvas = view.locator(f"{TOOL} canvas")
    before = turned(visit)
    canvas.focus()
    view.keyboard.press("ArrowRight")
    by_key = turned(visit)
    assert by_key.startswith("0.100")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 20, steps=3)
    view.mouse.up()
    assert len({before, by_key, turned(visit)}) == 3
    # The picture itself has changed, too: the worker draws it.
    shot = canvas.screenshot()
    canvas.focus()
    view.keyboard.press("ArrowLeft")
    view.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"
    )
    assert canvas.screenshot() != shot


def near(image: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Row and column of each pixel that has a colour, or nearly."""
    return np.argwhere(np.abs(np.asarray(image.convert("RGB"), dtype=int) - colour).sum(axis=2) < 40)


def test_a_run_is_saved_as_an_animated_picture(visit: Visit) -> None:
    view = visit.view
    visit.go(link(Options(n=30), [(20, "temperature", 1)], 40), 40)
    with view.expect_download() as download:
        visit.act("record")
    content = Path(download.value.path()).read_bytes()
    assert content[:6] == b"GIF89a"
    picture = Image.open(io.BytesIO(content))
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]
    assert picture.size == (400, 400)
    assert 30 < len(frames) <= 41  # nearly every step
    assert picture.info["loop"] == 0
    # The colours of both sides are in every frame, and on opposite halves at the beginning.
    blue, orange = (0x1F, 0x6F, 0xC2), (0xB6, 0x51, 0x06)

    def middle(frame: Image.Image, colour: tuple[int, int, int]) -> float:
        """Of the pixels of a colour, how far to the right they are on average."""
        places = near(frame, colour)
        assert len(places) > 100
        return float(places[:, 1].mean())

    assert middle(frames[0], blue) > 210 > 190 > middle(frames[0], orange)
    assert middle(frames[-1], blue) > middle(frames[-1], orange)
    assert len({frame.tobytes() for frame in frames}) == len(frames)
    expect(view.locator(".mindgap-play-said")).to_contain_text("Saved: the run up to step 40 as a GIF of")


def test_a_recording_can_be_stopped(visit: Visit) -> None:
    view = visit.view
    visit.go("#run?n=200&step=300", 300)
    visit.act("record")
    button = view.locator('[data-act="record"]')
    expect(button).to_have_text("Stop recording")
    expect(view.get_by_role("progressbar", name="Recording")).to_be_visible()
    visit.act("record")
    expect(view.locator(".mindgap-play-said")).to_have_text("The recording is stopped; nothing is saved.")
    expect(button).to_have_text("Save the run as a GIF")
    expect(view.get_by_role("progressbar", name="Recording")).to_be_hidden()


def test_pairs_that_lie_on_each_other_are_both_seen(visit: Visit) -> None:
    visit.go("#run?temperature=1&step=300", 300)
    expect(visit.view.locator('[data-field="gap"] output')).to_have_text("0.00")
    visit.view.evaluate(DRAWN)
    shot = Image.open(io.BytesIO(visit.view.locator(f"{TOOL} canvas").screenshot()))
    for colour in ((0x1F, 0x6F, 0xC2), (0xB6, 0x51, 0x06)):
        assert len(near(shot, colour)) > 300


# ---- the story


def test_a_step_of_the_story_is_guessed_run_where_it_stands_and_shown(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    visit = Visit(context, veiled=True)
    view = visit.view
    figure = view.locator("#fig-play-redrawn")
    expect(figure.locator("svg")).to_be_hidden()
    box = figure.bounding_box()
    assert box is not None
    assert box["height"] < 100  # nothing to see yet, and little room taken
    view.get_by_role("button", name="Run it here: τ = 1/30, three of ten partners").click()
    view.wait_for_selector(f'.mindgap-play-slot:has([data-play="redrawn"]) {TOOL}[data-step="0"]')
    assert view.evaluate("document.activeElement.id") == "playground-tool"
    visit.go("#run?redrawn=0.3&temperature=0.03333&step=2", 2)
    assert visit.saved()["options"]["redrawn"] == 0.3
    question = view.locator("#predict-play-redrawn")
    question.get_by_label("It widens.").check()
    question.get_by_role("button", name="Commit").click()
    expect(question).to_contain_text("Your choice is right")
    expect(figure.locator("svg")).to_be_visible()
    expect(figure.locator("tbody tr")).to_have_count(4)
    view.get_by_role("button", name="Bring the playground back here").click()
    view.wait_for_selector(f".mindgap-play-slot.is-home {TOOL}")
    assert visit.watch.errors == []
    context.close()


def test_presets_run_as_python_runs_them(visit: Visit) -> None:
    for name, preset in playground.PRESETS.items():
        visit.view.locator(f'[data-play="{name}"]').click()
        visit.view.wait_for_selector(f'.mindgap-play-slot:has([data-play="{name}"]) {TOOL}[data-step="0"]')
        found = visit.saved()
        options = {key: getattr(preset.options, key) for key in preset.options.__dataclass_fields__}
        assert found["options"] == {
            key: value if isinstance(value, str) else pytest.approx(value, rel=1e-3) for key, value in options.items()
        }
        assert found["changes"] == [list(change) for change in preset.changes]
    visit.view.get_by_role("button", name="Bring the playground back here").click()


def test_a_run_of_the_story_stops_where_it_should_and_play_goes_on(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context)
    view = visit.view
    view.locator('[data-play="warm"]').click()
    assert view.locator("[data-speed]").input_value() == "1"  # 300 of them, sixty a second
    view.locator("[data-speed]").select_option("50")
    view.wait_for_selector(f'{TOOL}[data-step="300"]:not(.is-playing)')
    expect(view.locator(".mindgap-play-said")).to_contain_text("Step 300, τ = 1:")
    view.wait_for_url(lambda url: "#run?temperature=1&step=300" in url)
    visit.act("play")
    view.wait_for_function("Number(document.querySelector('.mindgap-play').dataset.step) > 400")
    visit.act("play")
    view.locator('[data-play="cold"]').click()
    assert view.locator("[data-speed]").input_value() == "5"
    assert visit.watch.errors == []
    context.close()


# ---- in everyone's hands


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740)])
def test_temperature_and_sphere_are_seen_together(browser: Browser, width: int, height: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    visit = Visit(context)
    if width < 500:  # one below the other, as far as one scrolls to see the sphere whole
        visit.view.locator(f"{TOOL} canvas").evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 70)")
    for name in (".mindgap-play-heat input", '[data-act="play"]'):
        box = visit.view.locator(name).bounding_box()
        assert box is not None
        assert 0 < box["y"] < height - box["height"], name
    ticks = visit.view.locator(".mindgap-play-heat p span")
    boxes = [ticks.nth(place).bounding_box() for place in range(6)]
    for left, right in itertools.pairwise(boxes):
        assert left is not None
        assert right is not None
        assert left["x"] + left["width"] < right["x"]
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_everyone_can_use_it(browser: Browser, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", has_touch=width == 360
    )
    visit = Visit(context)
    view = visit.view
    visit.go("#run?loss=sigmoid&schedule=annealed&step=20", 20)
    view.locator(".mindgap-play-more summary").click()
    assert grave(view) == []
    view.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert grave(view, only_colours=True) == []
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    small = view.evaluate(
        """[...document.querySelectorAll('.mindgap-play :is(button, select, input, summary)')].filter(one => {
             const box = one.getBoundingClientRect();
             return box.width && Math.min(box.width, box.height) < 24;
           }).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert small == []
    tiny = view.evaluate(
        """[...document.querySelectorAll('.mindgap-play *, .mindgap-play-result *')].filter(one =>
             [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && one.getClientRects().length
             && parseFloat(getComputedStyle(one).fontSize)
                * (one.ownerSVGElement ? one.getScreenCTM().a : 1) < 11).map(one => one.textContent)"""
    )
    assert tiny == []
    label = view.locator(f"{TOOL} canvas").get_attribute("aria-label") or ""
    assert re.match(r"Images and captions: Step 20, τ = 1/\d+: 60 pairs on the sphere", label)
    context.close()


def test_whoever_wants_no_motion_gets_four_pictures_a_second(visit: Visit) -> None:
    """Counted by the pictures that were drawn in the steps that were taken, not by a clock."""
    expect(visit.view.get_by_label("turn slowly")).not_to_be_checked()
    visit.go(link(Options(n=20), [], 0), 0)
    visit.view.locator("[data-speed]").select_option("1")
    visit.view.evaluate("window.began = performance.now()")
    visit.act("play")
    visit.view.wait_for_function("Number(document.querySelector('.mindgap-play').dataset.step) >= 5")
    seconds = visit.view.evaluate("(performance.now() - window.began) / 1000")
    visit.act("play")
    assert seconds > 0.9  # five pictures, a quarter of a second apart


def test_the_picture_follows_the_theme_and_the_size(visit: Visit) -> None:
    view = visit.view
    visit.go(link(Options(n=20), [], 3), 3)
    canvas = view.locator(f"{TOOL} canvas")
    canvas.scroll_into_view_if_needed()
    pictures = []
    for theme, width in (("light", 1280), ("dark", 1280), ("dark", 700), ("light", 1280)):
        view.set_viewport_size({"width": width, "height": 900})
        view.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        view.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150))))"
        )
        shot = canvas.screenshot()
        expected = {"light": (0x1F, 0x6F, 0xC2), "dark": (0x5A, 0xA5, 0xEC)}[theme]
        assert len(near(Image.open(io.BytesIO(shot)), expected)) > 20, theme
        pictures.append(shot)
    assert len(set(pictures[:3])) == 3


def test_without_an_offscreen_canvas_the_page_draws_itself(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 900}, reduced_motion="reduce")
    context.add_init_script("delete HTMLCanvasElement.prototype.transferControlToOffscreen")
    visit = Visit(context)
    visit.go("#run?n=20&step=10", 10)
    canvas = visit.view.locator(f"{TOOL} canvas")
    drawn = (
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter(Boolean).length"
    )
    visit.view.wait_for_function(f"canvas => ({drawn})(canvas) > 10000", arg=canvas.element_handle())
    expect(visit.view.locator('[data-act="record"]')).to_be_hidden()
    visit.act("step")
    visit.view.wait_for_selector(f'{TOOL}[data-step="11"]')
    assert visit.watch.errors == []
    context.close()


def test_without_javascript_the_page_says_what_is_needed(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto((SITE / PAGE).as_uri())
    words = view.locator(f"{TOOL} noscript p").text_content() or ""
    assert "In Python, mindgap.playground.run takes the same steps." in words
    expect(view.locator(".mindgap-play-body")).to_be_hidden()
    expect(view.locator("#fig-play-cold svg")).to_be_visible()
    expect(view.locator("[data-play]").first).to_be_hidden()
    context.close()


def test_it_works_over_http(browser: Browser) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context(reduced_motion="reduce")
        visit = Visit(context, f"http://127.0.0.1:{server.server_port}")
        visit.go("#run?n=20&step=10", 10)
        assert visit.saved()["state"]["step"] == 10
        assert visit.watch.errors == []
        assert visit.watch.outside == []
        context.close()
        server.shutdown()
