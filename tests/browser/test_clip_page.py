"""The small CLIP in the opening page: its numbers are Python's, it is in everyone's hands, nothing leaves the page."""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, expect

from book._ext import mindgap_clip as extension
from book._ext import mindgap_modules
from book.results import small_clip
from mindgap import miniclip, scenes
from mindgap.scenes import Layout
from tests.browser.conftest import SITE, visiting, watched_page
from tests.browser.judging import grave

PAGE = "book/index.html"
TOOL = ".mindgap-clip"
MODELS = miniclip.shipped()
MANY = 200
PARITY = 1e-4
NEAR = pytest.approx

pytestmark = pytest.mark.skipif(not (SITE / PAGE).exists(), reason="the site is not built: run `make book`")


class Visit:
    """The opening page in a tab of its own, with what it asked for since it was loaded."""

    def __init__(self, context: BrowserContext) -> None:
        self.view, self.watch = watched_page(context)
        self.asked: list[str] = []
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.goto((SITE / PAGE).as_uri())
        self.view.wait_for_selector(f"{TOOL}.is-ready")
        self.tool = self.view.locator(TOOL)

    def answered(self) -> int:
        return int(self.tool.get_attribute("data-answered") or 0)

    def choose(self, kind: str, value: str) -> None:
        # The radio buttons lie transparent over what they choose.
        self.tool.locator(f"input[name='mindgap-clip-{kind}'][value='{value}']").check()

    def write(self, caption: str) -> None:
        self.tool.get_by_label("Its caption").fill(caption)

    def press(self, place: str) -> None:
        self.tool.locator(f"[data-place='{place}']").click()

    def after(self, act: Any) -> None:
        """Do something, and wait for the answer to it."""
        before = self.answered()
        act()
        self.view.wait_for_function(
            f"Number(document.querySelector('{TOOL}').dataset.answered || 0) > {before}",
        )


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, Visit) as opened:
        yield opened


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, Visit) as opened:
        yield opened


# ---- the modules are Python's

# Many rows of numbers as one text, which is on its way faster than a list.
CODED = """rows => {
    const all = new Float32Array(rows.flatMap(row => [...row]));
    return [...new Uint8Array(all.buffer)].map(one => one.toString(16).padStart(2, "0")).join("");
}"""


def decoded(text: str, *shape: int) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.float32).reshape(-1, *shape)


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """The worker's modules on an empty page, in `parts`, and both models as the site has them, in `models`."""
    view = browser.new_page()
    *paths, _ = mindgap_modules.needed(extension.PARTS / "worker/work.js")  # all but what a worker begins with
    exported = ", ".join(f"...{mindgap_modules.constant(path)}" for path in paths)
    view.evaluate(
        f"text => {{ window.parts = new Function(text + '; return {{ {exported} }}')() }}",
        "".join(map(mindgap_modules.enclosed, paths)),
    )
    view.evaluate(f"() => {{ window.coded = {CODED} }}")
    for name in MODELS:
        view.add_script_tag(path=SITE / "_static" / extension.MODEL.format(name))
    view.evaluate(
        "() => { window.models = Object.fromEntries("
        "Object.entries(mindgapClip).map(([name, { model }]) => [name, new parts.Model(model)])) }"
    )
    yield view
    view.close()


def as_layout(layout: Layout, row: int) -> dict[str, Any]:
    objects = [
        {
            "shape": int(layout.attributes.shape[row, k]),
            "right": float(layout.centre[row, k, 0]),
            "down": float(layout.centre[row, k, 1]),
            "radius": float(layout.radius[row, k]),
            "paint": layout.paint[row, k].tolist(),
        }
        for k in range(scenes.MOST_OBJECTS)
        if int(layout.attributes.shape[row, k]) >= 0
    ]
    return {"ground": float(layout.ground[row]), "objects": objects}


