"""C, plain Python and NumPy make the same integers of the same raw numbers, for every mode of an input."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hlsgen.data import Data, FittedPipeline, load_pipeline
from hlsgen.data.operations import Affine, Clamp, Logarithm, Operation
from hlsgen.data.ports import InputPort
from hlsgen.errors import ConfigError, InputError, UnsupportedError
from hlsgen.ir.types import FixedType, Overflow, Rounding
from tests.data.hosts import CHost, by_python, python_host
from tests.exports.c_library import STRICT, call, compiler

LARGEST = float(np.finfo(np.float64).max)
EXTREMES = [
    *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, -2.2250738585072009e-308, LARGEST, -LARGEST),
    *(np.inf, -np.inf, 1e300, -1e300, 2.0**62, -(2.0**62), 2.0**63, 2.0**100 + 2.0**60, 1.5, -1.5, 0.1, -0.1),
]
CHECKED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
IDENTITY = FittedPipeline((), 1)


def around(fixed: FixedType) -> np.ndarray:
    """Numbers at and beside the ends of a type, its ties, and such as wrap many times around."""
    step = float(fixed.step)
    ends = [float(fixed.min), float(fixed.max), 0.0, float(fixed.max) + step, 2.0 ** (fixed.integer + 3)]
    near = [end + part * step for end in ends for part in (-1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5)]
    beside = [np.nextafter(number, towards) for number in near for towards in (-np.inf, np.inf)]
    random = np.random.default_rng(7)
    wide = random.normal(size=60) * 2.0 ** random.integers(-70, 70, 60)
    return np.array([*EXTREMES, *near, *beside, *wide, *(-np.array(near))])[:, None]


def modes() -> list[FixedType]:
    """Every rounding with every overflow, of several widths and places of the point."""
    found = []
    for number, (rounding, overflow, signed) in enumerate(product(Rounding, Overflow, (True, False))):
        if overflow is Overflow.WRAP_SM and not signed:
            continue
        guards = (0, 1, 3) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else (0,)
        for guard in guards:
            width, integer = [(8, 3), (16, 6), (5, 9), (12, -4), (33, 10), (61, 30), (4, 4)][(number + guard) % 7]
            found.append(FixedType(width, integer, signed, rounding, overflow, guard))
    return found


@pytest.mark.parametrize("fixed", modes(), ids=str)
def test_python_makes_every_type(fixed: FixedType, tmp_path: Path) -> None:
    pipe, raw = IDENTITY.typed(fixed), around(fixed)
    expected, module = pipe.quantized(raw), python_host(pipe, tmp_path)
    assert expected.tolist() == fixed.quantize(raw).tolist()
    assert module.prepare_batch(raw).tolist() == expected.tolist()
    assert by_python(module, raw).tolist() == expected.tolist()


@pytest.mark.parametrize("fixed", modes()[::5], ids=str)
def test_c_makes_many_types(fixed: FixedType, tmp_path: Path) -> None:
    pipe, raw = IDENTITY.typed(fixed), around(fixed)
    assert CHost(pipe, tmp_path).run(raw).tolist() == pipe.quantized(raw).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("fixed", modes(), ids=str)
def test_c_makes_every_type(fixed: FixedType, tmp_path: Path) -> None:
    pipe, raw = IDENTITY.typed(fixed), around(fixed)
    expected = pipe.quantized(raw).tolist()
    for flags in (("-O0",), ("-O3", "-march=native", "-ffp-contract=fast")):
        assert CHost(pipe, tmp_path, *flags).run(raw).tolist() == expected, flags


def chain(features: int, seed: int = 3) -> FittedPipeline:
    """Every kind of operation, with numbers of each size; the two affine ones next to each other could be contracted."""
    random = np.random.default_rng(seed)

    def numbers(scale: float) -> tuple[float, ...]:
        return tuple((random.normal(size=features) * scale).tolist())

    low = numbers(1e3)
    return FittedPipeline(
        (
            Clamp(low, tuple(n + 1e4 for n in low)),
            Affine(numbers(1e3), numbers(1e-2)),
            Affine(numbers(3.0), numbers(0.7)),
            Logarithm(tuple(abs(n) + 1e-3 for n in numbers(1.0))),
            Affine((0.25,), (3.0,)),
        ),
        features,
        tuple(f"*/ name {place} \\" for place in range(features)),
    )


def raw_numbers(samples: int, shape: tuple[int, ...], seed: int = 5) -> np.ndarray:
    random = np.random.default_rng(seed)
    raw = random.normal(size=(samples, *shape)) * 10.0 ** random.integers(-3, 6, size=(samples, *shape))
    raw.reshape(-1)[: len(EXTREMES)] = EXTREMES
    return raw


@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-march=native", "-ffp-contract=fast"), ("-O1", *CHECKED)])
def test_chains_are_equal_whatever_the_flags(flags: tuple[str, ...], tmp_path: Path) -> None:
    pipe, raw = chain(6).typed("fixed<16,6,RND_CONV,SAT>"), raw_numbers(300, (6,))
    expected = pipe.quantized(raw)
    host = CHost(pipe, tmp_path, *flags)
    assert np.array_equal(host.run(raw), expected)
    floats = _as_floats(raw)
    assert np.array_equal(host.run(floats, "float"), pipe.quantized(floats))
    module = python_host(pipe, tmp_path)
    assert np.array_equal(module.prepare_batch(raw), expected)
    assert np.array_equal(by_python(module, raw[:100]).astype(np.int64), expected[:100])
    assert len(np.unique(expected)) > 100


def test_nothing_is_contracted(tmp_path: Path) -> None:
    """Seen by a type so fine that the last bit of a float64 counts; products and sums alternate."""
    pipe = FittedPipeline((Affine((0.1,), (0.7,)), Affine((0.3,), (1.1,)), Affine((-0.2,), (0.9,))), 1)
    fine, raw = pipe.typed("fixed<61,3,RND,SAT>"), np.random.default_rng(2).normal(size=(500, 1))
    contracted = CHost(fine, tmp_path, "-O3", "-march=native", "-ffp-contract=fast")
    assert np.array_equal(contracted.run(raw), fine.quantized(raw))
    assert np.array_equal(python_host(fine, tmp_path).prepare_batch(raw), fine.quantized(raw))


def _as_floats(raw: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        return raw.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_random_pipelines(seed: int, tmp_path: Path) -> None:
    """Operations in any order, types and modes of any sort, raw numbers of every size."""
    random = np.random.default_rng(seed)
    features = int(random.integers(1, 5))

    def numbers(scale: float) -> tuple[float, ...]:
        count = features if random.random() < 0.7 else 1
        return tuple((random.normal(size=count) * scale * 2.0 ** random.integers(-20, 20)).tolist())

    def operation() -> Operation:
        kind = random.integers(3)
        if kind == 0:
            return Affine(numbers(1.0), numbers(1.0)) if random.random() < 0.5 else Affine((0.5,), (0.25,))
        if kind == 1:
            low = numbers(1.0)
            return Clamp(low, tuple(number + abs(number) + 1 for number in low))
        return Logarithm(tuple(abs(number) for number in numbers(1.0)))

    operations = tuple(made for made in (_tried(operation) for _ in range(4)) if made is not None)
    width = int(random.integers(1, 62))
    modes = [fixed for fixed in modes_of(random) if fixed.signed or fixed.overflow is not Overflow.WRAP_SM]
    fixed = replace(modes[0], width=width, integer=int(random.integers(-10, 40)))
    pipe = FittedPipeline(operations, features).typed(replace(fixed, saturation_bits=min(fixed.saturation_bits, width)))
    raw = random.normal(size=(200, features)) * 2.0 ** random.integers(-80, 80, (200, features))
    raw.reshape(-1)[: len(EXTREMES)] = EXTREMES[: raw.size]
    expected, module = pipe.quantized(raw), python_host(pipe, tmp_path)
    assert CHost(pipe, tmp_path, "-O2", "-ffp-contract=fast", "-march=native").run(raw).tolist() == expected.tolist()
    assert module.prepare_batch(raw).tolist() == expected.tolist() == by_python(module, raw).tolist()
    assert load_pipeline(pipe.save(tmp_path / "saved")) == pipe


def modes_of(random: np.random.Generator) -> list[FixedType]:
    return [modes()[place] for place in random.permutation(len(modes()))]


def _tried(make: Callable[[], Operation]) -> Operation | None:
    """An operation; None where its random numbers are of different lengths."""
    try:
        return make()
    except ConfigError:
        return None


def test_orders_of_axes_and_powers_of_two(tmp_path: Path) -> None:
    """Images with the channels first are held with them last, each times a power of two of its own."""
    fixed = FixedType.parse("fixed<10,4,RND,SAT>")
    port = InputPort("image", (4, 5, 3), fixed, exponents=(2, -1, 0), order=(1, 2, 0))
    pipe = chain(5).typed(port)
    assert port.given_shape == (3, 4, 5)
    raw = raw_numbers(40, (3, 4, 5))
    expected = pipe.quantized(raw)
    assert expected.shape == (40, 4, 5, 3)
    module = python_host(pipe, tmp_path)
    assert np.array_equal(CHost(pipe, tmp_path).run(raw), expected)
    assert np.array_equal(module.prepare_batch(raw), expected)
    assert np.array_equal(by_python(module, raw).astype(np.int64), expected)
    by_hand = fixed.quantize(np.ldexp(pipe(raw).transpose(0, 2, 3, 1), np.array([2, -1, 0])))
    assert np.array_equal(expected, by_hand)


def test_wide_types_are_for_python(tmp_path: Path) -> None:
    pipe = chain(2).typed("fixed<100,60,RND,WRAP>")
    raw = raw_numbers(30, (2,))
    module = python_host(pipe, tmp_path)
    assert module.prepare_batch(raw).tolist() == pipe.quantized(raw).tolist() == by_python(module, raw).tolist()
    with pytest.raises(UnsupportedError, match="up to 61 bits, not fixed<100,60,RND,WRAP>; write_python takes any"):
        pipe.write_c(tmp_path / "prepare.h")


def test_nan_is_refused_everywhere(tmp_path: Path) -> None:
    pipe = chain(3).typed("fixed<16,6,RND,SAT>")
    raw = np.array([[1.0, 2.0, np.nan]])
    module = python_host(pipe, tmp_path)
    for refused in (module.prepare_batch, lambda rows: module.prepare(rows[0]), pipe.quantized, pipe):
        with pytest.raises(ValueError, match="NaN"):
            refused(raw)
    assert CHost(pipe, tmp_path).place_of_nan(raw) == 3


@pytest.mark.parametrize("name", ["raw", "clamp_64", "abs", "int", "8 bits", "größe", "value", "prepare-it", "*"])
def test_any_file_name_makes_a_header(name: str, tmp_path: Path) -> None:
    pipe, raw = chain(2).typed("fixed<16,6,RND,SAT>"), raw_numbers(20, (2,))
    assert np.array_equal(CHost(pipe, tmp_path, name=name).run(raw), pipe.quantized(raw))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    names = ("*/ #error", '"""\nimport os', "??/", "\\\n#error")
    port = InputPort("x */\n#error \\", (4,), FixedType.parse("fixed<16,6,RND,SAT>"))
    pipe = FittedPipeline((Affine((0.0,) * 4, (0.5, 0.25, 2.0, 1.0)),), 4, names, ("'", '"""'), port)
    raw = raw_numbers(10, (4,))
    module = python_host(pipe, tmp_path)
    assert (names, ("'", '"""'), port.name) == (module.NAMES, module.CLASSES, module.INPUT)
    assert np.array_equal(CHost(pipe, tmp_path).run(raw), pipe.quantized(raw))
    pipe.write_c(tmp_path / "integers.h", raw="int16")
    (tmp_path / "unit.c").write_text('#include "integers.h"\n', encoding="utf-8")
    call([compiler(), "-std=c99", *STRICT, "-c", "unit.c"], tmp_path)


