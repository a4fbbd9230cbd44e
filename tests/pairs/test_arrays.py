"""The reader's own arrays: every format, two files or one, folders of shards; what is bad or odd is named."""

import csv
import io
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch

from mindgap import miniclip
from mindgap.pairs import DataWarning, load_pairs

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(7, 3)).astype(np.float32) for _ in range(2))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tensors(**arrays):
    return {key: torch.from_numpy(array) for key, array in arrays.items()}


def parquet(path, **columns):
    tables = pytest.importorskip("pyarrow", reason="needs pyarrow, which reads .parquet")
    pytest.importorskip("pyarrow.parquet").write_table(tables.table(columns), path, row_group_size=3)


def lists(array):
    return [row.tolist() for row in array]


def table(path, header, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([*([header] if header else []), *rows])


def numbered(**arrays):
    """The columns image_0, image_1, … of some arrays."""
    return {f"{key}_{i}": column for key, array in arrays.items() for i, column in enumerate(array.T)}


def write(path, x):
    """One side, in the format that the name of the file says."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        with path.open("wb") as file:  # numpy.save would add a suffix to .NPY
            np.save(file, x)
    elif suffix == ".npz":
        np.savez(path, x)
    elif suffix == ".safetensors":
        safetensors.torch.save_file(tensors(x=x), path)
    elif suffix in (".pt", ".pth"):
        torch.save(torch.from_numpy(x), path)
    elif suffix == ".parquet":
        parquet(path, embedding=lists(x))
    else:
        table(path, None, x.tolist(), "\t" if suffix == ".tsv" else ",")


@pytest.mark.parametrize("suffix", [".npy", ".NPY", ".npz", ".safetensors", ".pt", ".pth", ".parquet", ".csv", ".tsv"])
def test_two_files_of_every_format(here, suffix):
    for stem, rows in (("image", X), ("text", Y)):
        write(here / f"{stem}{suffix}", rows)
    names = f"image{suffix},text{suffix}"
    for name in (names, f"image{suffix}, text{suffix}", (here / f"image{suffix}", f"text{suffix}")):
        loaded = load_pairs(name)
        assert loaded.x.dtype == torch.float32
        assert np.array_equal(loaded.x, X)
        assert np.array_equal(loaded.y, Y)
    assert loaded.name == names
    assert f"image{suffix}" in loaded.source
    part = load_pairs(names, n=5)
    assert np.array_equal(part.x, X[:5])
    assert np.array_equal(part.y, Y[:5])
    assert len(load_pairs(names, device="cpu")) == 7
    with pytest.raises(ValueError, match=rf"n: expected at most 7, the rows of image{suffix} and text{suffix}, got 8"):
        load_pairs(names, n=8)


ONE_FILE = {
    "a stack.npy": lambda path: np.save(path, np.stack([X, Y])),
    "a stack.npz": lambda path: np.savez(path, both=np.stack([X, Y])),
    "a stack.pt": lambda path: torch.save(torch.from_numpy(np.stack([X, Y])), path),
    "a stack.safetensors": lambda path: safetensors.torch.save_file(tensors(both=np.stack([X, Y])), path),
    "no names.npz": lambda path: np.savez(path, X, Y),
    "names.npz": lambda path: np.savez(path, text_emb=Y, img_emb=X, labels=np.arange(7)),
    "packed.npz": lambda path: np.savez_compressed(path, textFeatures=Y, imageFeatures=X, ids=np.array(["a", None])),
    "names.safetensors": lambda path: safetensors.torch.save_file(tensors(text_embeds=Y, image_embeds=X), path),
    "a dict.pt": lambda path: torch.save({"epoch": 3, "features": tensors(text=Y, image=X)}, path),
    "a tuple.pt": lambda path: torch.save((torch.from_numpy(X), torch.from_numpy(Y).requires_grad_()), path),
    "lists.parquet": lambda path: parquet(path, url=["a"] * 7, text_embedding=lists(Y), image_embedding=lists(X)),
    "columns.parquet": lambda path: parquet(path, id=list(range(7)), **numbered(text=Y, image=X)),
    "columns.csv": lambda path: table(
        path, ["id", *numbered(text=Y, image=X)], [[i, *y, *x] for i, (x, y) in enumerate(zip(X, Y, strict=True))]
    ),
}


@pytest.mark.parametrize("name", ONE_FILE)
def test_one_file_with_both_sides(here, name):
    ONE_FILE[name](here / name)
    for loaded in (load_pairs(name), load_pairs(here / name), load_pairs(f" '{name}' ")):
        assert np.array_equal(loaded.x, X)
        assert np.array_equal(loaded.y, Y)
        assert loaded.name == name
    assert np.array_equal(load_pairs(name, n=4).y, Y[:4])


def test_keys_say_which_array_is_meant(here):
    np.savez("both.npz", a=X, b=Y, c=X + Y)
    np.save("text.npy", Y)
    for name in ("both.npz:a,b", "both.npz:a,both.npz:b", "both.npz:a,text.npy", (here / "both.npz:a", "text.npy")):
        loaded = load_pairs(name)
        assert np.array_equal(loaded.x, X)
        assert np.array_equal(loaded.y, Y)
    assert load_pairs("both.npz:a,b").name == "both.npz:a,both.npz:b"
    np.savez("stacks.npz", first=np.stack([Y, X]), second=np.stack([X, Y]))
    assert np.array_equal(load_pairs("stacks.npz:second").x, X)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("both.npz", r"both.npz: expected one array of images .*, got a \(7, 3\), b \(7, 3\), c \(7, 3\); .*npz:a,b'"),
        ("both.npz,text.npy", r"both.npz: expected one array, got a \(7, 3\), .*; say which: 'both.npz:a'"),
        ("both.npz:a,d", r"both.npz: key: unknown name 'd'; known: a, b, c"),
        ("both.npz:a", r"both.npz:a: expected both sides, .*got a \(7, 3\)"),
        ("text.npy", r"text.npy: expected both sides, as two arrays .*, got \(7, 3\); two files go with a comma"),
        ("three.npy", r"three.npy: expected both sides, .*, got \(3, 7, 3\)"),
        ("stack.npy,text.npy", r"stack.npy: expected shape \(n, d\), got \(2, 7, 3\)"),
        ("text.npy:image", r"text.npy: holds one array without a key, so it has none of the name 'image'"),
        (("text.npy", ""), r"name: expected two paths, got an empty one"),
        ("text.npy,stack.npy,three.npy", r"expected one or two files, got 'text.npy,stack.npy,three.npy'"),
        ("none.npz", r"none.npz: expected both sides, .*, got none"),
        ("model.safetensors", r"model.safetensors: a model of mindgap, not embeddings; 'mini@model.safetensors'"),
    ],
)
def test_what_is_not_plain_is_asked_for(here, name, message):
    np.savez("both.npz", a=X, b=Y, c=X)
    np.savez("none.npz")
    np.save("text.npy", Y)
    np.save("stack.npy", np.stack([X, Y]))
    np.save("three.npy", np.stack([X, Y, Y]))
    (here / "model.safetensors").write_bytes((miniclip.WEIGHTS / "mini-0.01.safetensors").read_bytes())
    with pytest.raises(ValueError, match=message):
        load_pairs(name)


def test_files_that_exist_decide_how_commas_and_colons_are_read(here):
    np.save("red, green.npy", X)
    np.save("a.npy,b.npy", np.stack([X, Y]))
    np.save("c.npy", Y)
    assert np.array_equal(load_pairs("red, green.npy,c.npy").y, Y)
    assert np.array_equal(load_pairs("a.npy,b.npy").y, Y)
    (here / "a:b").mkdir()
    np.savez(here / "a:b" / "c:d.npz", image=X, text=Y)
    assert np.array_equal(load_pairs("a:b/c:d.npz").x, X)
    assert np.array_equal(load_pairs("a:b/c:d.npz:image,text").x, X)


def test_quotes_and_the_home_folder(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    np.save("image.npy", X)
    np.save("text.npy", Y)
    for name in (
        '"image.npy,text.npy"',
        "'image.npy', \"text.npy\"",
        "~/image.npy,~/text.npy",
        ("~/image.npy", "'text.npy'"),
    ):
        assert np.array_equal(load_pairs(name).y, Y)
    with pytest.raises(ValueError, match=r"name: '~nobody-of-that-name/image.npy,text.npy' names no folder"):
        load_pairs("~nobody-of-that-name/image.npy,text.npy")
    for address in ("https://example.org/image.npy,text.npy", "s3://bucket/folder"):
        with pytest.raises(ValueError, match=rf"name: '{address}' is an address; download what is there"):
            load_pairs(address)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4", np.int8, np.uint16, np.longdouble])
def test_every_type_of_number(here, dtype):
    x, y = ((10 * array).astype(dtype) for array in (np.abs(X) + 1, np.abs(Y) + 1))
    np.save("image.npy", np.asfortranarray(x))
    np.save("text.npy", y)
    loaded = load_pairs("image.npy,text.npy")
    assert np.array_equal(loaded.x, x.astype(np.float32))
    assert np.array_equal(loaded.y, y.astype(np.float32))


def test_a_type_that_numpy_lacks(here):
    both = {key: array.bfloat16() for key, array in tensors(image=X, text=Y).items()}
    safetensors.torch.save_file(both, here / "both.safetensors")
    assert torch.equal(load_pairs("both.safetensors").x, both["image"].float())


def test_finite_numbers_beyond_float32_are_no_nan_and_no_zeros(here):
    np.save("image.npy", X.astype(np.float64) * 1e300)
    np.save("text.npy", X.astype(np.float64) * 1e-300)
    loaded = load_pairs("image.npy,text.npy")
    torch.testing.assert_close(loaded.x, loaded.y)


@pytest.mark.parametrize("suffix", [".npy", ".safetensors", ".pt"])
def test_loaded_rows_are_a_copy_of_the_files(here, suffix):
    write(here / f"image{suffix}", X)
    before = (here / f"image{suffix}").read_bytes()
    loaded = load_pairs((f"image{suffix}", f"image{suffix}"))
    loaded.x.zero_()
    assert np.array_equal(loaded.y, X)
    assert (here / f"image{suffix}").read_bytes() == before


@pytest.mark.parametrize("suffix", [".npy", ".safetensors", ".pt"])
def test_the_first_rows_of_a_large_file_are_cheap(here, suffix):
    write(here / f"large{suffix}", RNG.normal(size=(20_000, 64)).astype(np.float32))  # 5 MB
    tracemalloc.start()
    loaded = load_pairs((f"large{suffix}", f"large{suffix}"), n=10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(loaded) == 10
    assert loaded.x.untyped_storage().nbytes() == 10 * 64 * 4
    assert peak < 2**20


def with_row(row, value):
    array = X.copy()
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (X[:5], r"image.npy and text.npy: expected the same shape, .*got \(5, 3\) and \(7, 3\)"),
        (X[:, :2], r"expected the same shape, .*got \(7, 2\) and \(7, 3\)"),
        (X[0], r"image.npy: expected shape \(n, d\), got \(3,\)"),
        (X[None], r"image.npy: expected shape \(n, d\), got \(1, 7, 3\)"),
        (with_row(4, np.nan), r"image.npy: expected finite numbers, got NaN or infinity in row 4"),
        (with_row(5, 0), r"image.npy: expected non-zero rows, got all zeros in row 5"),
        (X + 0j, r"image.npy: expected real numbers, got torch.complex64"),
        (np.full((7, 3), "a"), r"image.npy: expected a tensor"),
        (
            np.full((7, 3), None),
            r"image.npy: holds Python objects, which are pickled .* never loaded\. Write them as one",
        ),
    ],
)
def test_bad_numbers_are_named(here, bad, message):
    np.save("text.npy", Y)
    np.save("image.npy", bad, allow_pickle=True)
    with pytest.raises(ValueError, match=message) as caught:
        load_pairs("image.npy,text.npy")
    assert "allow_pickle" not in str(caught.value)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_name_the_file(here, rows):
    np.save("image.npy", X[:rows])
    np.save("text.npy", Y[:rows])
    with pytest.raises(ValueError, match=rf"image.npy and text.npy: expected at least 2 rows, got {rows}"):
        load_pairs("image.npy,text.npy")


class Bomb:
    """What a pickle can do: call anything."""

    def __reduce__(self):
        return (open, ("exploded", "w"))


def saved(save, *arguments):
    buffer = io.BytesIO()
    save(*arguments, buffer)
    return buffer.getvalue()


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


NPY = saved(lambda buffer: np.save(buffer, X))
NPZ = saved(lambda buffer: np.savez(buffer, X))
PT = saved(lambda buffer: torch.save(torch.from_numpy(X), buffer))
OLD_PT = saved(lambda buffer: torch.save(torch.from_numpy(X), buffer, _use_new_zipfile_serialization=False))
SAFETENSORS = safetensors.torch.save(tensors(x=X))
PICKLE = saved(lambda buffer: __import__("pickle").dump(Bomb(), buffer))
OBJECTS = saved(lambda buffer: np.save(buffer, np.array([[Bomb()] * 3] * 7), allow_pickle=True))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.npy", b"version https://git-lfs.github.com/spec/v1\noid", r"a git-LFS pointer.*run `git lfs pull`"),
        ("x.npy", b"<!DOCTYPE html><title>Sign in</title>", r"a web page; get the file itself"),
        ("x.safetensors", b"\n<html>\n", r"a web page"),
        ("x.npy", b'<?xml version="1.0"?><Error>', r"XML, such as a server's refusal"),
        ("x.npy", PT, r"a PyTorch file; rename it to end in .pt"),
        ("x.npz", PT, r"a PyTorch file; rename it to end in .pt"),
        ("x.bin", PT, r"a PyTorch file; rename it to end in .pt"),
        ("x.npy", NPZ, r"an archive of NumPy arrays; rename it to end in .npz"),
        ("x.pt", NPZ, r"an archive of NumPy arrays; rename it to end in .npz"),
        ("x.npz", NPY, r"a NumPy array; rename it to end in .npy"),
        ("x.pt", SAFETENSORS, r"a safetensors file; rename it"),
        ("x.npy", zipped(readme=b""), r"a zip archive; unpack it"),
        ("x.npy", b"\x1f\x8b\x08", r"compressed by gzip; unpack it"),
        ("x.npy", b"\x89HDF\r\n\x1a\n", r"an HDF5 file: h5py"),
        ("x.npy", b"PAR1\x15\x00", r"a Parquet table; rename"),
        ("x.npy", PICKLE, r"a Python pickle, which can run any code"),
        ("x.pkl", PICKLE, r"a Python pickle, which can run any code"),
        ("x.pt", PICKLE, r"a Python pickle, which can run any code"),
        ("x.npy", OBJECTS, r"holds Python objects.* never loaded"),
        ("x.pt", saved(lambda buffer: torch.save({"x": Bomb()}, buffer)), r"holds more than tensors.*not loaded"),
        ("x.pt", saved(lambda buffer: torch.save({"x": X}, buffer)), r"holds more than tensors.*torch.save\(\{'image'"),
        ("x.pt", OLD_PT, r"a PyTorch file of the format before 2020; load it in PyTorch and save it again"),
        ("x.npz", zipped(**{"x.npy": OBJECTS}), r"x.npz, 'x': holds Python objects"),
        ("x.npz", zipped(**{"x.npy": NPY[:-4]}), r"x.npz: its array 'x' is damaged"),
        ("x.npz", zipped(**{"x.npy": b"no array"}), r"x.npz, 'x': expected an array .* header is damaged"),
        ("x.npz", NPZ[:-30], r"a zip archive without its end, so cut short"),
        ("x.pt", PT[:-30], r"a zip archive without its end, so cut short"),
        ("x.npy", NPY[:-4], r"cut short; 80 of its 84 bytes of numbers are there"),
        ("x.npy", NPY[:100], r"header is damaged or missing"),
        ("x.npy", NPY.replace(b"(7, 3)", b"(7,-3)"), r"header is damaged or missing"),
        ("x.npy", b"not an array", r"header is damaged or missing"),
        ("x.npy", b"", r"an empty file"),
        ("x.safetensors", SAFETENSORS[:-4], r"not a whole safetensors file"),
        ("x.safetensors", b"text", r"not a whole safetensors file"),
        ("x.pt", b"text", r"not a whole PyTorch file"),
        ("x.csv", b"1,2\n3\n", r"x.csv, line 2: expected 2 cells, as in the first line, got 1"),
        ("x.csv", b"1,2\n3,four\n", r"x.csv, line 2: expected numbers, .*'four'"),
        ("x.csv", b'1,2\n"3,4\n', r"x.csv: expected a table of numbers, got an error"),
        ("x.csv", "1,2\n3,ü\n".encode("latin-1"), r"x.csv: expected a table of numbers in UTF-8"),
        ("x.csv", b"a,b,a\n1,2,3\n", r"x.csv: expected columns of different names, got 'a' and 'a'"),
        ("x.csv", b"x1,x2,x02\n1,2,3\n", r"x.csv: expected columns of different names, got 'x2' and 'x02'"),
        ("x.csv", b"x0,x1,x2\n1,,3\n4,5,6\n", r"x.csv, line 2: expected numbers"),
        ("x.csv", b"a,b\n", r"x.csv: expected shape \(n, d\), got none"),
        ("x.csv", b"1,2,\n3,4,\n5,6,\n", r"x.csv, line 1: expected the names .* or numbers alone, got '' beside '1'"),
        ("x.csv", b".1,,.3\n.4,.5,.6\n.7,.8,.9\n", r"x.csv, line 1: .* got '' beside '.1'"),
        ("x.csv", b"cat,.1,.2\ndog,.3,.4\ncow,.5,.6\n", r"x.csv, line 1: .* got 'cat' beside '.1'"),
        ("x.csv", b"a,b\n1,cat\n2,dog\n", r"x.csv, line 2: expected a number .* got 'cat' in the column 'b'"),
        ("x.csv", b"id\n1\n2\n", r"x.csv: expected shape \(n, d\), got none"),
        ("x.csv", b"1 2\n3 4\n", r"x.csv, line 2: .* by commas, .* got '3 4' in the column '1 2'"),
        ("x.csv", b"image,caption\n0.png,red\n", r"a table of captioned images.*'open_clip:.*data='x.csv'"),
        ("x.h5", b"data", r"an HDF5 file: h5py.File.* Write it as one of .npy, .*numpy.save\('x.npy', …\)"),
        ("x.tar", b"data", r"an archive, of captioned images perhaps"),
        ("x.jsonl", b"{}", r"text: pandas.read_json"),
    ],
)  # fmt: skip
def test_other_files_are_named_with_what_mends_them(here, name, data, message):
    np.save("text.npy", Y)
    (here / name).write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        load_pairs(f"{name},text.npy")
    assert str(caught.value).startswith(name)
    assert "allow_pickle" not in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert not (here / "exploded").exists()


def test_a_file_of_no_known_kind_lists_what_is_read(here):
    (here / "x.txt").write_bytes(b"1 2 3")
    np.save("text.npy", Y)
    with pytest.raises(
        ValueError, match=r"x.txt: of no kind that is read\. Write it as one of .npy, .npz, .*numpy.save"
    ):
        load_pairs((here / "x.txt", "text.npy"))


def test_a_missing_file_is_named(here):
    np.save("image.npy", X)
    with pytest.raises(FileNotFoundError, match=r"text.npy: no such file"):
        load_pairs("image.npy,text.npy")
    with pytest.raises(FileNotFoundError, match=r"none.npz: no such file"):
        load_pairs("none.npz")


def test_parquet_without_pyarrow_names_what_to_install(here, monkeypatch):
    (here / "x.parquet").write_bytes(b"PAR1\x15")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ValueError, match=r"x.parquet: reading Parquet needs .* `pip install pyarrow`, or write .*\.npy"
    ):
        load_pairs("x.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [[1.0, 2], [3.0], [4.0, 5]], "text": [[1.0, 2]] * 3}, r"expected 2 numbers in each .* 1 in row 1"),
        ({"image": [[1.0, 2], None, [4.0, 5]], "text": [[1.0, 2]] * 3}, r"got 0 in row 1"),
        ({"image": [[1.0, 2], [None, 1.0], [4.0, 5]], "text": [[1.0, 2]] * 3}, r"NaN or infinity in row 1"),
        ({"x_0": [1.0, None], "x_1": [1.0, 2], "y_0": [1.0, 2], "y_1": [1.0, 2]}, r"NaN or infinity in row 1"),
        ({"url": ["a", "b"]}, r"expected both sides, .*, got none"),
    ],
)  # fmt: skip
def test_bad_parquet_is_named(here, columns, message):
    parquet(here / "x.parquet", **columns)
    with pytest.raises(ValueError, match=rf"x.parquet: .*{message}"):
        load_pairs("x.parquet")


def test_damaged_parquet_is_named(here):
    parquet(here / "x.parquet", image=lists(X), text=lists(Y))
    (here / "x.parquet").write_bytes((here / "x.parquet").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"x.parquet: not a whole Parquet file"):
        load_pairs("x.parquet")


@pytest.mark.parametrize(
    "header",
    [
        None, ["0", "1", "2"], ["1", "2", "3"], ["a", "b", "c"], ["", "0", "1", "2"], ["", "a", "b", "c"],
        ["Unnamed: 0", "a", "b", "c"], ["id", "a", "b", "c"], ["index", "2", "3", "4"],
    ],
)  # fmt: skip
def test_tables_as_pandas_writes_them(here, header):
    index = header is not None and len(header) == 4
    for name, rows in (("image.csv", X), ("text.csv", Y)):
        table(here / name, header, [[i, *row] if index else row for i, row in enumerate(rows.tolist())])
    loaded = load_pairs("image.csv,text.csv")
    assert np.array_equal(loaded.x, X)
    assert np.array_equal(loaded.y, Y)


def test_an_index_that_pandas_writes_into_parquet_is_no_dimension(here):
    for name, rows in (("image", X), ("text", Y)):
        parquet(here / f"{name}.parquet", **dict(zip("abc", rows.T, strict=True)), __index_level_0__=range(7, 0, -1))
    assert np.array_equal(load_pairs("image.parquet,text.parquet").x, X)


@pytest.mark.parametrize(
    "first", ["1,2,3\n-1,0,2\n", "7,8\n0.5,0.25\n", "3,4,6\n0.5,0.25,1\n", "1,2,3.0\n0.5,0.25,1\n"]
)
def test_a_first_row_of_numbers_is_a_row(here, first):
    (here / "image.csv").write_text(first)
    assert load_pairs("image.csv,image.csv").x[0].tolist() == [float(cell) for cell in first.split()[0].split(",")]


def unit_rows(n, d):
    rows = RNG.normal(size=(n, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (RNG.normal(size=(32, 300)), RNG.normal(size=(32, 300))),  # 300 pairs in 32 dimensions, turned
        (unit_rows(40, 50).T, unit_rows(40, 50).T),  # columns of norm 1
        (unit_rows(500, 512).T, unit_rows(500, 512).T),
    ],
)
def test_exchanged_rows_and_columns_are_noticed(here, x, y):
    np.save("image.npy", x)
    np.save("text.npy", y)
    with pytest.warns(DataWarning, match=rf"image.npy: shape \({x.shape[0]}, {x.shape[1]}\) is taken for") as caught:
        load_pairs("image.npy,text.npy")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("x", [unit_rows(32, 300), RNG.normal(size=(20, 300)), RNG.normal(size=(64, 768)), X])
def test_few_rows_of_usual_embeddings_are_not(here, x):
    np.save("stack.npy", np.stack([x, x]))
    assert len(load_pairs("stack.npy")) == len(x)


def shards(folder, numbers, **changes):
    """Two rows a shard; the first entry of each row is its shard's number, the second is 1 for texts."""
    for side, kind in enumerate(("img_emb", "text_emb")):
        (folder / kind).mkdir(parents=True)
        for number in numbers:
            rows = np.stack([[number + 1, side, row] for row in range(2)]).astype(np.float16)
            np.save(folder / kind / f"{kind}_{number}.npy", changes.get(f"{kind}_{number}", rows))


def test_shards_come_in_numeric_order(tmp_path):
    shards(tmp_path / "mine", range(12))
    (tmp_path / "mine" / "metadata").mkdir()
    for number in range(12):
        (tmp_path / "mine" / "metadata" / f"metadata_{number}.parquet").write_bytes(b"never read")
    loaded = load_pairs(str(tmp_path / "mine"))
    assert loaded.x[:, 0].tolist() == [number + 1 for number in range(12) for _ in range(2)]
    assert torch.equal(loaded.x[:, [0, 2]], loaded.y[:, [0, 2]])
    assert (loaded.x[:, 1] == 0).all()
    assert (loaded.y[:, 1] == 1).all()
    assert loaded.name == "mine"
    part = load_pairs(tmp_path / "mine", n=5)
    assert torch.equal(part.x, loaded.x[:5])
    assert torch.equal(part.y, loaded.y[:5])
    with pytest.raises(ValueError, match=r"n: expected at most 24, the rows of .*mine, got 25"):
        load_pairs(tmp_path / "mine", n=25)


def test_shards_in_capitals_are_read(tmp_path):
    shards(tmp_path, range(2))
    for kind in ("img_emb", "text_emb"):
        (tmp_path / kind / f"{kind}_1.npy").rename(tmp_path / kind / f"{kind}_1.NPY")
    assert load_pairs(tmp_path).source.startswith("4 rows")


def test_a_number_that_is_missing_on_both_sides_is_noticed(tmp_path):
    shards(tmp_path, (1, 2, 4))
    with pytest.warns(DataWarning, match=r"no shards 3 on either side; read were the 3 others") as caught:
        assert len(load_pairs(tmp_path)) == 6
    assert caught[0].message.items == ("3",)  # type: ignore[union-attr]
    assert len(load_pairs(tmp_path, n=4)) == 4  # reads none behind the gap
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "metadata_5.parquet").write_bytes(b"")
    with pytest.warns(DataWarning, match=r"no shards 3; 5 on either side"):
        load_pairs(tmp_path)


