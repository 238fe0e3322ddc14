"""HDF5 files that are damaged, or built to take long: an error in time, and the next file is read as before."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hlsgen.errors import ModelError, ToolError
from hlsgen.frontends.keras import h5_file
from hlsgen.frontends.keras.h5_file import Group, Packed, Span, open_h5
from hlsgen.frontends.limits import MAX_WEIGHT
from hlsgen.helpers import HelperPool


def content(make: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        make(file)
    return buffer.getvalue()


def opened(data: bytes) -> AbstractContextManager[Group]:
    return open_h5("here", Packed(len(data), [data]))


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


@pytest.mark.parametrize("form", ["path", "packed", "span"])
def test_what_is_read(tmp_path: Path, form: str) -> None:
    data = content(simple)
    (tmp_path / "f.h5").write_bytes(data)
    (tmp_path / "f.zip").write_bytes(b"x" * 77 + data + b"y" * 99)
    source = {
        "path": tmp_path / "f.h5",
        "packed": Packed(len(data), [data[:5], b"", data[5:]]),
        "span": Span(tmp_path / "f.zip", 77, len(data)),
    }[form]
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
    with pytest.raises(ModelError, match="here: .*stands at two places"), opened(content(make)):
        pass
    assert time.monotonic() - began < 5


def test_links_to_elsewhere(tmp_path: Path) -> None:
    def make(file: h5py.File) -> None:
        file["there"] = np.zeros(3)
        file["soft"], file["lost"] = h5py.SoftLink("/there"), h5py.SoftLink("/nowhere")
        file["outer"] = h5py.ExternalLink("/etc/passwd", "/")

    with opened(content(make)) as root:
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
    with opened(content(make)) as root, pytest.raises(ModelError, match=message):
        root.dataset("x")


def chunked(chunk: int, filled: int) -> Any:
    """Three numbers in one packed chunk, which declares ``chunk`` numbers and gets ``filled`` MiB."""

    def make(file: h5py.File) -> None:
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_chunk((chunk,))
        options.set_deflate(9)
        space = h5py.h5s.create_simple((3,), (h5py.h5s.UNLIMITED,))
        data = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, options)
        data.write_direct_chunk((0,), zlib.compress(bytes(filled << 20), 1))

    return make


def test_chunks_far_larger_than_their_data() -> None:
    with opened(content(chunked(2**28, 1))) as root, pytest.raises(ModelError, match="has chunks of 1073741824 bytes"):
        root.dataset("x")
    with opened(content(chunked(2**18, 1))) as root:
        assert values(root) == [0.0] * 3


@pytest.mark.slow
def test_what_a_chunk_unpacks_to_has_a_limit() -> None:
    with pytest.raises(ModelError, match="cannot be read"), opened(content(chunked(1000, 700))) as root:
        values(root)


def long_texts(file: h5py.File) -> None:
    file.create_group("a").attrs.create("names", np.zeros(700, "S100000"))


def long_names(file: h5py.File) -> None:
    for i in range(1100):
        file.create_group(f"{i}{'x' * 62_000}")


def deep(file: h5py.File) -> None:
    group = file
    for _ in range(300):
        group = group.create_group("a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (long_texts, "more than 67108864 bytes of text"),
        pytest.param(long_names, "more than 67108864 bytes of text", marks=pytest.mark.slow),
        (deep, "nested more than 200 deep"),
    ],
)
def test_an_index_has_limits(make: Any, message: str) -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        make(file)
    with pytest.raises(ModelError, match=f"here: .*{message}"), opened(buffer.getvalue()):
        pass


def test_one_text_that_is_named_often() -> None:
    """300 kB in the file, 900 MB as texts."""
    data = bytearray(
        content(lambda file: file.attrs.create("x", ["A" * 300_000] + ["b"] * 2999, dtype=h5py.string_dtype()))
    )
    starts = [at for at in range(len(data) - 32) if data[at : at + 4] == (300_000).to_bytes(4, "little")]
    start = next(at for at in starts if data[at + 16 : at + 20] == (1).to_bytes(4, "little"))
    data[start : start + 3000 * 16] = data[start : start + 16] * 3000
    with contextlib.suppress(ModelError), opened(bytes(data)) as root:
        assert root.names() == [] and not isinstance(root._attributes["x"], list)


def test_packed_data_are_read() -> None:
    def make(file: h5py.File) -> None:
        file.create_dataset("x", data=np.arange(10_000.0), chunks=(100,), compression="gzip")

    with opened(content(make)) as root:
        assert np.array_equal(np.asarray(root.dataset("x")), np.arange(10_000.0))


def test_damaged_bytes_cost_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but ModelError, and the helper is there for the next file, whatever became of it."""
    monkeypatch.setattr(h5_file, "_SECONDS", 1.0)
    data, rng, read = content(simple), np.random.default_rng(0), 0
    for _ in range(16):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), rng.integers(1, 12)):
            bad[at] = rng.integers(0, 256)
        try:
            with opened(bytes(bad)) as root:
                for path in root.datasets():
                    dataset = root.dataset(path)
                    if dataset is not None and dataset.dtype.kind != "O":
                        np.asarray(dataset)
                read += 1
        except ModelError as error:
            assert str(error).startswith("here: ")
    assert 0 < read < 16
    with opened(data) as root:
        assert root.group("a") is not None