def test_pictures_are_python_s_pixel_by_pixel(modules: Page) -> None:
    layout = scenes.arrange(MANY, seed=11)
    drawn = modules.evaluate("all => coded(all.map(parts.paint))", [as_layout(layout, row) for row in range(MANY)])
    assert float((decoded(drawn, 3, 32, 32) - scenes.render(layout)).abs().max()) < 2e-6


def as_things(scene: list[tuple[str, str, str, str]]) -> list[dict[str, str]]:
    return [dict(zip(("size", "colour", "shape", "place"), one, strict=True)) for one in scene]


def described(n: int, seed: int) -> list[list[tuple[str, str, str, str]]]:
    """Random scenes in words."""
    attributes = scenes.arrange(n, seed).attributes
    kinds = (scenes.SIZES, scenes.COLOURS, scenes.SHAPES, scenes.PLACES)
    columns = (attributes.size, attributes.colour, attributes.shape, attributes.place)
    found = []
    for row in range(n):
        numbers = zip(*(one[row].tolist() for one in columns), strict=True)
        found.append([tuple(kind[i] for kind, i in zip(kinds, one, strict=True)) for one in numbers if one[0] >= 0])
    return found


def test_composed_scenes_and_captions_are_python_s(modules: Page) -> None:
    chosen = described(MANY, seed=12)
    layout = scenes.compose(chosen)
    pictures, captions = modules.evaluate(
        "all => [coded(all.map(one => parts.paint(parts.compose(one)))), all.map(parts.captionOf)]",
        [as_things(one[::-1]) for one in chosen],
    )
    assert float((decoded(pictures, 3, 32, 32) - scenes.render(layout)).abs().max()) < 2e-6
    assert tuple(captions) == scenes.caption(layout.attributes)
    for name in ("SHAPES", "COLOURS", "SIZES", "PLACES"):
        assert modules.evaluate(f"parts.{name}") == list(getattr(scenes, name))


ODD = (
    "A Red STAR, at-the TOP.left!", "ein großer Stern", "μικρός Ἀστήρ ΣΟΦΟΣ", "a_red star2", "一つの赤い星",
    "İstanbul ǅ", "star's", "½ ² ٣ Ⅷ", "<end> <pad> end", "e\u0301toile caf\u00e9", "a\u00a0red\tstar\nat", "🙂 star",
)  # fmt: skip


def test_captions_are_read_as_python_reads_them(modules: Page) -> None:
    assert modules.evaluate("parts.VOCABULARY") == list(miniclip.VOCABULARY)
    captions = [*scenes.draw(MANY, seed=13).captions, *ODD]
    found = modules.evaluate("all => all.map(parts.tokenize)", captions)
    for caption, numbers in zip(captions, found, strict=True):
        padded = numbers + [0] * (miniclip.CONTEXT_LENGTH - len(numbers))
        assert padded == miniclip.tokenize(caption)[0].tolist(), caption
    for caption in ("", " .,!", "a " * 27):
        assert modules.evaluate("parts.wrongWith", caption) != ""
        with pytest.raises(ValueError, match="1 to 26 words"):
            miniclip.tokenize(caption)
    assert modules.evaluate("parts.wrongWith", "a " * 26) == ""
    assert miniclip.tokenize("a " * 26).shape == (1, 28)


