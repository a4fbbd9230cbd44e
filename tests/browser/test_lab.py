"""A real JupyterLab, driven in Chromium: the chapters as a reader opens them, and the live explorers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, expect

from book import plain
from book.conftest import same
from book.lab import RUN, serving, wait_for_kernel
from book.notebooks import HANG as RUNNING
from book.notebooks import notebooks
from mindgap.charts.theme import THEME
from tests.browser.conftest import Watched, watched_page
from tests.notebooks import READ, write
from tests.test_plain import RAW
from tests.waiting import until

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed (make test installs it)")

CELLS = {
    "imports": "from mindgap import widgets\nfrom mindgap.recipe import Recipe",
    "shift": 'widgets.shift_explorer("mini", options={"mini": {"n": 300}})',
    "network": "widgets.network_explorer()",
    "gap": 'widgets.gap_explorer("mini", "mini@0.07", options={"mini": {"n": 400}, "mini@0.07": {"n": 400}})',
    "seeds": 'widgets.seed_explorer("ViT-S-32-alt:image", n=2)',
    "sphere": "widgets.sphere_explorer()",
    # Small, and far longer than the test: it is to be stopped.
    "training": "widgets.training_explorer(Recipe(steps=2000, width=16, heads=2, layers=1, embed_dim=8, patch=8))",
}
EXPLORERS = [name for name in CELLS if name != "imports"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make lab` lays out, and a notebook of explorers."""
    made = tmp_path_factory.mktemp("lab")
    assert plain.write(made, notebooks(), plain.survey(notebooks())) == []
    return made


