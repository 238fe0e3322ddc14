"""Files, frames, datasets and arrays: the same samples from each, and what is refused says where."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hlsgen import data
from hlsgen.errors import ConfigError, HlsgenError, InputError

ROWS = 40
NAMES = ("g", "q", "W")


def columns() -> dict[str, Any]:
    random = np.random.default_rng(3)
    return {
        "pt": random.normal(50, 20, ROWS),
        "eta": random.normal(0, 1, ROWS).astype(np.float32).astype(np.float64),
        "hits": random.integers(0, 4096, ROWS).astype(np.float64),
        "label": [NAMES[number] for number in random.integers(0, 3, ROWS)],
    }


def write_csv(path: Path, table: dict[str, Any], separator: str = ",") -> Path:
    lines = [separator.join(table)]
    lines += [separator.join(str(value) for value in row) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def frame(library: str, table: dict[str, Any]) -> Any:
    found = pytest.importorskip(library, reason=f"{library} is not installed")
    return found.DataFrame(table)


def expected() -> tuple[np.ndarray, np.ndarray]:
    table = columns()
    x = np.stack([table["pt"], table["eta"], table["hits"]], axis=1)
    return x, np.array([sorted(NAMES).index(name) for name in table["label"]])


def check(found: data.Data) -> None:
    x, y = expected()
    assert np.array_equal(found.x, x) and np.array_equal(found.y, y)
    assert found.features == ("pt", "eta", "hits") and found.classes == ("W", "g", "q")


def test_csv(tmp_path: Path) -> None:
    check(data.load(write_csv(tmp_path / "jets.csv", columns()), y="label"))
    check(data.load(write_csv(tmp_path / "jets.tsv", columns(), "\t"), y="label"))
    check(data.load(write_csv(tmp_path / "jets.txt", columns(), ";"), y="label", separator=";"))


def test_csv_without_names(tmp_path: Path) -> None:
    path = tmp_path / "jets.csv"
    path.write_text("1.5,2,a\n\n-0.25,1e3,b\n", encoding="utf-8")
    found = data.load(path, x=[1, 0], y=2, header=False)
    assert found.x.tolist() == [[2.0, 1.5], [1000.0, -0.25]] and found.y.tolist() == [0, 1]
    assert found.features == ("1", "0")


def test_decimals_of_csv_are_the_nearest_numbers(tmp_path: Path) -> None:
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789, 2.2250738585072011e-308]
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(repr(value) for value in values) + "\n", encoding="utf-8")
    found = data.load(path, x=["x"]).x[:, 0]
    assert [float(number).hex() for number in found] == [value.hex() for value in values]


def test_long_csv_files_are_read_in_pieces(tmp_path: Path) -> None:
    rows = 70_000
    path = tmp_path / "long.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(rows - 1)) + "7,late\n", encoding="utf-8")
    found = data.load(path, x=["x"], y="y")
    assert found.x[:, 0].tolist() == [*range(rows - 1), 7] and found.classes == (
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "late",
    )
    with pytest.raises(InputError, match=rf"long.csv, line {rows + 1}, column 'y': 'late' is no number"):
        data.load(path)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library: str) -> None:
    check(data.load(frame(library, columns()), y="label"))


def test_frames_with_categories_and_gaps() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pandas.DataFrame(columns())
    table["label"] = table["label"].astype("category")
    table["hits"] = table["hits"].astype("Int64")
    check(data.load(table, y="label"))
    table.loc[4, "hits"] = pandas.NA
    table.loc[7, "label"] = None
    with pytest.raises(InputError, match=r"pandas DataFrame, row 7 \(from 0\): the label is missing"):
        data.load(table, y="label")
    with pytest.raises(InputError, match=r"pandas DataFrame, row 4 \(from 0\), feature 'hits': the value is missing"):
        data.load(table, x=["pt", "hits"])
    found = data.load(table, y="label", missing="drop")
    assert found.rows is not None and sorted(set(range(ROWS)) - set(found.rows.tolist())) == [4, 7]
    assert "2 of 40 rows were left out" in str(found) and np.array_equal(found.x, expected()[0][found.rows])


@pytest.mark.parametrize("reader", ["pyarrow", "polars"])
def test_parquet(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(reader, reason=f"{reader} is not installed")
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    table = arrow.table({**columns(), "label": arrow.array(columns()["label"]).dictionary_encode()})
    parquet.write_table(table, tmp_path / "jets.parquet")
    if reader == "polars":
        monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    check(data.load(tmp_path / "jets.parquet", y="label"))
    (tmp_path / "damaged.parquet").write_bytes((tmp_path / "jets.parquet").read_bytes()[:-9])
    with pytest.raises(InputError, match=r"damaged.parquet: cannot be read as Parquet"):
        data.load(tmp_path / "damaged.parquet")


def test_parquet_needs_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jets.parquet").write_bytes(b"PAR1")
    for name in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ConfigError, match="reading Parquet takes pyarrow or polars; pip install pyarrow"):
        data.load(tmp_path / "jets.parquet")


def test_archives_and_arrays_by_name(tmp_path: Path) -> None:
    x, y = expected()
    images = np.arange(ROWS * 12, dtype=np.int16).reshape(ROWS, 2, 3, 2)
    np.savez(tmp_path / "jets.npz", x=x, y=y, images=images, pt=x[:, 0], eta=x[:, 1])
    found = data.load(tmp_path / "jets.npz", y="y")
    assert np.array_equal(found.x, x) and np.array_equal(found.y, y) and found.features == ()
    assert data.load(tmp_path / "jets.npz", x="images", y="y").x.dtype == np.int16
    beside = data.load(tmp_path / "jets.npz", x=["eta", "pt"])
    assert np.array_equal(beside.x, x[:, [1, 0]]) and beside.features == ("eta", "pt")
    assert np.array_equal(data.load({"x": x, "y": y}, y="y").x, x)
    with pytest.raises(InputError, match="say by x= which are the samples"):
        data.load({"a": x, "b": x})


def test_hdf5(tmp_path: Path) -> None:
    x, y = expected()
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["jets/pt"], file["jets/eta"] = x[:, 0].astype(">f8"), x[:, 1]
        file["y"], file["names"] = y, [b"a"] * ROWS
    found = data.load(tmp_path / "jets.h5", x=["jets/pt", "jets/eta"], y="y")
    assert np.array_equal(found.x, x[:, :2]) and np.array_equal(found.y, y)
    with pytest.raises(InputError, match=r"dataset 'names' holds no plain numbers; store labels as class numbers"):
        data.load(tmp_path / "jets.h5", x="jets/pt", y="names")
    (tmp_path / "damaged.h5").write_bytes((tmp_path / "jets.h5").read_bytes()[:900])
    with pytest.raises(InputError, match="damaged.h5: its HDF5 data cannot be read"):
        data.load(tmp_path / "damaged.h5")


def test_arrays_and_their_files(tmp_path: Path) -> None:
    x, y = expected()
    np.save(tmp_path / "x.npy", x.astype(np.float16))
    np.save(tmp_path / "y.npy", y)
    found = data.load(tmp_path / "x.npy", y=tmp_path / "y.npy")
    assert isinstance(found.x.base, np.memmap) and found.x.dtype == np.float16 and np.array_equal(found.y, y)
    assert data.load(x, y=["g"] * ROWS).classes == ("g",)
    records = np.array([(1.5, 2, b"a"), (2.5, 3, b"b")], dtype=[("u", "f4"), ("v", "i2"), ("name", "S3")])
    np.save(tmp_path / "records.npy", records)
    for source in (records, tmp_path / "records.npy"):
        loaded = data.load(source, y="name")
        assert loaded.x.tolist() == [[1.5, 2.0], [2.5, 3.0]] and loaded.classes == ("a", "b")


def test_tensorflow_datasets() -> None:
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    x, y = expected()
    whole = tensorflow.data.Dataset.from_tensor_slices((x, y))
    for dataset in (whole, whole.batch(7)):
        found = data.load(dataset)
        assert np.array_equal(found.x, x) and np.array_equal(found.y, y)
    assert np.array_equal(data.load(whole.batch(8, drop_remainder=True), batched=True).x, x)
    one_hot = tensorflow.data.Dataset.from_tensor_slices((x, x))
    for refused, words in (
        (whole.repeat(), "has no end"),
        (one_hot, "say batched=True or False"),
        (whole.take(0), "is empty"),
        (whole.map(lambda a, b: {"a": a, "b": b}), r"say batched=True or False|expected x, or \(x, y\)"),
    ):
        with pytest.raises(InputError, match=words):
            data.load(refused)


# -- what is refused -------------------------------------------------------------------------------

BAD_CSV = {
    "": "is empty, expected a CSV file",
    "a,b\n": "has no rows below its names",
    "1,2\n3,4\n": "its first line holds numbers alone; header=False",
    "a,b\n1,2\n3\n": "line 3: 1 columns, expected 2 as above",
    "a,a\n1,2\n": "line 1: the column 'a' is there twice",
    "a,\n1,2\n": "line 1: column 2 has no name",
    "a,b\n1,x\n": "line 2, column 'b': 'x' is no number",
    "a,b\n1,2\n3,1_000\n": "line 3, column 'b': '1_000' is no number",
    "a,b\n1,٣\n": "column 'b': '٣' is no number",
    "a,b\n1,2\n,4\n": "line 3, feature 'a': the value is missing",
    "a,b\n1,2\n3,NaN\n": "line 3, feature 'b': the value is missing",
    'a,b\n1,"2\n': "line 2: is no CSV",
    "a;b\n1;2\n": "one column, called 'a;b'; give separator=';'",
}


@pytest.mark.parametrize("text", BAD_CSV, ids=range(len(BAD_CSV)))
def test_bad_csv_says_where(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=BAD_CSV[text]) as refused:
        data.load(path)
    assert str(path) in str(refused.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"a,b\n1,\xff\n")
    with pytest.raises(InputError, match=r"bad.csv: is no text in UTF-8"):
        data.load(tmp_path / "bad.csv")


def header(shape: str, words: str = "") -> bytes:
    """The beginning of an ``.npy`` of float64, of a shape as it is written."""
    text = (words or f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}").encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text


BAD_NPY = {
    header("(10000000000000, 3)"): "is shorter than its header says",
    header("(4611686018427387904, 8)") + bytes(64): "cannot be read as an .npy array",
    header("(-1, 3)"): "negative dimensions",
    header("", "__import__('os')"): r"its header is none",
    header("", "(" * 20_000): "its header is longer than that of any array",
    header("(10000000000000, 0)"): "there is nothing in it",
    header("()") + bytes(8): r"expected \(samples, features, ...\)",
}


@pytest.mark.parametrize("content", BAD_NPY, ids=range(len(BAD_NPY)))
def test_headers_that_promise_too_much(content: bytes, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A line each, without a warning of NumPy's, its addresses and its advice to trust the file."""
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=BAD_NPY[content]) as refused:
        data.load(path)
    said = str(refused.value)
    assert str(path) in said and "\n" not in said and "0x" not in said and "allow_pickle" not in said
    assert not recwarn.list


