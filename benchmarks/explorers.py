"""A hundred changes in five seconds on each explorer, in a real JupyterLab: when the last state stands.

    python benchmarks/explorers.py                 # two or three minutes
    python benchmarks/explorers.py shift gap --csv benchmarks/explorers.csv

Each explorer is the one of its chapter. One of its sliders goes up fifty steps, down forty and up ten, by keys, twenty
a second; the training explorer trains meanwhile. `stood` is how long after the last key the explorer last changed
anything that it shows, words or picture, with the words of the last state there; of the training explorer, whose
picture goes on changing, how long after it the kernel had the value. Meanwhile the kernel is asked something else twice
a second, as by another cell: `waited` is the longest wait for an answer, and `answer` the median. `errors` counts lines
of the console, of the cell and of the explorer that tell of one. `load` is how many processes wanted to run, on average
over a minute.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _machine import introduce, machine, write
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from book import chromium
from book.lab import HANG, KERNEL, RUN, serving, wait_for_kernel

KEYS = ["ArrowRight"] * 50 + ["ArrowLeft"] * 40 + ["ArrowRight"] * 10
EVERY = 0.05  # seconds between two keys
QUIET = 3.0  # seconds without a change after which none will come

# The cell, the slider, and what is said of where the keys lead.
EXPLORERS = {
    "gap": ('widgets.gap_explorer("clip", "mini")', "pairs drawn", "The first 350 pairs of each set are drawn"),
    "network": ("widgets.network_explorer()", "seeds", "over 11 seeds"),
    "seeds": ('widgets.seed_explorer("resnet18")', "inputs, n", "on 36 inputs"),
    "shift": ('widgets.shift_explorer("mini")', "shift λ", "λ = 1.00: signed gap"),
    "sphere": ("widgets.sphere_explorer()", "height", "Δθ = 30°"),
    "training": ("training = widgets.training_explorer()\ntraining", "steps", ""),
}

# Set on the output that holds the explorer: when it last changed, when the last key came, and how long others waited.
WATCH = """output => {
  window.watched = { changed: performance.now(), key: 0, waits: [] };
  new MutationObserver(() => { watched.changed = performance.now(); }).observe(output, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-drawings", "style"],
  });
  addEventListener("keydown", () => { watched.key = performance.now(); }, { capture: true });
}"""
ASKED = f"""async code => {{
  const kernel = {KERNEL}, start = performance.now();
  let said = "";
  const asked = kernel.requestExecute({{ code, store_history: false }});
  asked.onIOPub = message => {{ if (message.header.msg_type === "stream") said += message.content.text; }};
  await asked.done;
  return {{ said, waited: performance.now() - start }};
}}"""
ASK_ON = f"""() => {{
  const ask = {ASKED};
  watched.asking = setInterval(async () => watched.waits.push((await ask("print(6 * 7)")).waited), 500);
}}"""
NO_LONGER = "() => clearInterval(watched.asking)"


def at_rest(page: Page) -> None:
    """Wait until the explorer has not changed for a while."""
    page.wait_for_function(f"performance.now() - watched.changed > {1000 * QUIET}")


def press(page: Page) -> float:
    """All keys, each at its time or as soon as the last one is through; the seconds that took."""
    start = time.perf_counter()
    for number, key in enumerate(KEYS):
        time.sleep(max(0.0, start + number * EVERY - time.perf_counter()))
        page.keyboard.press(key)
    return time.perf_counter() - start


def kernel_has(page: Page, code: str, value: str) -> float:
    """The milliseconds from the last key until the kernel prints `value` for `code`."""
    while page.evaluate(ASKED, code)["said"].strip() != value:
        pass
    return float(page.evaluate("performance.now() - watched.key"))


def measured(page: Page, cell: Locator, name: str) -> dict[str, Any]:
    """One explorer, moved."""
    _, slider, said = EXPLORERS[name]
    errors: list[str] = []
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    live = cell.locator(".jp-OutputArea-output:has(.mindgap-live)")
    live.wait_for()
    page.evaluate(WATCH, live.element_handle())
    if name != "training":
        cell.locator(".mindgap-stored img").wait_for(state="attached")  # made when all is there, and nothing moves
    at_rest(page)
    if name == "training":
        cell.locator("button", has_text="train").click()
        expect(cell.locator("[role=status]").first).to_contain_text("Step")
    handle = cell.locator(".widget-slider", has_text=slider).locator(".noUi-handle")
    handle.click()
    handle.focus()
    page.evaluate(ASK_ON)
    took = press(page)
    if name == "training":
        wanted = cell.locator(".widget-slider", has_text=slider).locator(".widget-readout").inner_text()
        stood = kernel_has(page, "print(training.steps.value)", wanted.replace(",", ""))
        page.evaluate(NO_LONGER)
        cell.locator("button", has_text="stop").click()
        expect(cell).to_contain_text("stopped: gap")
    else:
        expect(cell).to_contain_text(said)
        at_rest(page)
        page.evaluate(NO_LONGER)
        expect(cell).to_contain_text(said)
        stood = float(page.evaluate("watched.changed - watched.key"))
    waits = page.evaluate("watched.waits")
    wrong = cell.locator(".mindgap-wrong:not(:empty), [data-mime-type='application/vnd.jupyter.stderr']").all()
    wrong_words = [one.inner_text() for one in wrong] + ["could not be drawn"] * (
        "could not be drawn" in cell.inner_text()
    )
    for line in [*errors, *wrong_words]:
        print(f"  {name}: {line}")
    return {
        "explorer": name, "keys": len(KEYS), "in_s": round(took, 1), "stood_s": round(stood / 1000, 2),
        "waited_s": round(max(waits) / 1000, 2), "answer_s": round(statistics.median(waits) / 1000, 3),
        "errors": len(errors) + len(wrong_words),
    }  # fmt: skip


def notebook(source: str) -> str:
    """The text of a notebook with one cell."""
    cell: dict[str, Any] = {"cell_type": "code", "id": "explorer", "source": source, "metadata": {}, "outputs": []}
    cell["execution_count"] = None
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def opened(browser: Browser, base: str, name: str) -> dict[str, Any]:
    """An explorer alone in a notebook, with a kernel of its own, in a Lab of a usual window."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100})
    context.set_default_timeout(1000 * HANG)
    page = context.new_page()
    page.goto(f"{base}/lab/workspaces/{name}/tree/{name}.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(page)
    page.evaluate(RUN)
    try:
        return measured(page, page.locator(".jp-CodeCell").first, name)
    finally:
        page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown() }")
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help=f"some of {' '.join(EXPLORERS)} (all by default)")
    parser.add_argument("--csv", type=Path, help="write the table there")
    options = parser.parse_args()
    if unknown := set(options.only) - set(EXPLORERS):
        parser.error(f"unknown: {' '.join(sorted(unknown))}; expected some of {' '.join(EXPLORERS)}")
    executable = chromium.executable()
    for there, what in ((executable, "chromium"), (importlib.util.find_spec("jupyterlab"), "JupyterLab")):
        if there is None:
            print(f"explorers: not measured, there is no {what} on this machine")
            return
    introduce()
    on, rows = machine(), []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, sync_playwright() as playwright:
        expect.set_options(timeout=1000 * HANG)
        folder, home = Path(place, "notebooks"), Path(place, "home")
        folder.mkdir()
        for name in options.only or EXPLORERS:
            (folder / f"{name}.ipynb").write_text(notebook(f"from mindgap import widgets\n\n{EXPLORERS[name][0]}"))
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.arguments())
        with serving(folder, home) as base:
            for name in options.only or EXPLORERS:
                rows.append({**opened(browser, base, name), "load": round(os.getloadavg()[0], 1)})
                print(", ".join(f"{column} {value}" for column, value in rows[-1].items()), flush=True)
        browser.close()
    if options.csv:
        write([{**row, "on": f"{on['cpu']}, {on['cores']} cores"} for row in rows], options.csv)


if __name__ == "__main__":
    main()