@pytest.fixture(scope="module")
def lab(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab, in whose folder there is also a notebook of explorers."""
    write(folder / "explorers.ipynb", [(source, None, {}) for source in CELLS.values()])
    with serving(folder, tmp_path_factory.mktemp("home")) as base:
        yield base


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: str) -> Iterator[tuple[Page, Watched]]:
    """The notebook in a page, all of its cells run by one kernel, which imports for all explorers."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100})
    page, watch = watched_page(context, (lab, lab.replace("http", "ws")))
    page.goto(f"{lab}/lab/workspaces/explorers/tree/explorers.ipynb")  # a workspace of its own: none is restored
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(page)
    page.evaluate(RUN)
    yield page, watch
    context.close()


@pytest.fixture
def page(opened: tuple[Page, Watched]) -> Iterator[Page]:
    """That page; in the end, nothing outside was asked for and no chart broke."""
    page, watch = opened
    yield page
    assert [address for address in watch.outside if not address.startswith("ws")] == []
    errors = [line for line in watch.errors if "widget model not found" not in line]  # of a notebook opened again
    assert [line for line in errors if "vega" in line.lower() or "widget" in line.lower()] == []


@pytest.fixture(scope="module")
def desk(browser: Browser, lab: str) -> Iterator[tuple[Page, Watched]]:
    """A Lab in which chapters are opened, one after the other."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield watched_page(context, (lab, lab.replace("http", "ws")))
    context.close()


def open_chapter(desk: tuple[Page, Watched], lab: str, name: str) -> Page:
    page, watch = desk
    watch.outside.clear()
    watch.errors.clear()
    page.goto(f"{lab}/lab/tree/{name}?reset")
    page.locator(".jp-Notebook .jp-MarkdownCell").first.wait_for()
    wait_for_kernel(page)
    return page


DIRTY = "jupyterapp.shell.currentWidget.context.model.dirty"
SAVE = "jupyterapp.commands.execute('docmanager:save')"


def test_notebook_7_draws_and_moves_an_explorer_as_the_lab_does(browser: Browser, lab: str, folder: Path) -> None:
    write(folder / "seven.ipynb", [(CELLS["imports"], None, {}), (CELLS["shift"], None, {})])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, watch = watched_page(context, (lab, lab.replace("http", "ws")))
    heard: list[str | bytes] = []  # the kernel, without whose answer what is run is forgotten
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    page.goto(f"{lab}/notebooks/seven.ipynb")
    until(lambda: page.evaluate("1") and any("kernel_info_reply" in str(one) for one in heard), "the kernel answers")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    for name in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=name, exact=True).click()
    explorer = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea").first
    explorer.locator(".mindgap-view svg").wait_for()
    explorer.locator(".widget-slider .noUi-handle").last.click()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(explorer).to_contain_text("λ = 0.50")
    assert [address for address in watch.outside if not address.startswith("ws")] == []
    assert [line for line in watch.errors if "vega" in line.lower() or "widget" in line.lower()] == []
    context.close()


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_chapter_reads_like_a_page_and_opening_it_changes_nothing(
    desk: tuple[Page, Watched], lab: str, folder: Path, path: Path
) -> None:
    before = (folder / path.name).read_bytes()
    page = open_chapter(desk, lab, path.name)
    charts = before.count(b'"application/vnd.vegalite.')
    expect(page.locator(".jp-RenderedVegaCommon5 .vega-embed")).to_have_count(charts)
    cells = page.locator(".jp-RenderedMarkdown")
    cells.first.locator("h1").wait_for()
    shown = "\n".join(cells.all_inner_texts())
    assert not RAW.findall(shown), "what only MyST understands"
    assert page.locator(".jp-RenderedMarkdown mjx-merror, .jp-RenderedMarkdown .MathJax_Error").count() == 0
    for fold in page.locator(".jp-RenderedMarkdown details").all():
        assert fold.evaluate("fold => !fold.open && fold.children.length > 1"), "what is folded is in its fold"
    # A picture, or the question that is asked before it. The front page first says how CLIP is trained, and the errata
    # have a table of their points.
    looked_at = ".vega-embed, .jp-OutputArea .jp-RenderedMarkdown"
    box = page.locator(".jp-CodeCell").filter(has=page.locator(looked_at)).first.bounding_box()
    assert box is not None
    screen = {"index": 1300, "errata": 2000}.get(path.stem, 900)
    assert box["y"] < screen, "what there is to look at comes within one screen"
    assert page.evaluate(DIRTY) is False
    page.evaluate(SAVE)
    assert (folder / path.name).read_bytes() == before
    # Nor that Lab's Vega-Lite is older than the one that wrote the charts.
    assert [line for line in desk[1].errors if "vega" in line.lower() or "markdown" in line.lower()] == []
    expect(page.locator("#jp-top-panel, .jp-NotebookPanel-toolbar").first).to_be_visible()
    assert page.get_by_text(re.compile("Validate|Nbgrader|Create Assignment")).count() == 0, "readers have nothing to"
    assert [address for address in desk[1].outside if not address.startswith("ws")] == []


# Running every chapter whole takes minutes, and strict nbval runs the same cells: the front page stands for them, save
# where one asks for all, by `make test WHOLE=1`.
WHOLE = os.environ.get("MINDGAP_WHOLE")


def saved_again(now: NotebookNode, before: NotebookNode) -> NotebookNode:
    """An output as it was, if it is the same but for one unit in the fourth digit of a chart's numbers."""
    if now == before:
        return now
    data, there = ({k: v for k, v in one.get("data", {}).items() if k != "image/png"} for one in (now, before))
    return before if data and same(data, there) else now


@pytest.mark.parametrize("name", [path.name for path in notebooks()])
def test_a_chapter_runs_and_what_it_saves_differs_in_nothing_but_what_ran(
    desk: tuple[Page, Watched], lab: str, folder: Path, name: str
) -> None:
    if name != "index.ipynb" and not WHOLE:
        pytest.skip("runs a chapter whole in JupyterLab: make test WHOLE=1")
    path = folder / name
    before = path.read_text(encoding="utf-8")
    page = open_chapter(desk, lab, path.name)
    page.evaluate(RUN)
    page.wait_for_function(
        "[...jupyterapp.shell.currentWidget.content.widgets].filter(cell => cell.model.type === 'code')"
        ".every(cell => cell.model.executionState === 'idle' && cell.model.executionCount)",
        timeout=1000 * RUNNING,
    )
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    page.evaluate(SAVE)
    after = READ(path, as_version=4)
    for cell, there in zip(after.cells, nbformat.reads(before, as_version=4).cells, strict=True):
        if plain.is_live(cell):  # an explorer has no stored output
            cell.outputs, cell.execution_count = [], None
        elif there.metadata.get("jupyter", {}).get("outputs_hidden"):  # JupyterLab unfolds what it runs
            cell.metadata = there.metadata
        if cell.cell_type == "code":
            cell.outputs = [saved_again(*both) for both in zip(cell.outputs, there.outputs, strict=True)]
    assert nbformat.writes(after) + "\n" == before, "git diff is empty"


def outputs(page: Page, name: str) -> Locator:
    return page.locator(".jp-CodeCell").nth(list(CELLS).index(name)).locator(".jp-OutputArea").first


def test_the_shift_explorer_is_drawn_and_moves_in_jupyterlab(page: Page) -> None:
    explorer = outputs(page, "shift")
    expect(explorer).to_contain_text("λ = 0.00")

    marks = explorer.locator(".mindgap-view svg").first
    before = marks.screenshot()
    explorer.locator(".widget-slider .noUi-handle").last.click()  # which selects the cell, as a reader's click does
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(explorer).to_contain_text("λ = 0.50")
    until(lambda: marks.screenshot() != before, "the points move")

    explorer.get_by_role("button", name="image→text").click()
    expect(explorer).to_contain_text("λ = 0.50")
    explorer.locator("input[list]").first.fill("no such model")
    page.keyboard.press("Enter")
    expect(explorer.locator("[role=status]").first).to_contain_text("unknown name")


# 933 is what a window of 1,400 pixels has at 150 %.
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [800, 933, 1280, 1600])
def test_no_label_is_cut_off_in_jupyterlab(page: Page, width: int, theme: str) -> None:
    page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: '{theme}' }})")
    page.set_viewport_size({"width": width, "height": 1100})
    for name in EXPLORERS:
        explorer = outputs(page, name)
        expect(explorer).to_contain_text("reset")
        explorer.scroll_into_view_if_needed()
        cut = explorer.locator(".widget-label, .widget-toggle-button, .widget-button").evaluate_all(
            "labels => labels.filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)"
            ".map(one => one.textContent)"
        )
        assert cut == []
        place = explorer.locator(".mindgap-live").element_handle()
        page.wait_for_function("place => place.scrollWidth <= place.clientWidth + 1", arg=place)
    page.set_viewport_size({"width": 1400, "height": 1100})
    page.evaluate("jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")