def test_what_holds_no_array_of_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz")
    np.savez(tmp_path / "one.npz", x=3.0)
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file.create_group("x")
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["x"] = 3.0
    with h5py.File(tmp_path / "texts.h5", "w") as file:
        file["x"] = np.array([b"a", b"b"])
    for name, words in (
        ("none.npz", "holds no array of samples; expected one, called 'x' or alone"),
        ("none.h5", "holds no array of samples; expected one, called 'x' or alone"),
        ("one.npz", "column 'x': is a single number, expected one for each sample"),
        ("one.h5", "column 'x': is a single number, expected one for each sample"),
        ("texts.h5", "dataset 'x' holds no plain numbers"),
    ):
        with pytest.raises(InputError) as refused:
            data.load(tmp_path / name)
        assert words in str(refused.value) and str(tmp_path / name) in str(refused.value)


def test_very_many_columns(tmp_path: Path) -> None:
    """What is looked up for each column is looked up at once: 50,000 take no minutes, and no message lists them."""
    names = [f"c{number}" for number in range(50_000)]
    (tmp_path / "wide.csv").write_text(f"{','.join(names)}\n{','.join(['1.5'] * len(names))}\n")
    assert data.load(tmp_path / "wide.csv").x.shape == (1, 50_000)
    with pytest.raises(InputError, match="there is no column 'zzz'; valid: c0, .* and 49900 more") as refused:
        data.load(tmp_path / "wide.csv", x="zzz")
    assert len(str(refused.value)) < 2000
    with pytest.raises(InputError, match="names the column 'c7' twice"):
        data.load(tmp_path / "wide.csv", x=[*names, "c7"])


