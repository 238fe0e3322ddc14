"""The bindings: conversion of inputs of every dtype and layout, outputs, errors, threads, several instances."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hlsgen.emulation.build import bindings_object
from hlsgen.ir.types import FixedType
from hlsgen.tools import find_compiler
from tests.compiled import program
from tests.vendor.differential import EMULATION_OPTIONS

Build = Callable[..., ModuleType]
A = FixedType.parse("fixed<16,6,RND_CONV,SAT>")
SAMPLES = 37
SCALE, OFFSET = [3, -128, 127], 2**79 - 12345


@pytest.fixture(scope="module")
def build() -> Build:
    """Return a function that builds the test design for one type of its second input and imports it."""
    options = [*EMULATION_OPTIONS, "-fPIC", "-fvisibility=hidden"]
    bindings = bindings_object(find_compiler(), options)
    text = Path(__file__).with_name("design.cpp").read_text(encoding="utf-8")

    @functools.cache
    def make(b_type: str, *more: str) -> ModuleType:
        name = "design_" + "".join(c if c.isalnum() else f"_{ord(c)}_" for c in " ".join((b_type, *more)))
        names = [f"-DIN_TYPE={FixedType.parse(b_type).cpp}", f"-DMODULE_INIT=PyInit_{name}", f'-DMODULE_NAME="{name}"']
        here = f"-I{Path(__file__).parent}"
        library = program(
            {"design.cpp": text}, ["design.cpp"], [*options, here, *names, *more, "-shared", "-pthread", str(bindings)]
        )
        loader = importlib.machinery.ExtensionFileLoader(name, str(library))
        spec = importlib.util.spec_from_file_location(name, library, loader=loader)
        assert spec
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        return module

    return make


@pytest.fixture(scope="module")
def plain(build: Build) -> ModuleType:
    return build("fixed<12,7,RND,SAT_ZERO>")


def constants(scale: list[int] = SCALE, offset: int = OFFSET) -> list[Any]:
    return [np.array(scale), (np.array([offset >> 64]), np.array([offset % 2**64], dtype=np.uint64))]


def joined(pair: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> list[int]:
    return [(int(h) << 64) + int(v) for h, v in zip(pair[0].ravel(), pair[1].ravel(), strict=True)]


def data(t: FixedType, shape: tuple[int, ...], seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Values on and between the grid, ties, some out of range."""
    rng = np.random.default_rng(seed)
    quarters = rng.integers(5 * t.min_mantissa - 9, 5 * t.max_mantissa + 9, shape).astype(np.float64)
    fine = rng.choice([0.0, 0.0, 2.0**-16], shape)
    return np.asarray((quarters + fine) * 2.0 ** (-t.frac - 2))