@pytest.mark.parametrize("name", MODELS)
def test_both_towers_are_python_s(modules: Page, name: str) -> None:
    """200 new scenes and captions; what differs is the weights' rounding, of which float16 has several times more."""
    drawn = scenes.draw(MANY, seed=14)
    layout = scenes.arrange(MANY, seed=14)
    x, y = modules.evaluate(
        "([name, all, captions]) => [coded(all.map(one => parts.encodeImage(models[name], parts.paint(one)))),"
        " coded(captions.map(one => parts.encodeText(models[name], parts.tokenize(one))))]",
        [name, [as_layout(layout, row) for row in range(MANY)], list(drawn.captions)],
    )
    here = [decoded(side, 64).double() for side in (x, y)]
    model = miniclip.load(name)
    there = [side.double() for side in miniclip.encode(model, drawn)]
    half = miniclip.build(model.recipe)
    half.load_state_dict({key: value.half().float() for key, value in model.model.state_dict().items()})
    halved = [side.double() for side in miniclip.encode(half, drawn)]
    for i, side in enumerate(("images", "texts")):
        lost, of_half = (float((one[i] - there[i]).abs().max()) for one in (here, halved))
        print(f"{name}, {side}: largest difference {lost:.1e}; with weights in float16 {of_half:.1e}")
        assert lost < PARITY
        assert of_half > 2 * lost
        assert here[i].norm(dim=1).tolist() == NEAR([1.0] * MANY)
    cosines = float((here[0] @ here[1].T - there[0] @ there[1].T).abs().max())
    print(f"{name}: largest difference among {MANY**2} cosines {cosines:.1e}")
    assert cosines < PARITY


# ---- what is shown is what they compute


@functools.cache
def others_in(name: str) -> tuple[miniclip.Trained, scenes.Scenes, torch.Tensor, torch.Tensor]:
    """A model, the other scenes, and both sides of these in it."""
    model, others = miniclip.load(name), scenes.draw(small_clip.OTHERS, small_clip.SEED)
    u, v = (side.double() for side in miniclip.encode(model, others))
    return model, others, u, v


def expected(name: str, scene: list[tuple[str, str, str, str]], caption: str) -> dict[str, Any]:
    """What Python has to say of one scene and a caption."""
    model, others, u, v = others_in(name)
    x = miniclip.encode_images(model, scenes.render(scenes.compose([scene]))).double()
    y = miniclip.encode_texts(model, caption).double()
    return small_clip.pair(0, x, y, u, v, [one != caption for one in others.captions])


def shown(visit: Visit, name: str) -> dict[str, Any]:
    place = visit.tool.locator(f"[aria-labelledby='mindgap-clip-map-{name.replace('.', '-')}']")
    words = place.locator(".mindgap-clip-own").inner_text()
    rest = place.locator(".is-rest").inner_text()
    many, others = re.findall(r"(None|One|\d+) of (\d+) other", words)[0]
    rows = [
        (int(row.get_attribute("value") or 0), *row.locator("span").all_inner_texts()[1:])
        for row in place.locator("li[value]").all()
    ]
    return {
        "own": words.split()[0],
        "nearer": {"None": 0, "One": 1}.get(many) if many in ("None", "One") else int(many),
        "others": int(others),
        "both": int(re.findall(r"nearest among ([\d,]+) other", rest)[0].replace(",", "")),
        "rows": rows,
        "ten": int(re.findall(r"(\d+) are captions", rest)[0]),
        "distance": re.findall(r"is ([\d.]+) apart", rest)[0],
    }


def assert_shown(visit: Visit, name: str, scene: list[tuple[str, str, str, str]], caption: str) -> None:
    found, wanted = shown(visit, name), expected(name, scene, caption)
    assert float(found["own"].replace("−", "-")) == NEAR(wanted["own"], abs=6e-3)
    assert float(found["distance"]) == NEAR(wanted["distance"], abs=6e-3)
    assert (found["nearer"], found["ten"]) == (wanted["nearer"], wanted["ten"])
    assert (found["others"], found["both"]) == (wanted["others"], 2 * wanted["others"])
    captions = extension.stored()["captions"]
    own = [row for row in found["rows"] if "own picture" in row[2]]
    assert [row[0] for row in own] == [wanted["nearer"] + 1]
    others = [row for row in found["rows"] if row not in own]
    assert [row[2].removeprefix("■ ") for row in others] == [captions[i] for i, _ in wanted["near"]]
    assert [float(row[1]) for row in others] == NEAR([cosine for _, cosine in wanted["near"]], abs=6e-3)