def test_names_do_not_reach_a_terminal_as_they_are() -> None:
    found = data.Data(np.ones((3, 2)), features=("\x1b[31mred\x9b", "n" * 5000))
    shown = str(found.histogram())
    assert "\\x1b[31mred\\x9b" in shown and "\x1b" not in shown and "\x9b" not in shown
    assert max(map(len, shown.splitlines())) < 300


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


def test_no_file_runs_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = np.array([Bomb()], dtype=object)
    np.save("bomb.npy", bomb)
    np.savez("bomb.npz", x=bomb)
    for name in ("whole.npy", "whole.h5", "whole.parquet", "whole.csv"):
        Path(name).write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.npy", "bomb.npz", "whole.npy", "whole.h5", "whole.parquet", "whole.csv"):
        with pytest.raises(HlsgenError) as refused:
            data.load(name)
        assert "holds Python objects, which are never read" in str(refused.value) or not name.startswith("bomb")
    assert not Path("exploded").exists()


def test_columns_are_chosen_by_name() -> None:
    x, _ = expected()
    table = {"x": x, "pt": x[:, 0], "eta": x[:, 1], "late": x[:5, 0]}
    for wanted, words in (
        ({"x": ["pt", "etaa"]}, "there is no column 'etaa'; did you mean 'eta'?"),
        ({"x": ["pt", "pt"]}, "names the column 'pt' twice"),
        ({"x": ["pt", "x"]}, "shape (40, 3), expected (40,) as column 'pt'; name a single array of samples as x='x'"),
        ({"x": ["pt", "late"]}, "column 'late': shape (5,), expected (40,)"),
        ({"x": "pt", "y": "pt"}, "'pt' is a feature and a label"),
        ({"x": "x", "y": "late"}, "5 labels for 40 samples"),
        ({"x": []}, "x=[], expected names of columns"),
        ({"x": 7}, "there is no column 7"),
        ({"missing": "ignore"}, "missing='ignore'; valid: drop, keep, refuse"),
    ):
        with pytest.raises(InputError) as refused:
            data.load(table, **wanted)
        assert words in str(refused.value)