def test_a_network_grows_layer_by_layer_in_jupyterlab(page: Page) -> None:
    explorer = outputs(page, "network")
    explorer.locator(".mindgap-view svg").first.wait_for()
    expect(explorer).to_contain_text("3 layers, mean cosine 0.6")
    explorer.get_by_role("button", name="add five").click()
    expect(explorer).to_contain_text("8 layers, mean cosine 0.8")
    explorer.locator("select").first.select_option("sigmoid")
    explorer.get_by_role("button", name="add a layer").click()
    expect(explorer).to_contain_text("8 × relu 512 → 1 × sigmoid 512")
    explorer.get_by_role("button", name="start again").click()
    expect(explorer).to_contain_text("add a layer")


def test_a_training_runs_in_the_background_and_is_stopped_in_jupyterlab(page: Page) -> None:
    explorer = outputs(page, "training")
    expect(explorer).to_contain_text("Choose a temperature")
    train = explorer.locator("button", has_text="train")
    train.click()
    expect(explorer.locator("[role=status]").first).to_contain_text(re.compile("Building|Step"))
    explorer.locator(".mindgap-view svg").first.wait_for()
    expect(train).to_be_disabled()
    explorer.locator("button", has_text="stop").click()
    expect(explorer).to_contain_text("stopped: gap")
    expect(train).to_be_enabled()


KERNEL_NOW = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"