def test_the_page_opens_with_four_scenes_and_fetches_no_model(fresh: Visit) -> None:
    fresh.tool.scroll_into_view_if_needed()
    fresh.view.wait_for_load_state("networkidle")
    (caption,) = scenes.caption(scenes.compose(small_clip.START[:1]).attributes)
    for name in MODELS:
        assert_shown(fresh, name, small_clip.START[0], caption)
    assert not any(extension.MODEL.format(name) in url for name in MODELS for url in fresh.asked)
    assert fresh.view.workers == []


def test_what_was_stored_is_what_the_page_computes(fresh: Visit) -> None:
    """The same caption once more, by way of another, and every number is what it was."""
    caption = fresh.tool.get_by_label("Its caption").input_value()
    before = [shown(fresh, name) for name in MODELS], fresh.tool.locator("table").inner_text()
    fresh.after(lambda: fresh.write("star"))
    assert fresh.tool.locator("table").inner_text() != before[1]
    fresh.after(lambda: fresh.write(caption))
    assert ([shown(fresh, name) for name in MODELS], fresh.tool.locator("table").inner_text()) == before
    own = [url.rpartition("/")[2] for url in fresh.asked if "mindgap-clip-0" in url]
    assert sorted(own) == [extension.MODEL.format(name) for name in MODELS]


def test_a_drawn_scene_is_answered_as_python_answers(visit: Visit) -> None:
    visit.choose("scene", "2")
    visit.after(lambda: visit.press("right"))
    visit.after(lambda: visit.choose("shape", "ring"))
    visit.after(lambda: visit.choose("colour", "pink"))
    visit.after(lambda: visit.choose("size", "small"))
    visit.after(lambda: visit.tool.get_by_role("combobox", name="Place").select_option("bottom"))
    scene = [("large", "blue", "triangle", "centre"), ("small", "pink", "ring", "bottom")]
    caption = "a large blue triangle at the centre and a small pink ring at the bottom"
    assert visit.tool.get_by_label("Its caption").input_value() == caption
    for name in MODELS:
        assert_shown(visit, name, scene, caption)
    said = visit.tool.get_by_role("status").filter(has_text="Scene 2.")
    expect(said).to_contain_text(f"Trained at 1/100: cosine {expected('0.01', scene, caption)['own']:.2f}")
    # A word of one's own: the picture stays, the caption does not.
    visit.after(lambda: visit.write("a pink ring"))
    for name in MODELS:
        assert_shown(visit, name, scene, "a pink ring")
    visit.after(lambda: visit.tool.get_by_role("button", name="Say exactly what it shows").click())
    assert visit.tool.get_by_label("Its caption").input_value() == caption


def test_the_same_caption_is_no_other_caption(visit: Visit) -> None:
    """One of the 500 says the same; it is not counted among what is nearer, nor is its picture."""
    caption = next(
        one for one in extension.stored()["captions"] if one.endswith("at the centre") and " and " not in one
    )
    visit.choose("scene", "4")
    visit.after(lambda: visit.write(caption))
    for name in MODELS:
        assert_shown(visit, name, small_clip.START[3], caption)
        assert shown(visit, name)["others"] < small_clip.OTHERS
    visit.after(lambda: visit.tool.get_by_role("button", name="Say exactly what it shows").click())


def test_the_newest_words_win(visit: Visit) -> None:
    """Faster than the worker: only what was written last is asked for in the end, and shown."""
    visit.choose("scene", "3")
    words = ["small", "red", "circle", "at", "the", "top"]
    field = visit.tool.get_by_label("Its caption")
    before = visit.answered()
    field.fill("a")
    for word in words:
        field.press_sequentially(f" {word}")
    visit.view.wait_for_function(
        "([tool, words]) => document.querySelector(`${tool} .mindgap-clip-key li:nth-child(3)`)"
        ".textContent.startsWith(words)",
        arg=[TOOL, "a small red circle at the top"],
    )
    assert visit.answered() - before <= len(" ".join(["a", *words]))  # a worker that keeps up answers every letter
    for name in MODELS:
        assert_shown(visit, name, [("small", "blue", "triangle", "centre")], "a small red circle at the top")


