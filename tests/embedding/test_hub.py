"""Published weights come over the hub's own protocol, here from a server of the test, and once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from mindgap import embed, load_pairs
from mindgap.pairs import ModelUnavailable
from tests.embedding import drawn
from tests.embedding.conftest import Run, World

REPOSITORY, FILE = "mindgap/tiny-drawn", "open_clip_model.safetensors"


@dataclass
class Hub:
    """What the server has, and what it was asked."""

    content: bytes
    asked: list[str] = field(default_factory=list)


class Answers(BaseHTTPRequestHandler):
    """As much of the hub as a download needs."""

    protocol_version = "HTTP/1.1"

    def __init__(self, hub: Hub, *arguments: object) -> None:
        self.hub = hub
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        there = self.path == f"/{REPOSITORY}/resolve/main/{FILE}"
        content = self.hub.content if there else b"Entry not found"
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", "0123456789abcdef0123456789abcdef01234567")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        if not there:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that publishes the small model under the tag "drawn", with an empty cache on this side."""
    found = Hub(world.weights.read_bytes())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Answers, found)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        published = {"hf_hub": f"{REPOSITORY}/", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "quick_gelu": True}
        monkeypatch.setattr("open_clip.list_pretrained_tags_by_model", lambda _: ["drawn"])
        monkeypatch.setattr("mindgap.pairs._pretrained.get_pretrained_cfg", lambda *_: published)
        address = f"http://127.0.0.1:{server.server_port}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield found
        server.shutdown()
        thread.join()


def test_weights_are_fetched_once_and_built_as_their_tag_says(hub: Hub, run: Run, world: World, tmp_path: Path) -> None:
    found = run(pretrained="drawn")
    recipe = found.manifest["recipe"]
    assert recipe["weights_sha256"] == hashlib.sha256(hub.content).hexdigest()
    assert (recipe["pretrained"], recipe["quick_gelu"]) == ("drawn", True)
    assert recipe["preprocessing"]["mean"] == [0.5, 0.5, 0.5]
    assert f"GET /{REPOSITORY}/resolve/main/{FILE}" in hub.asked
    hub.asked.clear()
    again = run(pretrained="drawn", out="again")
    assert hub.asked == []
    pairs, other = load_pairs(found.folder), load_pairs(again.folder)
    assert torch.equal(pairs.x, other.x)
    assert not torch.allclose(pairs.x, load_pairs(world.undisturbed).x, atol=1e-3)  # another activation and mean
    with pytest.raises(ValueError, match="unknown name 'drown'; did you mean 'drawn'"):
        run(pretrained="drown", out="typo")


def test_offline_the_error_says_what_is_missing_where_and_what_mends_it(
    hub: Hub, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable) as caught:
        embed(drawn.TINY, "drawn", world.data, tmp_path / "out")
    for part in (
        f"{drawn.TINY}/drawn: its weights, {FILE} of {REPOSITORY}, are not in the Hugging Face cache",
        str(tmp_path / "hub"),
        f"could not be fetched from {constants.ENDPOINT} (",
        f"`hf download {REPOSITORY} {FILE}`",
        f"`mindgap embed --model {drawn.TINY} --pretrained drawn --weights path/to/{FILE} …`",
    ):
        assert part in str(caught.value), part
    assert not (tmp_path / "out").exists()
    assert hub.asked == []
    # What the error proposes is what it takes.
    found = embed(drawn.TINY, "drawn", world.data, tmp_path / "out", weights=world.weights)
    assert found.manifest["recipe"]["preprocessing"]["mean"] == [0.5, 0.5, 0.5]


def test_weights_that_are_cut_short_on_their_way_are_not_used(
    hub: Hub, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # before the hub's client tries again
    real = Answers.answer

    def cut(handler: Answers, body: bool) -> None:
        whole = hub.content
        real(handler, body=False)
        if body:
            handler.wfile.write(whole[: len(whole) // 2])
            handler.close_connection = True

    with monkeypatch.context() as patch:
        patch.setattr(Answers, "answer", cut)
        with pytest.raises(ModelUnavailable, match=r"could not be fetched from .* \(peer closed connection"):
            run(pretrained="drawn")
    assert not (tmp_path / "out").exists()
    assert run(pretrained="drawn").complete