def test_labels() -> None:
    x = np.ones((4, 2))
    assert data.load(x, y=np.array([True, False, True, True])).y.tolist() == [1, 0, 1, 1]
    named = data.load(x, y=["b", "a", "b", "c"], classes=["c", "b", "a"])
    assert named.y.tolist() == [1, 2, 1, 0] and named.classes == ("c", "b", "a")
    assert data.load(x, y=[5, 2, 5, 9], classes=[2, 5, 9]).y.tolist() == [1, 0, 1, 2]
    assert data.load(x, y=[0.5, 1.0, 2.0, 3.0]).y.tolist() == [0.5, 1.0, 2.0, 3.0]
    assert data.load(x, y=[3.0, 1.0, 2.0, 3.0]).y.dtype == np.int64
    one_hot = np.eye(4)
    assert np.array_equal(data.load(x, y=one_hot).y, one_hot)
    for y, classes, words in (
        (["b", "a", "d", "c"], ["c", "b", "a"], "row 2 (from 0): the label 'd' is not in classes; valid: a, b, c"),
        (["b", None, "a", "a"], None, "row 1 (from 0): the label is missing"),
        ([1.0, 2.0, np.nan, 0.0], None, "row 2 (from 0): the label is missing"),
        (["b", "a"], None, "y has shape (2,), x 4 samples"),
        (["b", {}, "a", "a"], None, "the label is {}, expected a text or a number"),
        (["a", "b", "a", "b"], ["a", "a"], "a class is named twice"),
    ):
        with pytest.raises(InputError) as refused:
            data.load(x, y=np.array(y, dtype=object) if None in y or {} in y else y, classes=classes)
        assert words in str(refused.value)