def test_unknown_words_are_marked_and_what_cannot_be_read_is_said(visit: Visit) -> None:
    visit.choose("scene", "4")
    visit.after(lambda: visit.write("A red <b>Dog</b> at the Zoo"))
    read = visit.tool.locator(".mindgap-clip-read")
    assert read.locator("mark").all_inner_texts() == ["b", "dog", "b", "zoo"]
    expect(read).to_contain_text("It knows no “b”, “dog”, “zoo”: each is just “unknown” to it.")
    expect(read).to_contain_text("– your own words.")
    assert visit.tool.locator("b b").count() == 0
    visit.after(lambda: visit.write(" … "))
    expect(read).to_have_text("There is no word in this caption yet.")
    expect(visit.tool.locator(".mindgap-clip-key li").nth(3)).to_have_text("nothing yet")
    for name in MODELS:
        place = visit.tool.locator(f"[aria-labelledby='mindgap-clip-map-{name.replace('.', '-')}']")
        expect(place.locator(".mindgap-clip-own")).to_contain_text("Your caption cannot be read.")
        expect(place.locator("rect.is-caption")).to_be_hidden()
    assert visit.tool.locator("tbody tr:first-child td").nth(3).inner_text().strip() == "–"
    visit.after(lambda: visit.write("A dog, a dog"))
    expect(read).to_contain_text("It knows no “dog”: that is just “unknown” to it.")
    visit.after(lambda: visit.write("a " * 27))
    expect(read).to_have_text("The model reads at most 26 words, and this caption has 27.")
    visit.tool.locator("summary").click()
    visit.write("")
    visit.after(lambda: visit.tool.get_by_role("button", name="star", exact=True).click())
    assert visit.tool.get_by_label("Its caption").input_value() == "star"
    # Case and punctuation are nothing to the model, and so the words are those of the drawing.
    (exact,) = scenes.caption(scenes.compose(small_clip.START[3:]).attributes)
    visit.after(lambda: visit.write(f" {exact.upper()}!"))
    expect(read).to_contain_text("– exactly what is drawn.")
    expect(visit.tool.locator(".mindgap-clip-key li").nth(3)).not_to_contain_text("your words")
    assert sorted(visit.tool.locator(".mindgap-clip-words button").all_inner_texts()) == sorted(
        word for word in miniclip.VOCABULARY if not word.startswith("<")
    )
    visit.tool.locator("summary").click()
    visit.after(lambda: visit.tool.get_by_role("button", name="Say exactly what it shows").click())


