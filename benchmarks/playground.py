"""How fast the playground runs: pictures a second, milliseconds a step and the longest task, in Chromium.

    python benchmarks/playground.py                                # of _build/html, about a minute
    python benchmarks/playground.py --csv benchmarks/playground.csv

The page's main thread is four times slower than it is; workers are not, which is how Chromium's throttling works. A
picture counts when the worker has drawn it, and a frame when the page's main thread could show one. `page_busy` is the
share of the time in which that thread was at work, by its own clock; the longest task is by the clock on the wall, 0 if
none took 50 ms. Steps in Python are those of `mindgap.playground`, on one thread. Times depend on the machine and on
what else it does, of which `load` is the measure: the processes that wanted to run, on average over a minute.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from _machine import processor, write
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from book import chromium
from mindgap import playground

SLOWER = 4
SECONDS = 4.0
CASES = [(60, 3), (200, 3), (60, 32), (200, 32)]
TOOL = ".mindgap-play"

# Tasks of more than 50 ms and frames of the main thread, from now on.
WATCH = """() => {
  window.longest = 0;
  window.shown = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => {
    window.longest = Math.max(window.longest, one.duration);
  })).observe({ type: "longtask" });
  const count = () => { window.shown += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  window.began = performance.now();
}"""
COUNTED = """() => {
  const { frames, taken, spent } = document.querySelector(".mindgap-play").dataset;
  const now = performance.now() - window.began;
  return { frames: +frames, taken: +taken, spent: +spent, shown: window.shown, longest: window.longest, now };
}"""


def in_the_page(browser: Browser, site: Path, n: int, d: int) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{site.resolve().as_uri()}/book/playground.html#run?n={n}&d={d}&temperature=0.03333")
    page.wait_for_selector(f'{TOOL}.is-ready[data-step="0"]')
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(found["TaskDuration"])

    page.locator('[data-act="play"]').click()
    page.wait_for_timeout(1000)  # until everything is compiled
    page.evaluate(WATCH)
    before, worked = page.evaluate(COUNTED), busy()
    page.wait_for_timeout(1000 * SECONDS)
    after, worked = page.evaluate(COUNTED), busy() - worked
    seconds = (after["now"] - before["now"]) / 1000
    context.close()
    return {
        "pictures_a_second": (after["frames"] - before["frames"]) / seconds,
        "page_frames_a_second": (after["shown"] - before["shown"]) / seconds,
        "page_busy": worked / seconds,
        "longest_task_ms": after["longest"],
        "step_ms": (after["spent"] - before["spent"]) / (after["taken"] - before["taken"]),
    }


def in_python(n: int, d: int) -> float:
    """Milliseconds a step, the median of five runs."""
    options = playground.Options(n=n, d=d, temperature=1 / 30)
    state, times = playground.begin(options), []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(40):
            state = playground.advance(state, options)
        times.append((time.perf_counter() - start) / 40)
    return 1000 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, default=Path("_build/html"), help="folder of the built site")
    parser.add_argument("--csv", type=Path, help="write the table here")
    options = parser.parse_args()
    executable = chromium.executable()
    if executable is None:
        raise SystemExit("no chromium on this machine")
    if not (options.site / "book/playground.html").exists():
        raise SystemExit(f"{options.site}: no site there; `make book` builds it into _build/html")
    torch.set_num_threads(1)
    print(f"{processor()}, the page's main thread slowed down {SLOWER} times")
    rows: list[dict[str, Any]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.arguments())
        for n, d in CASES:
            found = {name: round(value, 2) for name, value in in_the_page(browser, options.site, n, d).items()}
            about = {"python_step_ms": round(in_python(n, d), 2), "load": round(os.getloadavg()[0], 1)}
            rows.append({"pairs": n, "dimensions": d, **found, **about, "cpu": processor()})
            print("  ".join(f"{name} {value}" for name, value in list(rows[-1].items())[:-1]), flush=True)
        browser.close()
    if options.csv:
        write(rows, options.csv)


if __name__ == "__main__":
    main()
