"""What the extension for *Your own embeddings* puts together: npyjs as the lock names it, scripts, the sample."""

from __future__ import annotations

import base64
import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

from sphinx.errors import ExtensionError

from book._ext import mindgap_embeddings as extension
from mindgap import load_pairs


def test_npyjs_is_the_package_that_the_lock_names() -> None:
    lock = json.loads((extension.BOOK / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((extension.BOOK / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert "exports.parse = parse" in extension.vendored("npyjs", "dist/index.cjs")
    assert "Apache License" in extension.vendored("npyjs", "LICENSE")


def test_a_package_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(extension.BOOK / "_vendor", tmp_path / "_vendor")
    shutil.copy(extension.BOOK / "package-lock.json", tmp_path)
    (path,) = (tmp_path / "_vendor").glob("npyjs-*.tgz")
    path.write_bytes(path.read_bytes() + b"\0")
    monkeypatch.setattr(extension, "BOOK", tmp_path)
    with pytest.raises(ExtensionError, match=r"expected the package of package-lock\.json, sha512-"):
        extension.vendored("npyjs", "dist/index.cjs")


def test_every_source_is_in_the_scripts_once() -> None:
    for folder, names in (("worker", extension.WORKER), ("page", extension.PAGE)):
        assert sorted(names) == sorted(path.stem for path in (extension.PARTS / folder).glob("*.js"))
    for text in (extension.worker(), extension.script()):
        assert "sourceMappingURL" not in text
        assert "http" not in text.replace("https://github.com/aplbrain/npyjs", ""), "an address outside"


def test_the_sample_is_what_the_package_ships() -> None:
    text = extension.sample()
    found = json.loads(text.partition("window.mindgapSample = ")[2].rstrip(";\n"))
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["npz"]))) as archive:
        rows = np.load(io.BytesIO(archive.read("clip.npy")), allow_pickle=False)
    pairs = load_pairs("clip")
    assert found["modalities"] == list(pairs.modalities)
    assert (rows == np.stack([pairs.x.numpy(), pairs.y.numpy()])).all()
    assert len(base64.b64decode(found["npz"])) < 1e6
    assert "MIT License" in text.partition("*/")[0]
    assert extension.sample() == text