def test_the_table_is_a_softmax_at_the_chosen_temperature(fresh: Visit) -> None:
    layout = scenes.compose(small_clip.START)
    captions = scenes.caption(layout.attributes)
    slider = fresh.tool.get_by_label("Softmax at τ")
    slider.focus()
    for name, steps, tau, way in (("0.01", 0, 0.1, 1), ("0.07", -4, 0.01, 1), ("0.07", 2, 0.05, 0), ("0.07", 5, 1, 1)):
        fresh.choose("model", name)
        fresh.choose("way", "picture picks caption" if way else "caption picks picture")
        slider.focus()
        for _ in range(abs(steps)):
            fresh.view.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        model = miniclip.load(name)
        cosines = miniclip.encode_images(model, scenes.render(layout)) @ miniclip.encode_texts(model, captions).T
        shares = torch.softmax(cosines.double() / tau, dim=way)
        rows = [row.locator("td").all() for row in fresh.tool.locator("tbody tr").all()]
        found = [[float(cell.locator("b").inner_text().split()[0]) for cell in row] for row in rows]
        assert torch.tensor(found).flatten().tolist() == NEAR(shares.flatten().tolist(), abs=6e-3)
        said = [
            cell.locator("small").inner_text().removeprefix("cos ").replace("−", "-") for row in rows for cell in row
        ]
        assert [float(one) for one in said] == NEAR(cosines.flatten().tolist(), abs=6e-3)
        winners = [[("is-winner" in (cell.get_attribute("class") or "")) for cell in row] for row in rows]
        best = shares.argmax(dim=way).tolist()
        expect_winners = [[(best[i] == j) if way else (best[j] == i) for j in range(4)] for i in range(4)]
        assert winners == expect_winners
        assert slider.get_attribute("aria-valuetext") == (f"1/{round(1 / tau)}" if tau < 1 else "1")
        sentence = fresh.tool.locator(".mindgap-clip-wins")
        expect(sentence).to_contain_text("Every picture" if way else "Every caption")
        assert best == [0, 1, 2, 3]  # at every temperature
    expect(sentence).to_have_attribute("aria-live", "polite")
    assert slider.input_value() == slider.get_attribute("max")  # hot is on the right, as in the playground
    # Of a new scene one sentence is said aloud, and not a second one of the table.
    fresh.after(lambda: fresh.choose("colour", "pink"))
    expect(sentence).to_have_attribute("aria-live", "off")
    expect(fresh.tool.locator("p[role='status']")).to_contain_text("Scene 1. Trained at 1/100: cosine")


# ---- in everyone's hands


def test_a_scene_is_drawn_by_keyboard(fresh: Visit) -> None:
    view = fresh.view
    fresh.tool.locator("[data-place='top left']").focus()
    focused = "document.activeElement.dataset.place"
    view.keyboard.press("ArrowRight")
    view.keyboard.press("ArrowRight")
    view.keyboard.press("ArrowRight")  # there is nothing to the right of the right
    assert view.evaluate(focused) == "top right"
    view.keyboard.press("ArrowDown")
    assert view.evaluate(focused) == "right"
    fresh.after(lambda: view.keyboard.press("Enter"))
    field = fresh.tool.get_by_label("Its caption")
    assert field.input_value() == (
        "a large yellow star at the top left and a large yellow star on the right and "
        "a small blue circle at the bottom right"
    )
    expect(fresh.tool.locator("[data-place='centre']")).to_have_attribute("aria-disabled", "true")
    expect(fresh.tool.locator("[data-place='right']")).to_have_attribute("aria-pressed", "true")
    fresh.after(lambda: view.keyboard.press("Delete"))
    assert field.input_value() == "a large yellow star at the top left and a small blue circle at the bottom right"
    assert view.evaluate(focused) == "right"
    tabs = "[...document.querySelectorAll('.mindgap-clip-stage button')].filter(one => one.tabIndex === 0).length"
    assert view.evaluate(tabs) == 1
    fresh.tool.locator("input[value='star']").focus()
    fresh.after(lambda: view.keyboard.press("ArrowRight"))
    assert field.input_value().startswith("a large yellow cross")


def test_no_button_loses_the_focus_of_who_presses_it(fresh: Visit) -> None:
    focused = "document.activeElement.textContent"
    for scene, name in (("2", "Take it away"), ("2", "Say exactly what it shows")):
        fresh.choose("scene", scene)
        button = fresh.tool.get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "true")
        button.focus()
        fresh.view.keyboard.press("Enter")
        assert fresh.view.evaluate(focused) == name
    fresh.after(lambda: fresh.press("right"))
    fresh.after(lambda: fresh.write("mine"))
    mine = fresh.tool.get_by_role("button", name="Back to my words")
    expect(mine).to_be_hidden()
    for name in ("Take it away", "Say exactly what it shows"):
        button = fresh.tool.get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "false")
        button.focus()
        fresh.after(lambda: fresh.view.keyboard.press("Enter"))
        expect(button).to_have_attribute("aria-disabled", "true")
        assert fresh.view.evaluate(focused) == name
    # Nor are the reader's own words gone.
    mine.focus()
    fresh.after(lambda: fresh.view.keyboard.press("Enter"))
    assert fresh.tool.get_by_label("Its caption").input_value() == "mine"
    assert fresh.view.evaluate(focused) == "Say exactly what it shows"
    expect(mine).to_be_hidden()


