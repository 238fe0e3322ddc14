"""HDF5 files that are damaged, or built to take long: an error in time, and the next file is read as before."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hlsgen.errors import ModelError
from hlsgen.frontends.keras import h5_file
from hlsgen.frontends.keras.h5_file import Span, open_h5
from hlsgen.frontends.limits import MAX_WEIGHT


def content(make: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        make(file)
    return buffer.getvalue()


def simple(file: h5py.File) -> None:
    file["a/b"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    file["a/half"] = np.array([1, 2], np.float16)
    file["a/big"] = np.array([1.5], ">f8")
    file["scalar"] = np.int64(7)
    file["empty"] = np.zeros((0, 3), np.float32)
    file["a"].attrs["text"] = "é"
    file["a"].attrs["bytes"] = b"x"
    file["a"].attrs["names"] = np.array([b"one", b"two"])
    file["a"].attrs["number"] = 3
    file["a"].attrs["no text"] = b"\xff"
    file["a"].attrs.create("none", [])
    for i in range(2):
        file["a"].attrs[f"long{i}"] = np.array([f"n{i}".encode()])


@pytest.mark.parametrize("form", ["path", "bytes", "span"])
def test_what_is_read(tmp_path: Path, form: str) -> None:
    data = content(simple)
    (tmp_path / "f.h5").write_bytes(data)
    (tmp_path / "f.zip").write_bytes(b"x" * 77 + data + b"y" * 99)
    source = {"path": tmp_path / "f.h5", "bytes": data, "span": Span(tmp_path / "f.zip", 77, len(data))}[form]
    with open_h5("here", source) as root:
        assert sorted(root.names()) == ["a", "empty", "scalar"]
        assert sorted(root.datasets()) == ["a/b", "a/big", "a/half", "empty", "scalar"]
        group = root.group("a")
        assert group is not None and root.group("a/b") is None and root.group("none") is None
        expected = {"b": [[0, 1, 2], [3, 4, 5]], "half": [1, 2], "big": [1.5]}
        for name, values in expected.items():
            dataset = group.dataset(name)
            assert dataset is not None and np.asarray(dataset).tolist() == values
        for name, value in (("scalar", 7), ("empty", np.zeros((0, 3)).tolist()), ("./a//b", expected["b"])):
            dataset = root.dataset(name)
            assert dataset is not None and np.asarray(dataset).tolist() == value
        assert (group.text_attribute("text"), group.text_attribute("bytes")) == ("é", "x")
        assert group.text_attribute("missing") is None
        assert group.name_list("names") == ["one", "two"] and group.name_list("long") == ["n0", "n1"]
        assert group.name_list("none") == [] and group.name_list("missing") == []
        for name in ("number", "names", "no text"):
            with pytest.raises(ModelError, match="is no text"):
                group.text_attribute(name)
        with pytest.raises(ModelError, match="no list of names"):
            group.name_list("text")


def twice_a_level(file: h5py.File) -> None:
    """2^40 paths in 41 groups."""
    group = file
    for _ in range(40):
        below = group.create_group("left")
        group["right"] = below
        group = below


def circle(file: h5py.File) -> None:
    group = file.create_group("a/b/c")
    group["top"] = file["a"]


def data_twice(file: h5py.File) -> None:
    file["a"] = np.zeros(3)
    file["b"] = file["a"]


@pytest.mark.parametrize("make", [twice_a_level, circle, data_twice])
def test_what_stands_at_two_places_is_no_tree(make: Any) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError, match="here: .*stands at two places"), open_h5("here", content(make)):
        pass
    assert time.monotonic() - began < 5


def test_links_to_elsewhere(tmp_path: Path) -> None:
    def make(file: h5py.File) -> None:
        file["there"] = np.zeros(3)
        file["soft"], file["lost"] = h5py.SoftLink("/there"), h5py.SoftLink("/nowhere")
        file["outer"] = h5py.ExternalLink("/etc/passwd", "/")

    with open_h5("here", content(make)) as root:
        assert root.dataset("there") is not None
        for name in ("soft", "lost", "outer"):
            with pytest.raises(ModelError, match=f"'{name}' is a link to elsewhere"):
                root.dataset(name)


def huge(file: h5py.File) -> None:
    file.create_dataset("x", (2**40,), np.float32)


def never_written(file: h5py.File) -> None:
    file.create_dataset("x", (1000, 1000), np.float32)


def zeros_in_chunks(file: h5py.File) -> None:
    file.create_dataset("x", (10_000, 10_000), np.float64, chunks=(100, 100))


def outside(file: h5py.File) -> None:
    file.create_dataset("x", (4,), np.float32, external=[("/etc/passwd", 0, 16)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (huge, f"is too big, above {MAX_WEIGHT} numbers"),
        (never_written, "has 4000000 bytes, but 0 stored"),
        (zeros_in_chunks, "has 800000000 bytes, but 0 stored"),
        (outside, "external, virtual or empty"),
    ],
)
def test_data_that_are_not_there_are_not_made(make: Any, message: str) -> None:
    with open_h5("here", content(make)) as root, pytest.raises(ModelError, match=message):
        root.dataset("x")


def test_packed_data_are_read() -> None:
    def make(file: h5py.File) -> None:
        file.create_dataset("x", data=np.arange(10_000.0), chunks=(100,), compression="gzip")

    with open_h5("here", content(make)) as root:
        assert np.array_equal(np.asarray(root.dataset("x")), np.arange(10_000.0))


def test_damaged_bytes_cost_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but ModelError, and the helper is there for the next file, whatever became of it."""
    monkeypatch.setattr(h5_file, "_SECONDS", 1.0)
    data, rng, read = content(simple), np.random.default_rng(0), 0
    for _ in range(150):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), rng.integers(1, 12)):
            bad[at] = rng.integers(0, 256)
        try:
            with open_h5("here", bytes(bad)) as root:
                for path in root.datasets():
                    dataset = root.dataset(path)
                    if dataset is not None and dataset.dtype.kind != "O":
                        np.asarray(dataset)
                read += 1
        except ModelError as error:
            assert str(error).startswith("here: ")
    assert 0 < read < 150
    with open_h5("here", data) as root:
        assert root.group("a") is not None


def test_a_heap_that_the_library_walks_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text attribute's heap, in which an object has no size: libhdf5 1.14 never gets past it."""
    monkeypatch.setattr(h5_file, "_SECONDS", 1.0)
    data = bytearray(content(simple))
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 4096] = bytes(4080)
    try:
        with open_h5("here", bytes(data)):
            pass
    except ModelError as error:
        assert "does not get through it: no answer in 1" in str(error)
    with open_h5("here", content(simple)) as root:
        assert root.group("a") is not None


def test_a_helper_that_died_is_replaced() -> None:
    with open_h5("here", content(simple)):
        pass
    helper = h5_file._HELPERS.get()
    helper.close()
    with open_h5("here", content(simple)) as root:
        assert root.group("a") is not None
    assert h5_file._HELPERS.get() is not helper


def test_a_helper_that_dies_in_the_middle_is_an_error() -> None:
    with open_h5("here", content(simple)) as root:
        dataset = root.dataset("a/b")
        h5_file._HELPERS.get()._process.kill()
        with pytest.raises(ModelError, match="does not get through it: it (ended by signal 9|has ended)"):
            np.asarray(dataset)


def test_more_than_all_weights_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h5_file, "MAX_WEIGHTS", 10)
    with open_h5("here", content(simple)) as root:
        dataset = root.dataset("a/b")
        assert np.asarray(dataset).size == 6
        with pytest.raises(ModelError, match="more than 10 numbers in all"):
            np.asarray(dataset)