def test_two_headers_stand_in_one_program(tmp_path: Path) -> None:
    for name in ("first", "second"):
        chain(2).typed("fixed<16,6,RND,SAT>").write_c(tmp_path / f"{name}.h")
    (tmp_path / "both.c").write_text('#include "first.h"\n#include "second.h"\n#include "first.h"\n', encoding="utf-8")
    call([compiler(), "-std=c99", *STRICT, "-c", "both.c"], tmp_path)
    call([compiler("g++"), "-std=c++17", "-x", "c++", *STRICT, "-c", "both.c"], tmp_path)


def test_fast_math_is_refused(tmp_path: Path) -> None:
    path = chain(2).typed("fixed<16,6,RND,SAT>").write_c(tmp_path / "prepare.h")
    for flag in ("-ffast-math", "-ffinite-math-only"):
        run = subprocess.run([compiler(), flag, "-fsyntax-only", "-x", "c", path], capture_output=True, text=True)
        assert run.returncode and "compile without -ffast-math" in run.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="about a unit of x86 that computes with 80 bits")
def test_wider_arithmetic_is_refused(tmp_path: Path) -> None:
    path = chain(2).typed("fixed<16,6,RND,SAT>").write_c(tmp_path / "prepare.h")
    run = subprocess.run([compiler(), "-mfpmath=387", "-fsyntax-only", "-x", "c", path], capture_output=True, text=True)
    assert run.returncode and "rounded twice" in run.stderr


def test_endings_and_inputs_are_checked(tmp_path: Path) -> None:
    pipe = chain(2)
    with pytest.raises(InputError, match="the input is not known; give a project or a type"):
        pipe.write_c(tmp_path / "prepare.h")
    with pytest.raises(InputError, match=r"expected the path of a header of C, which ends in \.h"):
        pipe.write_c(tmp_path / "prepare.c", "fixed<8,3>")
    with pytest.raises(InputError, match=r"a module of Python, which ends in \.py"):
        pipe.write_python(tmp_path / "prepare", "fixed<8,3>")
    assert isinstance(pipe(Data(np.ones((3, 2)))), Data)
