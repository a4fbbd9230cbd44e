"""A live explorer in a real JupyterLab: what a reader drags there, driven in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watched_page

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed (make test installs it)")

NOTEBOOKS = {
    "explorer": 'widgets.shift_explorer("mini", options={"mini": {"n": 300}})',
    "network": "widgets.network_explorer()",
    # Small, and far longer than the test: it is to be stopped.
    "training": "widgets.training_explorer(Recipe(steps=2000, width=16, heads=2, layers=1, embed_dim=8, patch=8))",
}
IMPORTS = "from mindgap import widgets\nfrom mindgap.recipe import Recipe"
CELLS = 2


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab on loopback, with a notebook an explorer in its folder and settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    for name, call in NOTEBOOKS.items():
        cells = [nbformat.v4.new_code_cell(source) for source in (IMPORTS, call)]
        book = nbformat.v4.new_notebook(cells=cells)
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, folder / f"{name}.ipynb")
    home = tmp_path_factory.mktemp("home")
    settings = home / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})
    )
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab" / "user-settings"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    options = [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--ServerApp.port=0", "--no-browser"]
    options += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    log = home / "log.txt"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], stdout=out, stderr=subprocess.STDOUT, env=environment
        )
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _address(server: subprocess.Popen, log: Path) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab", log.read_text()):
            base = f"http://127.0.0.1:{found[1]}"
            with contextlib.suppress(urllib.error.URLError):  # the address is told a moment before the port is open
                with urllib.request.urlopen(f"{base}/api", timeout=30) as answer:
                    assert answer.status == 200
                return base
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def run_all(page: Page) -> None:
    """Run every cell by the menu, and wait until the last one has been run."""
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Idle", timeout=60_000)
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").nth(CELLS - 1)
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        try:
            expect(prompt).not_to_have_text("[ ]:", timeout=5_000)
            break
        except AssertionError:
            continue  # JupyterLab forgets what it is asked to run while the kernel is still connecting; ask again
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=120_000)


@pytest.fixture
def opened(browser: Browser, lab: str) -> Iterator[Callable[[str], Page]]:
    """Opens a notebook in a page and runs it; in the end, nothing outside was asked for and no chart broke."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100})
    page, watch = watched_page(context, (lab, lab.replace("http", "ws")))

    def ran(name: str, first: str = ".vega-embed") -> Page:
        page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb")  # or JupyterLab opens the last one again beside it
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        run_all(page)
        page.locator(f".jp-OutputArea {first}").first.wait_for(timeout=60_000)
        return page

    yield ran
    assert [address for address in watch.outside if not address.startswith("ws")] == []
    assert [line for line in watch.errors if "vega" in line.lower() or "widget" in line.lower()] == []
    context.close()


def test_the_shift_explorer_is_drawn_and_moves_in_jupyterlab(opened: Callable[[str], Page]) -> None:
    page = opened("explorer")
    readout = page.locator(".jp-OutputArea", has_text="signed gap")
    expect(readout.first).to_contain_text("λ = 0.00")

    marks = ".jp-OutputArea .vega-embed canvas, .jp-OutputArea .vega-embed svg"
    before = page.locator(marks).first.screenshot()
    slider = page.locator(".widget-slider .noUi-handle").last
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(readout.first).to_contain_text("λ = 0.50", timeout=15_000)
    page.wait_for_timeout(500)
    assert page.locator(marks).first.screenshot() != before, "the points did not move"

    page.get_by_role("button", name="image→text").click()
    expect(readout.first).to_contain_text("λ = 0.50")
    page.locator(".jp-OutputArea input[list]").first.fill("no such model")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-OutputArea [role=status]").first).to_contain_text("unknown name", timeout=15_000)


def test_a_network_grows_layer_by_layer_in_jupyterlab(opened: Callable[[str], Page]) -> None:
    page = opened("network")
    output = page.locator(".jp-OutputArea", has_text="mean cosine").first
    expect(output).to_contain_text("3 layers, mean cosine 0.6")
    page.get_by_role("button", name="add five").click()
    expect(output).to_contain_text("8 layers, mean cosine 0.8", timeout=30_000)
    page.locator(".jp-OutputArea select").first.select_option("sigmoid")
    page.get_by_role("button", name="add a layer").click()
    expect(output).to_contain_text("8 × relu 512 → 1 × sigmoid 512", timeout=30_000)
    page.get_by_role("button", name="start again").click()
    expect(output).to_contain_text("add a layer", timeout=30_000)


def test_a_training_runs_in_the_background_and_is_stopped_in_jupyterlab(opened: Callable[[str, str], Page]) -> None:
    page = opened("training", "button")
    output = page.locator(".jp-OutputArea", has_text="forget the runs").first
    expect(output).to_contain_text("Choose a temperature")
    train = page.locator(".jp-OutputArea button", has_text="train")
    train.click()
    page.locator(".jp-OutputArea .vega-embed").first.wait_for(timeout=60_000)
    expect(train).to_be_disabled()
    page.locator(".jp-OutputArea button", has_text="stop").click()
    expect(output).to_contain_text("stopped: gap", timeout=30_000)
    expect(train).to_be_enabled()