def test_a_surprise_can_be_taken_back(fresh: Visit) -> None:
    """With the reader's own caption and drawing, after several surprises, and by keyboard."""
    field = fresh.tool.get_by_label("Its caption")
    places = "[...document.querySelectorAll('.mindgap-clip-stage button')].map(one => one.ariaLabel)"
    fresh.after(lambda: fresh.press("right"))
    fresh.after(lambda: fresh.write("my own words"))
    before = fresh.view.evaluate(places)
    back = fresh.tool.get_by_role("button", name="Back to mine")
    expect(back).to_be_hidden()
    for _ in range(3):
        fresh.after(lambda: fresh.tool.get_by_role("button", name="Surprise me").click())
    assert field.input_value() != "my own words"
    assert fresh.view.evaluate(places) != before
    back.focus()
    fresh.after(lambda: fresh.view.keyboard.press("Enter"))
    assert field.input_value() == "my own words"
    assert fresh.view.evaluate(places) == before
    expect(back).to_be_hidden()
    assert fresh.view.evaluate("document.activeElement.textContent") == "Surprise me"


def test_both_models_say_how_well_they_retrieve(fresh: Visit) -> None:
    for name, model in extension.stored()["models"].items():
        place = fresh.tool.locator(f"[aria-labelledby='mindgap-clip-map-{name.replace('.', '-')}']")
        expect(place).to_contain_text(f"For {100 * model['recall']:.0f} of 100 pictures the nearest of 500 captions")


@pytest.mark.parametrize("width", [1280, 360])
def test_everyone_can_use_it(browser: Browser, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", has_touch=width < 400
    )
    visit = Visit(context)
    view = visit.view
    visit.after(lambda: visit.tool.locator("[data-place='right']").tap() if width < 400 else visit.press("right"))
    visit.after(lambda: visit.write("x" * 400))
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    edge = "one => document.querySelector(one).getBoundingClientRect().right"
    for inside in ("textarea", ".mindgap-clip-read mark", ".mindgap-clip-key li:first-child"):
        assert view.evaluate(edge, f"{TOOL} {inside}") <= view.evaluate(edge, TOOL)
    visit.after(lambda: visit.write("dog"))
    assert any(len(one) > 3 for one in visit.tool.locator(".mindgap-clip-rank").all_inner_texts())
    wide = (
        "[...document.querySelectorAll('.mindgap-clip-rank')].filter(one => {"
        " const words = document.createRange(); words.selectNodeContents(one);"
        " return words.getClientRects().length > 1 || words.getBoundingClientRect().right"
        " > (one.getBoundingClientRect().right || Infinity) }).length"
    )
    assert view.evaluate(wide) == 0
    if width < 400:  # one map at a time
        seen = visit.tool.locator(".mindgap-clip-map:visible")
        for name in MODELS[::-1]:
            visit.choose("map", name)
            expect(seen).to_have_attribute("aria-labelledby", f"mindgap-clip-map-{name.replace('.', '-')}")
    visit.after(lambda: visit.write("a red dog"))
    visit.tool.locator("summary").click()
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    cut = (
        f"[...document.querySelectorAll('{TOOL} *')].filter(one => getComputedStyle(one).overflowX === 'visible'"
        " && one.clientWidth && one.scrollWidth > one.clientWidth + 1 && !one.closest('svg, .mindgap-clip-unseen'))"
        ".map(one => one.outerHTML.slice(0, 120))"
    )
    assert view.evaluate(cut) == []
    targets = "button, label:has(input), input[type=range], select, summary"
    small = (
        f"[...document.querySelectorAll('{TOOL} :is({targets})')].filter(one => one.offsetParent)"
        ".map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 100)])"
        ".filter(([box]) => box.width < 24 || box.height < 24).map(([, html]) => html)"
    )
    assert view.evaluate(small) == []
    tiny = (
        f"[...document.querySelectorAll('{TOOL} :is(p, li, small, b, label, legend, th, caption, button)')]"
        ".filter(one => one.offsetParent && parseFloat(getComputedStyle(one).fontSize) < 11).length"
    )
    assert view.evaluate(tiny) == 0
    assert grave(view) == []
    view.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert grave(view, only_colours=True) == []
    assert visit.watch.errors == []
    context.close()


