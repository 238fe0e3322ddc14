"""One border for arrays: whatever takes inputs reads the same of them, or refuses the same with the same words."""

from __future__ import annotations

import warnings
import zipfile
from collections import UserList, deque
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from hlsgen.cli.score import score
from hlsgen.config import TestVectors as Vectors
from hlsgen.data import Data
from hlsgen.design import array_files
from hlsgen.design.array_files import load_array, load_inputs
from hlsgen.design.arrays import checked_calibration, real_array
from hlsgen.errors import HlsgenError, InputError
from hlsgen.project import Project
from hlsgen.pytest_plugin import assert_bit_exact
from tests.passes.builders import Net, project_of

VALUES = np.array([[1.5, -2.0], [0.25, 3.0], [-0.125, 100.0]])


class Converts:
    """An object that NumPy asks for an array."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def masked(*, any_masked: bool) -> Any:
    return np.ma.array(VALUES, mask=[[False, any_masked], [False, False], [False, False]])


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in repeat(None, depth):
        made = [made]
    return made


def within_itself() -> list[Any]:
    made: list[Any] = []
    made += [made, made]
    return made


TAKEN = {
    **{dtype: VALUES.astype(dtype) for dtype in ("f2", "f4", "f8", ">f2", ">f4", ">f8", "i1", "i2", "i4", "i8", ">i4")},
    **{dtype: np.abs(VALUES).astype(dtype) for dtype in ("u1", "u2", "u4", "u8", "?")},
    "large unsigned": np.array([[2**63 + 5, 2**64 - 1]], dtype=np.uint64),
    "infinities": np.array([[np.inf, -np.inf], [1e308, -5e-324]]),
    "list": VALUES.tolist(),
    "tuple of rows": tuple(VALUES),
    "deque of rows": deque(VALUES),
    "list of the one input": [VALUES],
    "by name": {"x": VALUES},
    "no samples": VALUES[:0],
    "reversed": VALUES[::-1, ::-1],
    "Fortran": np.asfortranarray(VALUES),
    "broadcast": np.broadcast_to(VALUES[0], (4, 2)),
    "mask that masks nothing": masked(any_masked=False),
    "memory": memoryview(VALUES),
    "array-like": Converts(VALUES),
}
REFUSED = {
    "long double": (VALUES.astype(np.longdouble), "dtype float128 is not read"),
    "bfloat16": (VALUES.astype(ml_dtypes.bfloat16), "dtype bfloat16 holds no real numbers"),
    "complex": (VALUES.astype(complex), "dtype complex128 holds no real numbers"),
    "objects": (VALUES.astype(object), "dtype object holds no real numbers"),
    "strings": (VALUES.astype(str), "dtype <U32 holds no real numbers"),
    "bytes": (VALUES.astype(bytes), "holds no real numbers"),
    "dates": (VALUES.astype("M8[s]"), "holds no real numbers"),
    "durations": (VALUES.astype("m8[s]"), "holds no real numbers"),
    "records": (np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]), "holds no real numbers"),
    "whole numbers beyond 64 bits": ([[2**70, 1]], "dtype object holds no real numbers"),
    "nothing": (None, "an object of NoneType is no array; give floats or integers"),
    "what holds an array": (Data(np.zeros((3, 4))), "an object of Data is no array; give floats or integers"),
    "a set": ({1, 2}, "an object of set is no array"),
    "a name of a file": ("x.npy", "holds no real numbers"),
    "masked": (masked(any_masked=True), "some values are masked"),
    "masked rows": ([masked(any_masked=True)[0], VALUES[0]], "some values are masked"),
    "masked, in a deque": (deque([VALUES[0], masked(any_masked=True)[0]]), "some values are masked"),
    "masked, in a list of deques": ([deque(masked(any_masked=True)[:1])], "some values are masked"),
    "masked, in lists": ([[1.0, np.ma.masked], [1.0, 2.0]], "some values are masked"),
    "masked, in another list": (UserList([VALUES[0], list(masked(any_masked=True)[0])]), "some values are masked"),
    "nested like no array": (nested(5000), "not an array: nested more than 64 deep"),
    "a list in itself": (within_itself(), "not an array: nested more than 64 deep"),
    "a list in itself, further back": ([[1, 2], within_itself()], "not an array"),
    "masked, by name": ({"x": masked(any_masked=True)}, "some values are masked"),
    "rows of different length": ([[1, 2], [3]], "not an array"),
    "not a number": (VALUES * [[np.nan, 1]], r"NaN at index \[0, 0\]"),
    "one sample": (VALUES[0], "add a batch axis"),
    "one number": (3.0, r"shape \(\), expected"),
    "an empty list": ([], r"shape \(0,\), expected"),
    "an array-like that raises": (Converts(RuntimeError("not here")), "not an array: not here"),
    "an array-like that raises nothing to read": (Converts(KeyError()), "not an array: KeyError"),
}


@pytest.fixture(scope="module")
def project() -> Project:
    net = Net()
    net.dense("fc", net.input((2,)), 2, 3)
    return project_of(net.source("fc"), input_precision="fixed<12,4,RND,SAT>")


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_taken_is_read_alike(project: Project, case: str) -> None:
    x = TAKEN[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        predicted = project.predict(x, raw=True, count_overflows=True)
        traced, evaluated = project.trace(x, raw=True), project.evaluate(x, raw=True)
        assert_bit_exact(project, x, evaluated["fc"], raw=True)
    np.testing.assert_array_equal(predicted, evaluated["fc"])
    for key, values in evaluated.items():
        np.testing.assert_array_equal(traced[key], values)
    given = x["x"] if isinstance(x, dict) else x[0] if case == "list of the one input" else x
    reals = np.array([float(v) for v in np.asarray(given).ravel()]).reshape(-1, 2)
    np.testing.assert_array_equal(evaluated["x"], project.design.inputs[0].type.quantize(reals))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_everywhere(project: Project, case: str) -> None:
    x, message = REFUSED[case]
    entries = [
        project.predict,
        project.trace,
        project.evaluate,
        lambda x: project.predict(x, count_overflows=True),
        lambda x: checked_calibration(project.design.inputs, x),
        lambda x: assert_bit_exact(project, x, VALUES),
    ]
    texts = set()
    for entry in entries:
        with pytest.raises(InputError, match=message) as caught:
            entry(x)
        texts.add(str(caught.value))
    assert len(texts) == 1 and "input 'x'" in texts.pop()


# -- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["long double", "complex", "strings", "not a number", "one sample", "one number"])
def test_test_vectors_are_held_to_the_same(project: Project, tmp_path: Any, case: str) -> None:
    x, message = REFUSED[case]
    np.save(tmp_path / "x.npy", x)
    vectors = Vectors(x=tmp_path / "x.npy")
    with pytest.raises(InputError, match=message):
        score(project, vectors)
    with pytest.raises(InputError, match=message):
        _ = project.with_settings(test_vectors=vectors).files


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.array("text"), "dtype <U4 holds no real numbers"),
        (np.array(3.0), "y has one number, x has 3"),
        (np.zeros((2, 3)), "y has 2 samples, x has 3"),
        (np.zeros((3, 3), dtype=np.longdouble), "dtype float128 is not read"),
    ],
)
def test_what_goes_with_test_vectors(project: Project, tmp_path: Any, stored: Any, message: str) -> None:
    np.save(tmp_path / "x.npy", VALUES / 64)
    np.save(tmp_path / "y.npy", stored)
    with pytest.raises(InputError, match=message):
        score(project, Vectors(x=tmp_path / "x.npy", y=tmp_path / "y.npy"))


def test_test_vectors_without_samples(project: Project, tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", VALUES[:0])
    with pytest.raises(InputError, match=r"x\.npy has no samples"):
        score(project, Vectors(x=tmp_path / "x.npy"))


@dataclass(frozen=True)
class Input:
    name: str
    shape: tuple[int, ...]
    order: tuple[int, ...] | None = None


X, OTHER = Input("x", (2,)), Input("other", ())


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_files_of_arrays(tmp_path: Any, save: Any) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    save(tmp_path / "x.npz", x=np.asfortranarray(VALUES), other=VALUES[:, 0].astype(">f4"))
    np.testing.assert_array_equal(load_inputs(tmp_path / "x.npy", [X]), VALUES)
    found = load_inputs(tmp_path / "x.npz", [X, OTHER])
    assert isinstance(found, dict) and list(found) == ["x", "other"] and found["other"].dtype == ">f4"
    np.testing.assert_array_equal(found["x"], VALUES)
    np.testing.assert_array_equal(found["other"], VALUES[:, 0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": VALUES, "y": VALUES}, "the model has no input 'y'"),
        ({"x": VALUES}, "no data for input 'other'"),
        ({"x": VALUES[:, :1], "other": VALUES[0]}, r"input 'x': shape \(3, 1\), expected"),
        ({"x": VALUES, "other": VALUES}, r"input 'other': shape \(3, 2\), expected"),
        ({"x": VALUES, "other": np.zeros(9000)}, "x.npz: unpacks to .* bytes, more than the 500 allowed"),
        ({"x": VALUES.astype(object), "other": VALUES[:, 0]}, "cannot be read as .npz arrays .*Python objects"),
    ],
)
def test_archives_are_looked_at_before_they_are_unpacked(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, given: Any, message: str
) -> None:
    np.savez_compressed(tmp_path / "x.npz", **given)
    monkeypatch.setattr(array_files, "MAX_UNPACKED", 500)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("data were read"))
    with pytest.raises(InputError, match=message):
        load_inputs(tmp_path / "x.npz", [X, OTHER])


def test_an_archive_that_packs_nothing_may_be_of_any_size(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "MAX_UNPACKED", 0)
    np.savez(tmp_path / "x.npz", x=VALUES)
    assert set(load_inputs(tmp_path / "x.npz", [X])) == {"x"}


@pytest.mark.parametrize("shape", [b"(9, 2), ", b"(-3, 2),", b"(3, 2.),"])
def test_an_archive_whose_header_promises_other_data(tmp_path: Any, shape: bytes) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    content = (tmp_path / "x.npy").read_bytes().replace(b"(3, 2), ", shape)
    assert content != (tmp_path / "x.npy").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(InputError, match="x.npz: cannot be read as .npz arrays"):
        load_inputs(tmp_path / "x.npz", [X])


@pytest.mark.parametrize(
    "content", [b"", b"text", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x09\x00v\x00{"]
)
@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_damaged_files(tmp_path: Any, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (load_array, lambda path: load_inputs(path, [X])):
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / name)


def test_a_file_that_promises_more_than_there_is(tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    content = (tmp_path / "x.npy").read_bytes().replace(b"(3, 2), }          ", b"(3000000000000, 2),")
    assert b"3000000000000" in content
    (tmp_path / "x.npy").write_bytes(content)
    for mapped in (False, True):
        with pytest.raises(InputError, match="cannot be read"):
            load_array(tmp_path / "x.npy", mapped=mapped)


# -- what is expected ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "error", "message"),
    [
        (np.full((3, 3), np.nan), AssertionError, "expected +nan = nan"),
        (np.full((3, 3), -np.inf), AssertionError, "expected +-inf = -inf"),
        (np.zeros((3, 3), dtype=np.longdouble), InputError, "expected 'fc': dtype float128 is not read"),
        (np.zeros((3, 3), dtype=complex), InputError, "expected 'fc': dtype complex128 holds no real numbers"),
        (np.ma.array(np.zeros((3, 3)), mask=True), InputError, "expected 'fc': some values are masked"),
        ("text", InputError, "expected 'fc': dtype <U4 holds no real numbers"),
    ],
)
def test_what_can_be_expected(project: Project, expected: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        assert_bit_exact(project, VALUES[:, :] / 64, expected)
    assert isinstance(caught.value, HlsgenError | AssertionError)


def test_mantissas_of_any_size_can_be_expected() -> None:
    wide = np.array([2**100, -1], dtype=object)
    np.testing.assert_array_equal(real_array("expected", wide, of_any_size=True), wide)
    for other in ([2**100, 0.5], [True, None]):
        with pytest.raises(InputError, match="dtype object holds no real numbers"):
            real_array("expected", np.array(other, dtype=object), of_any_size=True)
