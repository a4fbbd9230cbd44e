"""`mindgap embed`, killed at random points and given again, against one run that nobody disturbs.

    python -m tests.embedding.killing FOLDER --images 2000 --kills 20

draws the images, writes weights of ViT-B-32 at random initialisation in open_clip's format, and prints a line for each
kill: when it came, and what was whole by then. At the end every file of every shard has to be that of the undisturbed
run, byte for byte. A quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mindgap import _embedded


def command(out: Path, data: Path, model: str, weights: Path, *options: str) -> list[str]:
    """The command as a process of its own."""
    named = ["--model", model, "--pretrained", str(weights), "--data", str(data), "--out", str(out)]
    return [sys.executable, "-m", "mindgap", "embed", *named, "--device", "cpu", *options]


def contents(out: Path) -> dict[str, bytes]:
    """What the shards of a folder hold, by the names of their files, records and manifest left out."""
    kinds = (_embedded.IMAGES, _embedded.TEXTS, _embedded.METADATA)
    return {f"{kind}/{path.name}": path.read_bytes() for kind in kinds for path in sorted((out / kind).iterdir())}


def whole(out: Path) -> int:
    """How many shards have a record."""
    return len(list((out / _embedded.RECORDS).glob("shard_*.json")))


def images_of(out: Path) -> list[str]:
    """The image of every row, in order."""
    from mindgap import embedding
    from mindgap.pairs import _arrays

    found = embedding.read(out)
    return list(_arrays.image_names(out, found.rows, found.manifest))


def killed_at_random(call: Sequence[str], out: Path, longest: float, seed: int) -> str:
    """Start the command, kill it after up to `longest` seconds, and say when that was."""
    wait = random.Random(seed).uniform(0, longest)
    with subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
    ended = "killed" if process.returncode == -signal.SIGKILL else f"ended with {process.returncode}: {said!r}"
    half = len(list(out.glob("*/.*")))
    return f"{ended} after {wait:.1f} s; {whole(out)} shards whole, {half} files half written"


def main() -> None:
    from tests.embedding import drawn

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--shard-rows", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True)
    data = drawn.captioned(chosen.folder / "data", chosen.images, size=64)
    weights = drawn.weights(chosen.folder / f"{chosen.model}.safetensors", chosen.model)
    undisturbed, disturbed = chosen.folder / "undisturbed", chosen.folder / "disturbed"
    options = ["--shard-rows", str(chosen.shard_rows), "--batch-size", "25"]
    begun = time.monotonic()
    subprocess.run(command(undisturbed, data, chosen.model, weights, *options), check=True)
    took = time.monotonic() - begun
    print(f"undisturbed: {took:.0f} s, {whole(undisturbed)} shards", flush=True)
    call = command(disturbed, data, chosen.model, weights, *options)
    for kill in range(chosen.kills):
        # On average twice a twentieth of the whole, and the time to start in each.
        longest = 15 + 2 * took / chosen.kills
        print(f"{kill + 1}: {killed_at_random(call, disturbed, longest, chosen.seed + kill)}", flush=True)
    subprocess.run(call, check=True)
    expected = [path.name for path in sorted(data.glob("*.png"))]
    assert images_of(undisturbed) == expected, "the undisturbed run lost or doubled a row"
    assert images_of(disturbed) == expected, "a kill lost or doubled a row"
    assert contents(disturbed) == contents(undisturbed), "a kill changed a file"
    print(f"{len(expected)} rows, each once; {len(contents(disturbed))} files, all equal to those of the other run")


if __name__ == "__main__":
    main()
