"""What the site's pages weigh, how soon their figures stand there and how quickly a slider answers, in Chromium.

    python benchmarks/pages.py                                  # of _build/html, about three minutes
    python benchmarks/pages.py _build/html ../other/_build/html # of two builds, in one run
    python benchmarks/pages.py --csv benchmarks/pages.csv

Each page is loaded over HTTP from this machine, in a browser that has nothing of the site yet and whose processor is
four times slower than it is. Bytes are those of the files, compressed by gzip where a server would. Times are medians
over a few loads, each at the address of the page's first figure, which lies below the first screen. It is seen when its
picture of the first state is on the screen, and live when it is drawn and answers; the last of a page is live after the
page has been scrolled through. A slider's step is the time in which the main thread is busy with it. Figures that a
prediction guards are shown, as to a reader who has answered. Bytes and requests are exact; times depend on the machine
and on what else it does, so compare those of one run.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlparse

from _machine import processor, write
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from book import chromium

SLOWER = 4
STEPS = 8  # of each slider
PLAIN = {".woff", ".woff2", ".png", ".jpg", ".gif", ".ico", ".zip"}  # not made smaller by gzip

# Set before the page's own scripts: when the picture of a figure was on the screen and when each was drawn, live, by
# the page's clock.
WATCH = """
window.drawnAt = [];
window.seenAt = [];
new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => {
  if (node.matches?.("img.mindgap-still")) node.setAttribute("elementtiming", "still");
}))).observe(document, { subtree: true, childList: true });
new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.seenAt.push(entry.renderTime)))
  .observe({ type: "element", buffered: true });
new MutationObserver((changes) => changes.forEach(({ target, oldValue }) => {
  if (target.dataset.drawn && oldValue === null) window.drawnAt.push(performance.now());
})).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"], attributeOldValue: true });
"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are to be had."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def compressed(path: Path) -> int:
    """The bytes of a file as a server sends it."""
    body = path.read_bytes()
    return len(body) if path.suffix in PLAIN else len(gzip.compress(body, 6))


def busy(session: CDPSession) -> float:
    """Seconds that the page's main thread has worked."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))


def loaded(browser: Browser, address: str, folder: Path, seen: set[str]) -> dict[str, float]:
    """One load of a page: its files, and when its figures were drawn; files in `seen` are in the browser already."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.add_init_script(WATCH)
    context.add_init_script(chromium.unveiled(chromium.predictions(folder)))
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(unquote(urlparse(request.url).path)))
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load")
    page.wait_for_function("window.drawnAt.length > 0")
    scrolled(page)
    times = page.evaluate("window.drawnAt")
    seen_at = [*page.evaluate("window.seenAt"), *times]
    sizes = {
        path: compressed(folder / path.lstrip("/")) for path in set(asked) if (folder / path.lstrip("/")).is_file()
    }
    html = folder / urlparse(address).path.lstrip("/")
    result = {
        "requests": len(asked),
        "html_kb": compressed(html) / 1000,
        "first_kb": sum(sizes.values()) / 1000,
        "further_kb": sum(size for path, size in sizes.items() if path not in seen) / 1000,
        "first_seen_s": min(seen_at, default=float("nan")) / 1000,
        "first_live_s": min(times, default=float("nan")) / 1000,
        "all_live_s": max(times, default=float("nan")) / 1000,
    }
    seen.update(sizes)
    context.close()
    return result


def scrolled(page: Page) -> None:
    """Go through a page as a reader does, until every figure that is to be seen is drawn."""
    for figure in page.locator(".mindgap-figure").all():
        if figure.is_visible():
            figure.scroll_into_view_if_needed()
            page.wait_for_function("figure => figure.dataset.drawn", arg=figure.element_handle())


def first_figure(browser: Browser, address: str) -> str:
    """The address of the first figure of a page that is seen there."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="load")
    found = page.evaluate(
        "[...document.querySelectorAll('.mindgap-figure')].find(figure => figure.clientWidth).closest('figure').id"
    )
    context.close()
    return f"{address}#{found}"


def slider_ms(browser: Browser, address: str, folder: Path) -> list[float]:
    """For each slider of a page, the milliseconds of main thread that a step of it takes."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(chromium.unveiled(chromium.predictions(folder)))
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(address, wait_until="load")
    scrolled(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    found = []
    for slider in page.locator(".mindgap-figure input[type=range]").all():
        if not slider.is_visible():
            continue
        slider.scroll_into_view_if_needed()
        slider.focus()
        page.wait_for_timeout(500)
        idle = busy(session)
        page.wait_for_timeout(1000)
        idle = busy(session) - idle  # what the page does in a second anyway
        steps = []
        for step in range(STEPS):
            before = busy(session)
            page.keyboard.press("ArrowLeft" if step % 2 else "ArrowRight")
            page.wait_for_timeout(400)
            steps.append(1000 * (busy(session) - before - 0.4 * idle))
        found.append(statistics.median(steps))
    context.close()
    return found


def weigh(browser: Browser, folder: Path, loads: int, only: list[str]) -> list[dict[str, object]]:
    """A row for the front page and each chapter of the site in `folder`; `only` holds parts of the names of some."""
    rows: list[dict[str, object]] = []
    pages = [folder / "book/index.html", *sorted((folder / "book").glob("0*.html"))]
    with served(folder) as base:
        front: set[str] = set()  # what a reader has who comes from the front page
        loaded(browser, first_figure(browser, f"{base}/book/index.html"), folder, front)
        for path in pages:
            if only and not any(part in path.name for part in only):
                continue
            if 'http-equiv="refresh"' in path.read_text(encoding="utf-8"):  # where a chapter once was
                continue
            address = f"{base}/{path.relative_to(folder).as_posix()}"
            at, known = first_figure(browser, address), set[str]() if path == pages[0] else front
            runs = [loaded(browser, at, folder, set(known)) for _ in range(loads)]
            sliders = slider_ms(browser, address, folder)
            rows.append(
                {
                    "site": folder.as_posix(),
                    "page": path.stem,
                    **{key: round(statistics.median(run[key] for run in runs), 2) for key in runs[0]},
                    "slider_ms": round(statistics.median(sliders)) if sliders else "",
                    "slowest_slider_ms": round(max(sliders)) if sliders else "",
                }
            )
            print("  ".join(f"{value!s:>14}"[-18:] for value in list(rows[-1].values())[1:]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sites", nargs="*", type=Path, default=[Path("_build/html")], help="folders of built sites")
    parser.add_argument("--loads", type=int, default=3, help="loads of each page")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of the pages to measure")
    parser.add_argument("--csv", type=Path, help="write the table here")
    options = parser.parse_args()
    executable = chromium.executable()
    if executable is None:
        raise SystemExit("no chromium on this machine")
    print(f"{processor()}, Chromium slowed down {SLOWER} times")
    rows: list[dict[str, object]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.arguments())
        for folder in options.sites:
            if not (folder / "book/index.html").exists():
                raise SystemExit(f"{folder}: no site there; `make book` builds it into _build/html")
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            print(f"\n{folder}: {size / 1e6:.1f} MB on disk")
            print("  ".join(f"{name:>14}" for name in COLUMNS))
            rows += [
                {**row, "disk_mb": round(size / 1e6, 1), "cpu": processor()}
                for row in weigh(browser, folder, options.loads, options.only)
            ]
        browser.close()
    if options.csv:
        write(rows, options.csv)


COLUMNS = (
    "page", "requests", "html_kb", "first_kb", "further_kb", "first_seen_s", "first_live_s", "all_live_s", "slider_ms",
    "slowest_ms",
)  # fmt: skip

if __name__ == "__main__":
    main()