@pytest.mark.parametrize(
    "b_type",
    [
        *(f"fixed<12,7,{q},{o}>" for q, o in [("TRN", "SAT"), ("TRN_ZERO", "WRAP"), ("RND", "SAT_SYM")]),
        *(f"fixed<{t},{q},SAT>" for t in ("9,4", "40,20") for q in ("RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")),
        *("ufixed<16,7,RND,SAT>", "ufixed<8,8>", "fixed<24,9,RND,SAT>", "fixed<30,9>", "ufixed<20,3,RND,SAT_ZERO>"),
        *("fixed<12,15,RND,SAT>", "fixed<40,20,RND,SAT>", "fixed<12,7,RND,WRAP,2>", "fixed<12,7,TRN,WRAP_SM>"),
    ],
)
def test_inputs_are_quantised_as_in_python(build: Build, b_type: str) -> None:
    t = FixedType.parse(b_type)
    module = build(b_type)
    instance = module.Instance(constants())
    a, b = data(A, (SAMPLES, 3), 1), data(t, (SAMPLES, 300), 2)
    infinite = b.copy()
    infinite[3, 7], infinite[36, 299] = np.inf, -np.inf
    for values in (b, b.astype(np.float32), np.asfortranarray(b), b[::-1], infinite, infinite.astype(np.float32)):
        (sums, copies, far), outside = instance.predict([a, values], 2, True)
        expected = t.quantize(values)
        assert np.array_equal(copies, expected)
        mantissas = A.quantize(a)
        assert np.array_equal(sums, FixedType(26, 10).cast(mantissas * np.array(SCALE), 14))
        wide = FixedType(80, 40).cast((mantissas[:, :1].astype(object) << 30) + OFFSET, 40)
        assert joined(far) == [int(v) for v in wide.ravel()]
        exact_range = values > float(t.max + t.step), values < float(t.min - t.step)  # rounded away from the edge
        low = int(np.count_nonzero(exact_range[0] | exact_range[1]))
        near = int(np.count_nonzero((values > float(t.max)) | (values < float(t.min))))
        assert low <= outside[1] <= near


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "bool", "float16", ">f4"]
)
def test_every_dtype_is_read(plain: ModuleType, dtype: str) -> None:
    rng = np.random.default_rng(3)
    b = rng.integers(0, 2 if dtype == "bool" else 100, (SAMPLES, 300)).astype(dtype)
    copies = plain.Instance(constants()).predict([np.zeros((SAMPLES, 3)), b], 1, True)[0][1]
    assert np.array_equal(copies, FixedType.parse("fixed<12,7,RND,SAT_ZERO>").quantize(b.astype(np.float64)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", ">f4"])
@pytest.mark.parametrize("fixed", ["fixed<12,7,RND,SAT_ZERO>", "fixed<40,20,RND,SAT>"])
def test_arrays_are_read_where_they_lie(build: Build, dtype: str, fixed: str) -> None:
    """Views of every kind, of any number of axes; lengths that are no multiple of a register's."""
    instance = build(fixed).Instance(constants())
    base = np.random.default_rng(3).integers(-99, 99, (2 * SAMPLES, 22, 14, 3)).astype(dtype)
    views = {
        "cropped": base[:SAMPLES, 1:11, 2:12, :3],
        "steps": base[::2, 19::-2, 1:11, :],
        "last axis first": np.moveaxis(base[:SAMPLES, :10, :10, :], 3, 1),
        "new axes": base[:SAMPLES, :10, :10, :].reshape(SAMPLES, 300)[:, None, :, None],
        "one sample repeated": np.broadcast_to(base[:1, :10, :10, :], (SAMPLES, 10, 10, 3)),
        "every second": base[:SAMPLES, :20, :10, :].reshape(SAMPLES, 600)[:, ::2],
    }
    for name, view in views.items():
        (_, copies, _), _ = instance.predict([np.zeros((SAMPLES, 3)), view], 1, True)
        expected = FixedType.parse(fixed).quantize(view.astype(np.float64)).reshape(SAMPLES, 300)
        assert np.array_equal(copies, expected), name


def test_all_half_precision_numbers(build: Build) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = np.resize(every[~np.isnan(every)], (220, 300))
    for fixed in ("fixed<28,6,RND,SAT>", "fixed<40,14,TRN,SAT>"):
        (_, copies, _), outside = build(fixed).Instance(constants()).predict([np.zeros((220, 3)), finite], 1, True)
        assert np.array_equal(copies, FixedType.parse(fixed).quantize(finite.astype(np.float64)))
        assert outside[1] > 0


def test_large_integers_are_exact(build: Build) -> None:
    module = build("fixed<62,62>")
    b = np.random.default_rng(4).integers(-(2**61), 2**61, (5, 300))
    assert np.array_equal(module.Instance(constants()).predict([np.zeros((5, 3)), b], 1, True)[0][1], b)


def test_outputs_are_floats_unless_raw(plain: ModuleType) -> None:
    instance = plain.Instance(constants())
    a, b = data(A, (SAMPLES, 3), 1), data(A, (SAMPLES, 300), 2)
    (raw, _), (real, _) = instance.predict([a, b], 1, True), instance.predict([a, b])
    assert [r.dtype for r in real] == [np.float64, np.float32, np.float64]
    assert np.array_equal(real[0], raw[0] * 2.0**-16)
    assert np.array_equal(real[1], raw[1] * 2.0**-5)
    assert real[2].ravel().tolist() == [v / 2**40 for v in joined(raw[2])]


def test_instances_have_their_own_constants_and_threads_agree(plain: ModuleType) -> None:
    one, other = plain.Instance(constants()), plain.Instance(constants([1, 2, 3], -5))
    a, b = data(A, (1000, 3), 1), data(A, (1000, 300), 2)
    (first, _), (second, _) = one.predict([a, b]), other.predict([a, b])
    assert not np.array_equal(first[0], second[0])
    for _ in range(3):
        assert all(np.array_equal(x, y) for x, y in zip(one.predict([a, b], 3)[0], first, strict=True))
        assert all(np.array_equal(x, y) for x, y in zip(other.predict([a, b], 2)[0], second, strict=True))


def test_no_samples_give_empty_arrays(plain: ModuleType) -> None:
    outputs, _ = plain.Instance(constants()).predict([np.zeros((0, 3)), np.zeros((0, 300))])
    assert [o.shape for o in outputs] == [(0, 3), (0, 300), (0, 1)]


def test_the_module_describes_its_ports(plain: ModuleType) -> None:
    assert plain.inputs[0]["elements"] == 3
    assert plain.inputs[1]["overflow"] == "SAT_ZERO"
    assert (plain.outputs[2]["width"], plain.outputs[2]["integer"]) == (80, 40)
    assert plain.constants == [(3, 8, True), (1, 80, True)]


@pytest.mark.parametrize("threads", [1, 2])
def test_nan_is_refused_with_its_place(plain: ModuleType, threads: int) -> None:
    b = np.zeros((SAMPLES, 300), dtype=np.float32)
    b[30, 299] = np.nan
    with pytest.raises(ValueError, match=r"input 1, sample 30, element 299 is NaN"):
        plain.Instance(constants()).predict([np.zeros((SAMPLES, 3)), b], threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_kernel_reading_too_much_is_an_error_and_does_no_harm(build: Build, threads: int) -> None:
    instance = build("fixed<12,7>", "-DHUNGRY").Instance(constants())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="reads the empty stream b"):
            instance.predict([np.zeros((500, 3)), np.zeros((500, 300))], threads)


def test_wrong_arguments_are_refused(plain: ModuleType) -> None:
    instance = plain.Instance(constants())
    a, b = np.zeros((4, 3)), np.zeros((4, 300))
    for inputs, reason in (
        ([a], "has 2 inputs, found 1"),
        ([a, b[:, 1:]], r"input 1 has shape \(4, 299\); expected \(samples, 300\)"),
        ([a, b[1:]], "input 1 has 3 samples, the inputs before it 4"),
        ([a[0], b], r"expected \(samples, 3\)"),
    ):
        with pytest.raises(ValueError, match=reason):
            instance.predict(inputs)
    with pytest.raises(TypeError, match="dtype"):
        instance.predict([a.astype(complex), b])
    with pytest.raises(ValueError, match="threads is 0"):
        instance.predict([a, b], 0)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "has 2 constants, found 0"),
        (constants()[:1], "has 2 constants, found 1"),
        (constants([1, 2]), "constant 0 has 2 words, expected 3"),
        (constants([1, 2, 3, 4]), "constant 0 has 4 words, expected 3"),
        (constants([]), "constant 0 has dtype float64; expected integers"),
        (constants([1.5, 2, 3]), "constant 0 has dtype float64; expected integers"),  # type: ignore[list-item]
        (constants([1, 128, 3]), "constant 0, word 1 does not fit its 8 bits"),
        (constants([1, 2, -129]), "constant 0, word 2 does not fit its 8 bits"),
        (constants([1, 1 << 20, 3]), "constant 0, word 1 does not fit its 8 bits"),
        (constants(offset=2**79), "constant 1, word 0 does not fit its 80 bits"),
        (constants(offset=-(2**79) - 1), "constant 1, word 0 does not fit its 80 bits"),
        ([np.array(SCALE), np.array([1, 2])], "constant 1 has 2 words, expected 1"),
        ([np.array(SCALE), (np.array([0]), np.array([1, 2]))], "constant 1 has 1 words, expected 1"),
    ],
)
def test_constants_that_are_not_of_the_design(plain: ModuleType, given: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        plain.Instance(given)


@pytest.mark.parametrize("offset", [-(2**79), 2**79 - 1])
def test_the_ends_of_the_words(plain: ModuleType, offset: int) -> None:
    inputs = [np.array([[0, 1, 1]]), np.zeros((1, 300))]
    outputs, _ = plain.Instance(constants([1, -128, 127], offset)).predict(inputs, 1, True)
    np.testing.assert_array_equal(outputs[0], [[0, -128 * 2**12, 127 * 2**12]])
    assert joined(outputs[2]) == [offset]


def test_a_design_that_reads_more_than_it_says_cannot_be_loaded(build: Build) -> None:
    """Its kernel reads two words of a constant, of which the design says that it has one."""
    module = build("fixed<12,7>", "-DOFFSETS=2")
    with pytest.raises(RuntimeError, match="a constant has another number of words than its kernel reads"):
        module.Instance(constants())