def test_a_heap_that_the_library_walks_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text attribute's heap, in which an object has no size: libhdf5 1.14 never gets past it."""
    monkeypatch.setattr(h5_file, "_SECONDS", 1.0)
    data = bytearray(content(simple))
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 4096] = bytes(4080)
    try:
        with opened(bytes(data)):
            pass
    except ModelError as error:
        assert "does not get through it in 1 s" in str(error)
    with opened(content(simple)) as root:
        assert root.group("a") is not None


# -- helpers ---------------------------------------------------------------------------------------


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[HelperPool]:
    """The pool of these tests alone."""
    made = HelperPool(h5_file._HELPERS._script)
    monkeypatch.setattr(h5_file, "_HELPERS", made)
    yield made
    made.close()


def write(path: Path, value: float) -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = np.full(3, value, np.float32)
    return path


def read(path: Path) -> list[float]:
    with open_h5("here", path) as root:
        return values(root)


def values(root: Group) -> list[float]:
    found: list[float] = np.asarray(root.dataset("x")).tolist()
    return found


def test_files_that_are_open_at_the_same_time(tmp_path: Path, pool: HelperPool) -> None:
    first, second = write(tmp_path / "a.h5", 1.0), write(tmp_path / "b.h5", 2.0)
    with open_h5("first", first) as a:
        with open_h5("second", second) as b:
            assert (values(a), values(b), values(a)) == ([1.0] * 3, [2.0] * 3, [1.0] * 3)
        assert values(a) == [1.0] * 3
    assert len(pool._waiting) == 2 and read(second) == [2.0] * 3 and len(pool._waiting) == 2


def test_a_dataset_that_outlives_its_file(tmp_path: Path, pool: HelperPool) -> None:
    with open_h5("here", write(tmp_path / "a.h5", 1.0)) as root:
        dataset = root.dataset("x")
    with (
        open_h5("here", write(tmp_path / "b.h5", 2.0)),
        pytest.raises(AssertionError, match="the file is closed"),
    ):
        np.asarray(dataset)


def test_a_helper_that_died_is_replaced(tmp_path: Path, pool: HelperPool) -> None:
    path = write(tmp_path / "a.h5", 1.0)
    assert read(path) == [1.0] * 3
    (helper,) = pool._waiting
    helper._process.kill()
    helper._process.wait()
    assert read(path) == [1.0] * 3 and helper not in pool._waiting


def test_a_helper_that_met_an_error_serves_no_other_file(tmp_path: Path, pool: HelperPool) -> None:
    with pytest.raises(ModelError), opened(b"no HDF5"):
        pass
    assert not pool._waiting and not pool._started