THREADS = f"""async () => {{
  let said = "";
  const code = "import threading; print([one.name for one in threading.enumerate()].count('mindgap'))";
  const asked = {KERNEL_NOW}.requestExecute({{ code }});
  asked.onIOPub = message => {{ if (message.header.msg_type === "stream") said += message.content.text; }};
  await asked.done;
  return Number(said);
}}"""


def test_an_interrupt_ends_a_training_and_so_does_running_its_cell_again(page: Page) -> None:
    explorer = outputs(page, "training")
    train, said = explorer.locator("button", has_text="train"), explorer.locator("[role=status]").first
    train.click()
    expect(said).to_contain_text("Step")
    page.evaluate(f"async () => {{ await {KERNEL_NOW}.interrupt() }}")
    expect(explorer).to_contain_text("stopped: gap")
    train.click()
    expect(said).to_contain_text("Step")
    page.evaluate(f"jupyterapp.shell.currentWidget.content.activeCellIndex = {list(CELLS).index('training')}")
    page.evaluate("async () => { await jupyterapp.commands.execute('notebook:run-cell') }")
    expect(explorer).to_contain_text("Choose a temperature")
    expect(train).to_be_enabled()
    until(lambda: page.evaluate(THREADS) == 0, "the training of the explorer that was there has ended")


# A slider of each, and what is said where fifty steps up, forty down and ten up have led.
MOVED = {
    "shift": ("shift λ", "λ = 1.00: signed gap"),
    "network": ("seeds", "over 11 seeds"),
    "gap": ("pairs drawn", "The first 350 pairs of each set are drawn"),
    "seeds": ("inputs, n", "on 22 inputs"),
    "sphere": ("height", "Δθ = 30°"),
    "training": ("steps", "2000"),
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_hundred_changes_leave_the_last_and_the_kernel_answers_meanwhile(page: Page, name: str) -> None:
    slider, said = MOVED[name]
    explorer = outputs(page, name)
    explorer.get_by_role("button", name="reset").click()
    if name != "training":
        explorer.locator(".mindgap-view svg").first.wait_for()
    drawings = int(explorer.locator(".mindgap-live").get_attribute("data-drawings") or 0)
    if name == "training":  # draws as soon as it has begun, which may be before the next line
        explorer.locator("button", has_text="train").click()
    handle = explorer.locator(".widget-slider", has_text=slider).locator(".noUi-handle")
    handle.click()  # which selects the cell, as a reader's click does
    for key in ["ArrowRight"] * 50 + ["ArrowLeft"] * 40:
        page.keyboard.press(key)
    asked = page.evaluate(f"async () => (await {KERNEL_NOW}.requestExecute({{ code: '6 * 7' }}).done).content.status")
    assert asked == "ok"
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(explorer).to_contain_text(said)
    if name == "training":
        explorer.locator("button", has_text="stop").click()
        expect(explorer).to_contain_text("stopped: gap")
    live = explorer.locator(".mindgap-live")
    until(lambda: int(live.get_attribute("data-drawings") or 0) > drawings, "what was asked for last is drawn")
    assert "could not be drawn" not in explorer.inner_text()


def test_six_clicks_are_thirty_layers(page: Page) -> None:
    explorer = outputs(page, "network")
    explorer.get_by_role("button", name="start again").click()
    expect(explorer).to_contain_text("add a layer.")
    for _ in range(6):
        explorer.get_by_role("button", name="add five").click()
    expect(explorer).to_contain_text("30 layers, mean cosine")


def test_charts_follow_the_theme_of_the_lab(page: Page) -> None:
    explorer = outputs(page, "shift")
    said = explorer.locator(".mindgap-view svg .role-axis-label text").first
    for theme, mode in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: '{theme}' }})")
        expect(said).to_have_attribute("fill", THEME["ink"][mode]["text"])
        white = explorer.locator(".mindgap-view svg").evaluate("svg => getComputedStyle(svg).backgroundColor")
        assert white == "rgba(0, 0, 0, 0)"


