"""What the extension for *Your own embeddings* puts together: scripts, the sample."""

from __future__ import annotations

import io
import json
import zlib

import numpy as np
import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed (make book installs it)")

from book._ext import mindgap_embeddings as extension
from book._ext.mindgap_packed import unpacked
from mindgap import load_pairs


def test_every_source_is_in_the_scripts_once() -> None:
    for folder, names in (("worker", extension.WORKER), ("page", extension.PAGE)):
        assert sorted(names) == sorted(path.stem for path in (extension.PARTS / folder).glob("*.js"))
    for text in (extension.worker(), extension.script()):
        assert "http" not in text, "an address outside"


def test_the_sample_is_what_the_package_ships() -> None:
    text = extension.sample()
    found = json.loads(text.partition("window.mindgapSample = ")[2].rstrip(";\n"), strict=False)
    planes = zlib.decompress(unpacked(found["planes"]["letters"]), wbits=-15)
    content = np.frombuffer(planes, "u1").reshape(2, -1).T.tobytes()
    rows = np.load(io.BytesIO(content), allow_pickle=False)
    pairs = load_pairs("clip")
    assert found["modalities"] == list(pairs.modalities)
    assert (rows == np.stack([pairs.x.numpy(), pairs.y.numpy()])).all()
    assert len(text.encode()) < 1.1e6
    assert "MIT License" in text.partition("*/")[0]
    assert extension.sample() == text
