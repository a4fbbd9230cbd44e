"""The authors' features: found, fetched, verified; against a real HTTP server on loopback."""

import errno
import hashlib
import http.server
import io
import os
import socket
import stat
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mindgap import geometry, pairs
from mindgap.cli import app
from mindgap.pairs import _paper
from tests.cli.conftest import assert_one_line

CONTENT_NAME = "features_clasp.npy"


@pytest.fixture
def content(monkeypatch, tmp_path):
    """The bytes of a stand-in for CLASP's features, entered in the registry; nothing of the user's own is in reach."""
    array = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    path = tmp_path / "stand-in.npy"
    np.save(path, array)
    data = path.read_bytes()
    monkeypatch.setitem(_paper.SHA256, "clasp", hashlib.sha256(data).hexdigest())
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINDGAP_DATA", raising=False)
    monkeypatch.delenv("MINDGAP_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)  # between two attempts
    return data


class Server:
    """Serves `data` as `how` says: good, altered, cut (half of it), flaky (cut once), missing or broken."""

    def __init__(self, data):
        self.data, self.how = data, "good"
        self.asked: Counter[str] = Counter()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked[self.path] += 1
                cut = outer.how == "cut" or (outer.how == "flaky" and outer.asked[self.path] == 1)
                if outer.how in ("missing", "broken"):
                    self.send_error(404 if outer.how == "missing" else 503)
                    return
                body = outer.data[:-1] + b"\0" if outer.how == "altered" else outer.data
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut else body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/folder/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server(content):
    server = Server(content)
    yield server
    server.close()


def in_cache(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_fetch_downloads_once_and_leaves_one_file(server, tmp_path, content):
    path = pairs.fetch("clasp", url=server.url, progress=False)
    assert path == tmp_path / "cache" / CONTENT_NAME
    assert path.read_bytes() == content
    assert in_cache(tmp_path) == [CONTENT_NAME]
    assert pairs.fetch("clasp", url=server.url) == path
    assert pairs.fetch("clasp", force=True, url=server.url) == path
    assert server.asked == {f"/folder/{CONTENT_NAME}": 1}


def test_load_pairs_downloads_and_the_next_needs_no_network(server, tmp_path, content, capsys):
    first = pairs.load_pairs("clasp", url=server.url, progress=False)
    assert capsys.readouterr() == ("", "")
    np.save(tmp_path / "x.npy", torch.stack([first.x, first.y]).numpy())
    assert (tmp_path / "x.npy").read_bytes() == content
    server.how = "missing"
    again = pairs.load_pairs("clasp", url=server.url)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y, again.y)


def test_the_progress_bar_counts_the_whole_file(server, content, capsys):
    pairs.fetch("clasp", url=server.url)
    shown = capsys.readouterr().err
    assert CONTENT_NAME in shown
    assert "100%" in shown
    assert str(len(content)) in shown
    assert "127.0.0.1" not in shown


@pytest.mark.parametrize("url", ["no-address", "ftp://somewhere/", "http://"])
def test_an_address_that_is_none_is_named(content, monkeypatch, url):
    with pytest.raises(ValueError, match=f"url: expected an address that begins with https:// .* got '{url}'"):
        pairs.fetch("clasp", url=url)
    monkeypatch.setenv("MINDGAP_URL", url)
    with pytest.raises(ValueError, match="MINDGAP_URL: expected an address"):
        pairs.load_pairs("clasp")


@pytest.mark.parametrize("variable", ["MINDGAP_DATA", "MINDGAP_CACHE"])
def test_a_folder_of_nobody_is_named(content, monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-that-name/features")
    with pytest.raises(ValueError, match=f"{variable}: '~nobody-of-that-name/features' names no folder"):
        pairs.load_pairs("clasp")


def test_url_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("MINDGAP_URL", server.url.rstrip("/"))
    assert len(pairs.load_pairs("clasp", progress=False)) == 6


def test_a_cut_connection_is_tried_again(server, tmp_path, content):
    server.how = "flaky"
    assert pairs.fetch("clasp", url=server.url, progress=False).read_bytes() == content
    assert server.asked.total() == 2
    assert in_cache(tmp_path) == [CONTENT_NAME]


@pytest.mark.parametrize(
    ("how", "asked", "message"),
    [
        ("cut", 3, "broke off 3 times"),
        ("altered", 3, "wrong SHA-256"),
        ("broken", 3, "answered 503"),
        ("missing", 1, "answered 404"),
    ],
)
def test_what_cannot_be_downloaded_is_one_clear_error_without_leftovers(server, tmp_path, how, asked, message):
    server.how = how
    with pytest.raises(pairs.FeaturesUnavailable) as caught:
        pairs.load_pairs("clasp", url=server.url, progress=False)
    for part in (message, CONTENT_NAME, "MINDGAP_DATA", str(tmp_path / "cache"), server.url, "`mindgap fetch clasp`"):
        assert part in str(caught.value)
    assert server.asked.total() == asked
    assert in_cache(tmp_path) == []


def test_offline_with_nothing_cached_says_what_where_and_how(content, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setenv("MINDGAP_DATA", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError) as caught:
        pairs.load_pairs("clasp", url=url, progress=False)
    assert isinstance(caught.value, pairs.FeaturesUnavailable)
    message = str(caught.value)
    for part in (
        "no connection",
        f"{tmp_path / 'none'} (MINDGAP_DATA; there is no such folder)",
        str(tmp_path / "cache"),
        url,
        "`mindgap fetch clasp`",
    ):
        assert part in message


def test_mindgap_data_comes_before_the_cache_and_the_network(server, tmp_path, monkeypatch, content):
    monkeypatch.setenv("MINDGAP_DATA", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    pairs.load_pairs("clasp", url=server.url, progress=False)  # not in the folder: went on to the network
    assert server.asked.total() == 1
    (tmp_path / "own" / CONTENT_NAME).write_bytes(content)
    (tmp_path / "cache" / CONTENT_NAME).write_bytes(b"altered")
    assert len(pairs.load_pairs("clasp", url=server.url)) == 6
    assert server.asked.total() == 1


def test_an_altered_file_in_mindgap_data_is_refused_and_left_alone(server, tmp_path, monkeypatch, content):
    pairs.fetch("clasp", url=server.url, progress=False)
    own = tmp_path / "own" / CONTENT_NAME
    own.parent.mkdir()
    own.write_bytes(content[:-1])
    monkeypatch.setenv("MINDGAP_DATA", str(own.parent))
    with pytest.raises(pairs.FeaturesAltered, match=r"SHA-256.*unset MINDGAP_DATA") as caught:
        pairs.load_pairs("clasp", url=server.url)
    assert str(own) in str(caught.value)
    assert own.read_bytes() == content[:-1]


def test_an_altered_file_in_the_cache_is_refused_until_forced(server, tmp_path, content):
    cached = tmp_path / "cache" / CONTENT_NAME
    cached.parent.mkdir()
    cached.write_bytes(b"altered")
    for call in (pairs.fetch, pairs.load_pairs):
        with pytest.raises(pairs.FeaturesAltered, match="`mindgap fetch clasp --force`") as caught:
            call("clasp", url=server.url)
        assert str(cached) in str(caught.value)
    assert cached.read_bytes() == b"altered"
    server.how = "cut"
    with pytest.raises(pairs.FeaturesUnavailable):
        pairs.fetch("clasp", force=True, url=server.url, progress=False)
    assert cached.read_bytes() == b"altered"
    server.how = "good"
    assert pairs.fetch("clasp", force=True, url=server.url, progress=False).read_bytes() == content


def read_only(tmp_path):
    """A folder that cannot be made, even by root: it would lie in a regular file."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "cache"


def no_permission(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IREAD | stat.S_IEXEC)
    return folder


@pytest.mark.parametrize("make", [read_only, no_permission])
def test_a_read_only_cache_warns_and_loads_anyway(server, tmp_path, monkeypatch, make):
    folder = make(tmp_path)
    monkeypatch.setenv("MINDGAP_CACHE", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.warns(UserWarning, match="set MINDGAP_CACHE") as caught:
        loaded = pairs.load_pairs("clasp", url=server.url, progress=False)
    assert str(folder) in str(caught[0].message)
    assert len(loaded) == 6
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(pairs.FeaturesUnavailable, match=r"cannot be written .* Set MINDGAP_CACHE"):
        pairs.fetch("clasp", url=server.url)


@pytest.mark.parametrize("moment", ["write", "close"])  # what is written is only said to be, until it is closed
def test_a_disk_that_becomes_full_is_one_line_and_leaves_nothing(server, tmp_path, monkeypatch, moment):
    class Full(io.FileIO):
        def write(self, data):
            there = super().write(data[: len(data) // 2] if moment == "write" else data)
            if moment == "write":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return there

        def close(self):
            fails = moment == "close" and not self.closed
            super().close()
            if fails:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("MINDGAP_URL", server.url)
    with monkeypatch.context() as patch:
        patch.setattr("pooch.downloaders.open", Full, raising=False)
        result = CliRunner().invoke(app, ["fetch", "clasp"])
    assert_one_line(result, f"{CONTENT_NAME} cannot be written to {tmp_path / 'cache'} (No space left on device). Make")
    assert "online" not in result.stderr
    assert in_cache(tmp_path) == []
    assert pairs.fetch("clasp", progress=False).read_bytes() == server.data


def test_many_may_fetch_the_same_file_at_once(server, tmp_path, content):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: pairs.fetch("clasp", url=server.url, progress=False), range(8)))
    assert {path.read_bytes() for path in paths} == {content}
    assert in_cache(tmp_path) == [CONTENT_NAME]


def test_fetch_of_an_unknown_name_names_the_near_ones(content):
    with pytest.raises(ValueError, match=r"name: unknown name 'clipp'; did you mean 'clip'"):
        pairs.fetch("clipp")


def test_the_registry():
    assert pairs.feature_names() == tuple(
        f"{model}{suffix}" for model in ("clip", "videoclip", "convirt", "clasp") for suffix in ("", "_random")
    )
    assert len(set(_paper.SHA256.values())) == 8
    assert all(len(digest) == 64 for digest in _paper.SHA256.values())
    assert _paper.COMMIT in _paper.URL


@pytest.mark.parametrize(
    ("name", "n", "d", "modalities"),
    [
        ("clip", 500, 512, ("image", "text")),
        ("videoclip", 100, 768, ("video", "text")),
        ("convirt", 500, 512, ("image", "text")),
        ("clasp", 99, 768, ("protein sequence", "text")),
    ],
)
@pytest.mark.parametrize("suffix", ["", "_random"])
def test_the_real_files(name, n, d, modalities, suffix):
    folder = os.environ.get("MINDGAP_DATA")
    if not folder or not (Path(folder) / f"features_{name}{suffix}.npy").is_file():
        pytest.skip("needs the authors' features in the folder named by MINDGAP_DATA")
    loaded = pairs.load_pairs(name + suffix)
    assert loaded.x.shape == loaded.y.shape == (n, d)
    assert loaded.x.dtype == loaded.y.dtype == torch.float32
    assert loaded.modalities == modalities
    assert ("before training" in loaded.source) == bool(suffix)
    # They come normalised, the half-precision CLIP to three digits.
    assert torch.linalg.vector_norm(torch.cat([loaded.x, loaded.y]), dim=1).sub(1).abs().max() < 1e-3


def test_clip_needs_nothing(monkeypatch, tmp_path):
    """No file, no network; and the shipped numbers are the authors' own, for their file comes of them bit by bit."""
    monkeypatch.delenv("MINDGAP_DATA", raising=False)
    monkeypatch.setenv("MINDGAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_paper, "_download", lambda *_: pytest.fail("went to the network"))
    loaded = pairs.load_pairs("clip", progress=False)
    assert loaded.x.shape == loaded.y.shape == (500, 512)
    np.save(tmp_path / "features_clip.npy", torch.stack([loaded.x, loaded.y]).numpy())
    digest = hashlib.sha256((tmp_path / "features_clip.npy").read_bytes()).hexdigest()
    assert digest == _paper.SHA256["clip"]
    assert not (tmp_path / "cache").exists()


def test_what_is_shipped_is_what_its_readme_says():
    folder = _paper.SHIPPED["clip"].parent
    data, readme = _paper.SHIPPED["clip"].read_bytes(), (folder / "README.md").read_text(encoding="utf-8")
    assert len(data) < 1_100_000
    assert f"| `clip.npy` | {len(data):,} | `{hashlib.sha256(data).hexdigest()}` |" in readme
    assert _paper.SHA256["clip"] in readme
    assert _paper.COMMIT in readme
    assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")
    image = geometry.normalize(pairs.load_pairs("clip").x)
    assert (image @ image.T).triu(1).gt(0.9).sum() == 44


def test_the_shipped_features_are_those_of_the_authors_file():
    path = Path(os.environ.get("MINDGAP_DATA", "")) / "features_clip.npy"
    if not path.is_file():
        pytest.skip("needs the authors' features in the folder named by MINDGAP_DATA")
    loaded = pairs.load_pairs("clip")
    assert np.array_equal(np.stack([loaded.x, loaded.y]).view(np.uint32), np.load(path).view(np.uint32))


def test_text_comes_second_in_the_real_files():
    """Reports repeat ("no acute process"), radiographs do not: the one file whose numbers tell which half is text."""
    folder = os.environ.get("MINDGAP_DATA")
    if not folder or not (Path(folder) / "features_convirt.npy").is_file():
        pytest.skip("needs the authors' features in the folder named by MINDGAP_DATA")
    loaded = pairs.load_pairs("convirt")
    assert len(loaded.x.unique(dim=0)) == len(loaded)
    assert len(loaded.y.unique(dim=0)) < len(loaded)
