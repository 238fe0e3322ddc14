"""Pipelines without floating point: every raw number of 8 and 16 bits gives the integer of the pipeline in float64."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import numpy as np
import pytest

from hlsgen.data import FittedPipeline
from hlsgen.data.integer_form import RAW, integer_form
from hlsgen.data.operations import Affine, Clamp, Logarithm
from hlsgen.data.ports import InputPort
from hlsgen.errors import InputError, UnsupportedError
from hlsgen.exports.c.numbers import of_type, storage
from hlsgen.ir.types import FixedType, Ints
from tests.exports.c_library import C99, call, compiler

SCALED = FittedPipeline(
    (
        Affine((1000.25, -3.5, 0.0), (1 / 129.7, -0.0625, 1 / 3)),
        Clamp((-7.0,), (6.3,)),
        Affine((0.1, 0.0, 0.0), (1.0, 0.5, 1e-2)),
    ),
    3,
)


_LIBRARIES = itertools.count()


def every(raw: str) -> np.ndarray:
    """All raw numbers of a type, the same for each of three features."""
    limits = np.iinfo(raw)
    return np.repeat(np.arange(limits.min, int(limits.max) + 1, dtype=raw)[:, None], 3, axis=1)


def by_c(pipe: FittedPipeline, raw: np.ndarray, folder: Path) -> Ints:
    """What the header makes of raw integers, sample by sample."""
    assert pipe.port is not None
    name, kept = str(raw.dtype), str(storage(of_type(pipe.port.type)))
    pipe.write_c(folder / "prepare.h", raw=name)
    assert "double" not in (folder / "prepare.h").read_text()
    many = f"""#include "prepare.h"
void run(const {name}_t *raw, {kept} *held, int32_t samples);
void run(const {name}_t *raw, {kept} *held, int32_t samples)
{{
    for (int32_t s = 0; s < samples; ++s) prepare(raw + s * PREPARE_NUMBERS, held + s * PREPARE_NUMBERS);
}}
"""
    (folder / "host.c").write_text(many, encoding="utf-8")
    flags = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-shared", "-fPIC")
    library = folder / f"host{next(_LIBRARIES)}.so"  # of one name, a process loads the first one again
    call([compiler(), *C99, *flags, "host.c", "-o", library.name], folder)
    given = np.ascontiguousarray(raw.reshape(len(raw), -1))
    held = np.zeros(given.shape, dtype=kept.removesuffix("_t"))
    pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (given, held))
    ctypes.CDLL(str(library)).run(*pointers, len(given))
    return held.reshape(len(held), *pipe.port.shape)


@pytest.mark.parametrize("raw", RAW)
@pytest.mark.parametrize("spelt", ["fixed<16,6,RND,SAT>", "fixed<8,4,TRN,SAT_SYM>", "ufixed<12,3,RND_MIN_INF,SAT>"])
def test_every_raw_number(raw: str, spelt: str, tmp_path: Path) -> None:
    pipe = SCALED.typed(spelt)
    assert np.array_equal(by_c(pipe, every(raw), tmp_path), pipe.quantized(every(raw)))


def test_powers_of_two_have_ties(tmp_path: Path) -> None:
    """Of steps of a half, every second raw number lies between two mantissas."""
    pipe = FittedPipeline((Affine((0.5, -0.5, 0.0), (0.5, 0.25, -0.5)),), 3).typed("fixed<16,14,RND,SAT>")
    assert np.array_equal(by_c(pipe, every("int16"), tmp_path), pipe.quantized(every("int16")))


def test_orders_and_exponents(tmp_path: Path) -> None:
    fixed = FixedType.parse("fixed<10,4,RND,SAT>")
    turned = SCALED.typed(InputPort("image", (2, 3, 4), fixed, order=(1, 2, 0)))
    raw = np.random.default_rng(1).integers(-(2**15), 2**15, (200, 4, 2, 3)).astype(np.int16)
    assert np.array_equal(by_c(turned, raw, tmp_path), turned.quantized(raw))
    scaled = SCALED.typed(InputPort("x", (3,), fixed, exponents=(3, -2, 0)))
    assert np.array_equal(by_c(scaled, every("int16"), tmp_path), scaled.quantized(every("int16")))
    both = SCALED.typed(InputPort("image", (2, 4, 3), fixed, (3, -2, 0), (0, 1, 2)))
    with pytest.raises(UnsupportedError, match="where axes are moved and features are held times powers of two"):
        both.write_c(tmp_path / "prepare.h", raw="int16")


def test_few_places_need_short_words() -> None:
    identity = FittedPipeline((), 1)
    form = integer_form(identity, identity.typed("fixed<8,8,RND,SAT>").port, "int16")
    assert (form.places, form.word, form.constants["multiplier"]) == (0, 32, (1,))
    assert integer_form(SCALED, SCALED.typed("fixed<16,6,RND,SAT>").port, "int16").word == 64


def test_what_is_no_line_is_refused(tmp_path: Path) -> None:
    logarithm = FittedPipeline((Logarithm((1.0,)),), 1, ("pt",))
    for pipe, spelt in (
        (logarithm, "fixed<16,6,RND,SAT>"),
        (SCALED, "fixed<8,2,RND,WRAP>"),
        (SCALED, "fixed<8,4,TRN_ZERO,SAT>"),
    ):
        with pytest.raises(UnsupportedError, match="cannot be made .* by one multiplication, addition and shift"):
            pipe.write_c(tmp_path / "prepare.h", spelt, raw="int16")
    with pytest.raises(InputError, match="raw is 'int32', expected one of int8, uint8, int16, uint16"):
        SCALED.write_c(tmp_path / "prepare.h", "fixed<8,4,RND,SAT>", raw="int32")
    assert not (tmp_path / "prepare.h").exists()