def test_n_reads_no_further_than_it_must(tmp_path):
    shards(tmp_path, range(3), img_emb_2=np.zeros((2, 3)))
    assert len(load_pairs(tmp_path, n=4)) == 4
    with pytest.raises(ValueError, match=r"img_emb_2.npy: expected non-zero rows"):
        load_pairs(tmp_path, n=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"img_emb_1": np.ones((3, 3))}, r"img_emb_1.npy and .*text_emb_1.npy: expected the same shape"),
        (
            {"img_emb_1": np.ones((2, 4)), "text_emb_1": np.ones((2, 4))},
            r"img_emb_1.npy: expected 3 columns, as in the shards before it, got 4",
        ),
        ({"text_emb_0": np.array([[1, 2, np.inf], [1, 2, 3]])}, r"text_emb_0.npy: expected finite numbers"),
    ],
)
def test_bad_shards_are_named(tmp_path, change, message):
    shards(tmp_path, range(2), **change)
    with pytest.raises(ValueError, match=message):
        load_pairs(tmp_path)


def test_incomplete_shards_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"img_emb: expected a folder of shards"):
        load_pairs(tmp_path)
    shards(tmp_path, range(2))
    (tmp_path / "text_emb" / "text_emb_1.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"img_emb_1.npy: no text_emb_1.npy in .*text_emb belongs"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "img_emb_1.npy").rename(tmp_path / "img_emb" / "img_emb_00.npy")
    with pytest.raises(ValueError, match=r"img_emb_00?.npy: has the same number as img_emb_00?.npy"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "img_emb_00.npy").rename(tmp_path / "img_emb" / "other.npy")
    with pytest.raises(ValueError, match=r"other.npy: expected shards named img_emb_0.npy"):
        load_pairs(tmp_path)
    (tmp_path / "img_emb" / "other.npy").unlink()
    (tmp_path / "img_emb" / "img_emb_0.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"img_emb: expected shards .* there are none"):
        load_pairs(tmp_path)


def test_a_folder_of_images_is_told_what_it_needs(tmp_path):
    (tmp_path / "0.jpg").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"captioned images need a model: load_pairs\('open_clip:.*, data='"):
        load_pairs(tmp_path)


def test_a_path_is_never_taken_for_a_name(here):
    shards(here / "clip", range(1))
    assert len(load_pairs("./clip")) == 2
    assert len(load_pairs(here / "clip")) == 2
