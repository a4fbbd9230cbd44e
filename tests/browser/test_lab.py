"""Live explorers in a real JupyterLab: what a reader drags there, driven in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Watched, watched_page
from tests.notebooks import write
from tests.waiting import HANG, until

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed (make test installs it)")

CELLS = {
    "imports": "from mindgap import widgets\nfrom mindgap.recipe import Recipe",
    "shift": 'widgets.shift_explorer("mini", options={"mini": {"n": 300}})',
    "network": "widgets.network_explorer()",
    # Small, and far longer than the test: it is to be stopped.
    "training": "widgets.training_explorer(Recipe(steps=2000, width=16, heads=2, layers=1, embed_dim=8, patch=8))",
}
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight are there too
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab on loopback, with one notebook in its folder and settings of its own."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    write(folder / "explorers.ipynb", [(source, None, {}) for source in CELLS.values()])
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    options = [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--ServerApp.port=0", "--no-browser"]
    options += ["--expose-app-in-browser"]  # as `jupyterapp`
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
        server.wait(timeout=HANG)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    told = re.compile(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab")
    until(lambda: told.search(log.read_text()) or server.poll() is not None, "JupyterLab says its address")
    if server.poll() is not None or not (found := told.search(log.read_text())):
        raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
    base = f"http://127.0.0.1:{found[1]}"

    def answers() -> bool:
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(f"{base}/api", timeout=HANG) as answer:
            return bool(answer.status == 200)
        return False

    until(answers, f"JupyterLab answers at {base}")  # the address is told a moment before the port is open
    return base


# JupyterLab forgets what it is asked to run while the kernel is still connecting.
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
RUN = "async () => { const _ = jupyterapp.commands.execute('notebook:run-all-cells') }"


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: str) -> Iterator[tuple[Page, Watched]]:
    """The notebook in a page, all of its cells run by one kernel, which imports for all explorers."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100})
    page, watch = watched_page(context, (lab, lab.replace("http", "ws")))
    page.goto(f"{lab}/lab/tree/explorers.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(f"{KERNEL}?.connectionStatus === 'connected'")
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Idle")
    page.evaluate(RUN)
    yield page, watch
    context.close()


@pytest.fixture
def page(opened: tuple[Page, Watched]) -> Iterator[Page]:
    """That page; in the end, nothing outside was asked for and no chart broke."""
    page, watch = opened
    yield page
    assert [address for address in watch.outside if not address.startswith("ws")] == []
    assert [line for line in watch.errors if "vega" in line.lower() or "widget" in line.lower()] == []


def outputs(page: Page, name: str) -> Locator:
    return page.locator(".jp-CodeCell").nth(list(CELLS).index(name)).locator(".jp-OutputArea").first


def test_the_shift_explorer_is_drawn_and_moves_in_jupyterlab(page: Page) -> None:
    explorer = outputs(page, "shift")
    expect(explorer).to_contain_text("λ = 0.00")

    marks = explorer.locator(".vega-embed canvas, .vega-embed svg").first
    before = marks.screenshot()
    explorer.locator(".widget-slider .noUi-handle").last.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(explorer).to_contain_text("λ = 0.50")
    until(lambda: marks.screenshot() != before, "the points move")

    explorer.get_by_role("button", name="image→text").click()
    expect(explorer).to_contain_text("λ = 0.50")
    explorer.locator("input[list]").first.fill("no such model")
    page.keyboard.press("Enter")
    expect(explorer.locator("[role=status]").first).to_contain_text("unknown name")


def test_a_network_grows_layer_by_layer_in_jupyterlab(page: Page) -> None:
    explorer = outputs(page, "network")
    explorer.locator(".vega-embed").first.wait_for()
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
    explorer.locator(".vega-embed").first.wait_for()
    expect(train).to_be_disabled()
    explorer.locator("button", has_text="stop").click()
    expect(explorer).to_contain_text("stopped: gap")
    expect(train).to_be_enabled()