def test_the_lines_of_a_state_are_shown_for_copying(page: Page) -> None:
    explorer = outputs(page, "shift")
    explorer.get_by_role("button", name="Copy code").click()
    expect(explorer.locator("pre")).to_contain_text("mindgap.loss_landscape(pairs.x, pairs.y, [1], [1 / 100])")


def test_what_chooses_a_state_looks_unlike_what_acts(page: Page) -> None:
    explorer = outputs(page, "network")
    expect(explorer).to_contain_text("reset")
    choices, acts = explorer.locator(".widget-toggle-button"), explorer.locator(".widget-button").all()
    look = "button => [getComputedStyle(button).backgroundColor, getComputedStyle(button, '::before').borderTopWidth]"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: '{theme}' }})")
        expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
        assert {button.evaluate(look)[0] for button in choices.all()} == {"rgba(0, 0, 0, 0)"}
        assert "rgba(0, 0, 0, 0)" not in {button.evaluate(look)[0] for button in acts}
        marked = [button.evaluate(look)[1] for button in choices.all()]
        assert len(set(marked)) == 2
        assert marked.count("4px") == 1


def test_after_a_restart_the_last_picture_stands_and_says_how_to_go_on(page: Page) -> None:
    pictures = {name: outputs(page, name).locator(".mindgap-stored") for name in EXPLORERS}
    if not pictures["training"].locator("img").count():  # the only one that draws nothing until it is told to
        outputs(page, "training").locator("button", has_text="train").click()
        outputs(page, "training").locator(".mindgap-view svg").first.wait_for()
        outputs(page, "training").locator("button", has_text="stop").click()
    for stored in pictures.values():
        stored.locator("img").wait_for(state="attached")
    page.evaluate(f"async () => {{ await {KERNEL_NOW}.restart() }}")
    for name, stored in pictures.items():
        expect(stored).to_be_visible()
        expect(stored).to_contain_text("Run this cell to make it live.")
        assert stored.locator("img").evaluate("image => image.complete && image.naturalWidth > 300"), name
        assert outputs(page, name).locator(".widget-box").first.is_hidden(), name

    page.evaluate(RUN)
    expect(outputs(page, "shift")).to_contain_text("λ = 0.00")
    for stored in pictures.values():
        expect(stored).to_be_hidden()


def test_a_notebook_opened_again_shows_the_last_pictures(page: Page) -> None:
    stored = outputs(page, "shift").locator(".mindgap-stored")
    until(lambda: stored.locator("img").count(), "the picture is stored")
    page.evaluate(SAVE)
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
    page.reload()
    expect(stored).to_be_visible()
    expect(stored).to_contain_text("Run this cell to make it live.")
    assert "model not found" not in outputs(page, "shift").inner_text()


def test_a_cell_that_runs_long_has_a_bar_that_is_not_saved(browser: Browser, lab: str, folder: Path) -> None:
    waits = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(.05)\nprint('done')"
    fails = "while not pathlib.Path('on').exists():\n    time.sleep(.05)\n1 / 0"
    path = write(folder / "long.ipynb", [(one, None, {}) for one in ("from mindgap import running", waits, fails)])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, _ = watched_page(context, (lab, lab.replace("http", "ws")))
    page.goto(f"{lab}/lab/workspaces/long/tree/long.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(page)
    page.evaluate(f"{KERNEL_NOW}.requestExecute({{ code: 'from mindgap import running; running.show()' }}).done")
    page.evaluate(RUN)
    for number, file, said in ((1, "go", "done"), (2, "on", "ZeroDivisionError")):
        cell = page.locator(".jp-CodeCell").nth(number)
        cell.locator(".jp-OutputArea progress").wait_for()
        expect(cell).to_contain_text("running for")
        (folder / file).write_text("")
        expect(cell.locator(".jp-OutputArea")).to_contain_text(said)
        assert cell.locator("progress").count() == 0
    page.evaluate(SAVE)
    _, waited, failed = READ(path, as_version=4).cells
    assert [one.get("text") for one in waited.outputs] == ["done\n"]
    assert [one.output_type for one in failed.outputs] == ["error"]
    context.close()