def test_a_helper_serves_on_where_only_the_model_is_wrong(tmp_path: Path, pool: HelperPool) -> None:
    """A file that was read without an error has damaged nothing, whatever was missing in it."""
    first, second = write(tmp_path / "a.h5", 1.0), write(tmp_path / "b.h5", 2.0)
    assert read(first) == [1.0] * 3
    waiting = list(pool._waiting)
    for error in (ModelError("a layer too many"), KeyboardInterrupt()):
        with pytest.raises(type(error)), open_h5("here", first) as root:
            assert values(root) == [1.0] * 3
            raise error
        assert pool._waiting == waiting and read(second) == [2.0] * 3 and pool._waiting == waiting


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (signal.SIGSEGV, ModelError, r"truncated or damaged\?.*breaks down over it \(SIGSEGV\)"),
        (signal.SIGPROF, ModelError, r"truncated or damaged\?.*does not get through it in 5 s"),
        (signal.SIGKILL, ToolError, "the process that reads its HDF5 data is lost: it ended by signal 9"),
    ],
)
def test_a_helper_that_dies_in_the_middle(
    tmp_path: Path, pool: HelperPool, number: int, kind: type[Exception], message: str
) -> None:
    path = write(tmp_path / "a.h5", 1.0)
    with pytest.raises(kind, match=f"^here: .*{message}"), open_h5("here", path) as root:
        (helper,) = pool._started
        helper._process.send_signal(number)
        values(root)
    assert read(path) == [1.0] * 3


def test_one_file_that_takes_long_stops_no_other(tmp_path: Path, pool: HelperPool) -> None:
    path, entered, leave = write(tmp_path / "a.h5", 1.0), threading.Event(), threading.Event()

    def linger() -> None:
        with open_h5("here", path):
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=linger)
    thread.start()
    try:
        assert entered.wait(30) and read(path) == [1.0] * 3
    finally:
        leave.set()
        thread.join()


def test_a_process_that_is_forked_while_a_file_is_open(tmp_path: Path, pool: HelperPool) -> None:
    """The child has helpers of its own, those of its parent end with that, and a file does not go over."""
    path = write(tmp_path / "a.h5", 1.0)
    read(path)
    with open_h5("here", path) as root, pool._lock:
        child = os.fork()
        if not child:
            signal.alarm(60)
            with contextlib.suppress(BaseException):
                assert read(path) == [1.0] * 3
                with pytest.raises(ToolError, match="belongs to the process that this one was forked from"):
                    values(root)
                os._exit(0)
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert read(path) == [1.0] * 3


def test_a_helper_that_is_busy_ends_though_nobody_waits(tmp_path: Path) -> None:
    """Its owner is killed while the library walks a damaged heap."""
    data = bytearray(content(simple))
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 4096] = bytes(4080)
    (tmp_path / "a.h5").write_bytes(data)
    code = (
        "import os, pathlib, signal, threading; from hlsgen.frontends.keras import h5_file\n"
        "h5_file._SECONDS = 1.0\n"
        "def end():\n"
        "    print(next(iter(h5_file._HELPERS._started))._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "h5_file._opened = lambda file, source, opened=h5_file._opened: (\n"
        "    threading.Timer(0.3, end).start(), opened(file, source))[1]\n"
        f"with h5_file.open_h5('here', pathlib.Path({str(tmp_path / 'a.h5')!r})): end()\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    assert done.returncode == -signal.SIGKILL
    command, until = Path(f"/proc/{int(done.stdout)}/cmdline"), time.monotonic() + 60
    while command.exists() and command.read_bytes():
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.05)


def test_more_than_all_weights_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h5_file, "MAX_WEIGHTS", 10)
    with opened(content(simple)) as root:
        dataset = root.dataset("a/b")
        assert np.asarray(dataset).size == 6
        with pytest.raises(ModelError, match="more than 10 numbers in all"):
            np.asarray(dataset)
