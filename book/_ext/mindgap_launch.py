"""Sphinx extension: buttons that open a chapter on Binder and Colab, once the repository has a public address.

The address is the theme option `repository_url` in `_config.yml`, else that of the workflow on GitHub which builds the
site. Without one there are no buttons. Binder builds an environment from the repository and needs no more. A notebook
on Colab installs the package itself, from the address that its first code cell names; `python book/notebooks.py
address` writes the setting there, so what only a workflow knows gives no button for Colab.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"
ADDRESS = re.compile(r"https://github\.com/[\w-]+/[\w.-]+(?<!\.git)")  # what both can open


def checked(setting: str) -> str:
    """The setting, if it is empty or an address that Binder and Colab can open."""
    if setting and not ADDRESS.fullmatch(setting):
        raise ConfigError(f"repository_url: expected https://github.com/OWNER/NAME, or nothing, got {setting!r}")
    return setting


def theme_options(setting: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The options of the theme that show the buttons; none without an address."""
    if checked(setting):
        address, services = setting, {"binderhub_url": BINDER, "colab_url": COLAB}
    else:
        address = "/".join(environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
        services = {"binderhub_url": BINDER}
        if not ADDRESS.fullmatch(address):
            return {}
    return {
        "repository_url": address,
        "repository_branch": "main",
        "path_to_docs": "",
        "launch_buttons": {"notebook_interface": "jupyterlab", **services},
    }


def add_buttons(app: Sphinx, config: Config) -> None:
    """Tell the theme before it makes the pages."""
    options = dict(config.html_theme_options)
    config.html_theme_options = options | theme_options(options.get("repository_url") or "", os.environ)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", add_buttons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