def test_objects_that_are_numbers() -> None:
    x = np.array([1, 2.5, True, None], dtype=object)
    assert data.load({"x": x, "z": x}, x=["x"], missing="drop").x[:, 0].tolist() == [1.0, 2.5, 1.0]
    with pytest.raises(InputError, match=r"row 1 \(from 0\), column 'x': \[2\] is no number"):
        data.load({"x": np.array([None, [2], 3], dtype=object)}, x=["x"])


def test_missing_values_of_arrays() -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    x[2, 1, 0] = np.nan
    with pytest.raises(InputError, match=r"arrays, row 2 \(from 0\), at \[1\], feature '0': the value is missing"):
        data.load(x)
    assert data.load(x, y=[1, 2, 3, 4], missing="drop").y.tolist() == [1, 2, 4]
    assert np.isnan(data.load(x, missing="keep").x).sum() == 1
    with pytest.raises(InputError, match="every row has a missing value"):
        data.load(np.full((3, 2), np.nan), missing="drop")


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones(4), "x has shape (4,), expected (samples, features, ...): x[:, None]"),
        (np.ones((0, 3)), "there is nothing in it"),
        (np.ones((2, 2), dtype=complex), "holds no real numbers"),
        (np.array([["a"]]), "holds no real numbers"),
        (np.ma.masked_array(np.ones((2, 2)), mask=[[1, 0], [0, 0]]), "some values are masked"),
        ("nothing.npy", "it does not exist"),
        ("data.json", "ends in .json, expected .npy"),
        ("data", "ends in nothing"),
    ],
)
def test_what_is_no_data(x: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        data.load(x)
    assert words in str(refused.value)


def test_large_integers_are_not_rounded() -> None:
    table = {"a": np.array([2**53 + 1, 0]), "b": np.array([0.5, 1.0])}
    with pytest.raises(InputError, match=r"column 'a': integers beyond 2\^53"):
        data.load(table, x=["a", "b"])


def test_numbers_that_float64_does_not_hold(tmp_path):
    """Told as in other files, and not rounded or taken for infinite in silence."""
    path = tmp_path / "a.csv"
    for cell in ("9007199254740993", "-9007199254740993", " 12345678901234567890 ", "1e400", "-1" + "0" * 400):
        path.write_text(f"a,b,y\n1,2,0\n3,{cell},1\n")
        with pytest.raises(InputError, match=r"a\.csv, line 3, column 'b': .* is beyond what float64 holds exactly"):
            data.load(path, y="y")
    path.write_text("a,b,y\n9007199254740992,1e300,0\n18446744073709551616,inf,1\n9007199254740993.0,-Infinity,1\n")
    assert data.load(path, y="y").x.tolist() == [[2.0**53, 1e300], [2.0**64, np.inf], [2.0**53, -np.inf]]