def test_the_points_move_unless_motion_is_unwelcome(browser: Browser) -> None:
    places = "document.querySelectorAll('.mindgap-clip circle.is-picture')[1].getAttribute('transform')"
    look = f"const look = () => {{ seen.add({places}); requestAnimationFrame(look) }}; look()"
    record = f"() => {{ window.seen = new Set(); {look} }}"
    for motion, least, most in (("no-preference", 4, 10**6), ("reduce", 2, 2)):
        context = browser.new_context(reduced_motion=motion)  # type: ignore[arg-type]
        visit = Visit(context)
        visit.view.evaluate(record)
        visit.after(lambda visit=visit: visit.choose("colour", "red"))
        visit.view.wait_for_function(f"seen.size >= {least}")
        assert visit.view.evaluate("seen.size") <= most
        context.close()


def test_without_javascript_and_on_paper_a_picture_stands_there(browser: Browser, visit: Visit) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto((SITE / PAGE).as_uri())
    expect(view.locator("#fig-hand .mindgap-still.mindgap-light")).to_be_visible()
    expect(view.locator(TOOL)).to_be_hidden()
    context.close()
    expect(visit.tool).to_be_visible()
    expect(visit.view.locator("#fig-hand .mindgap-figure")).to_be_hidden()
    visit.view.emulate_media(media="print")
    expect(visit.tool).to_be_hidden()
    expect(visit.view.locator("#fig-hand .mindgap-figure")).to_be_visible()
    visit.view.emulate_media(media="screen")


def test_without_its_models_the_page_says_so(browser: Browser) -> None:
    context = browser.new_context()
    view = context.new_page()
    view.route(re.compile(r"mindgap-clip-0\.07\.js"), lambda route: route.abort())
    view.goto((SITE / PAGE).as_uri())
    view.wait_for_selector(f"{TOOL}.is-ready")
    view.locator(f"{TOOL} [data-place='right']").click()
    expect(view.locator(".mindgap-clip-work")).to_contain_text("The models are not beside this page")
    expect(view.locator(f"{TOOL} .mindgap-clip-own").first).to_contain_text("0.80")
    context.close()


@pytest.mark.parametrize("broken", ["throw new Error('broken')", None])
def test_without_its_script_the_picture_is_back(browser: Browser, broken: str | None) -> None:
    context = browser.new_context()
    view = context.new_page()
    view.route(
        re.compile(r"mindgap-clip\.js"),
        lambda route: route.fulfill(body=broken, content_type="text/javascript") if broken else route.abort(),
    )
    view.goto((SITE / PAGE).as_uri())
    expect(view.locator("#fig-hand .mindgap-figure")).to_be_visible()
    expect(view.locator(TOOL)).to_be_hidden()
    context.close()


def test_the_tool_is_seen_soon(fresh: Visit) -> None:
    """Without scrolling, on a screen of 1280 × 900."""
    box = fresh.tool.locator(".mindgap-clip-stage").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] / 2 < 900


def test_scripts_are_light() -> None:
    own = (SITE / "_static" / extension.SCRIPT).read_bytes()
    assert len(gzip.compress(own, mtime=0)) < 100_000
    for name in MODELS:
        assert len(gzip.compress((SITE / "_static" / extension.MODEL.format(name)).read_bytes(), mtime=0)) < 620_000
