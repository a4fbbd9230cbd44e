"""The JupyterLab of this machine, on loopback and with settings of its own: tests and benchmarks drive it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight are there too
}
CONFIG = Path(__file__).parent / "jupyter"  # as for `make lab`: readers have no assignment to make or to validate
HANG = 180.0  # seconds; a Lab that has not answered by then will not

# JupyterLab forgets what it is asked to run while the kernel is still connecting.
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
RUN = "async () => { const _ = jupyterapp.commands.execute('notebook:run-all-cells') }"


def wait_for_kernel(page: Page) -> None:
    """Wait until the kernel of the notebook in front listens, and has nothing to do."""
    page.wait_for_function(f"{KERNEL}?.connectionStatus === 'connected'")
    page.locator("#jp-main-statusbar", has_text="Idle").wait_for()


@contextmanager
def serving(folder: Path, home: Path) -> Iterator[str]:
    """The address of a JupyterLab that opens `folder`; what it writes besides goes to `home`."""
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_PATH": str(CONFIG),
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
    """Where it answers, which is a moment after it has told so. Raises RuntimeError if it does not start."""
    told, end = re.compile(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab"), time.monotonic() + HANG
    while server.poll() is None and time.monotonic() < end:
        if found := told.search(log.read_text()):
            base = f"http://127.0.0.1:{found[1]}"
            with suppress(urllib.error.URLError), urllib.request.urlopen(f"{base}/api", timeout=HANG) as answer:
                if answer.status == 200:
                    return base
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
