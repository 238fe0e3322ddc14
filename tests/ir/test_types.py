"""FixedType: spelling, ranges, and casts against the rational reference of every mode."""

from __future__ import annotations

import math
import random
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hlsgen.errors import InputError, TypeSpecError
from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.types import FixedType, Overflow, Rounding, bit_length, integers, to_float, wrap
from tests.vendor import reference


@st.composite
def types(draw: st.DrawFn, widest: int = 80) -> FixedType:
    width = draw(st.integers(1, widest))
    signed = draw(st.booleans())
    modes = [o for o in Overflow if signed or o is not Overflow.WRAP_SM]
    overflow = draw(st.sampled_from(modes))
    bits = draw(st.integers(0, width)) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else 0
    return FixedType(width, draw(st.integers(-9, width + 9)), signed, draw(st.sampled_from(Rounding)), overflow, bits)


def one(t: FixedType, mantissa: int, frac: int) -> int:
    return int(t.cast(np.array([mantissa], dtype=object), frac)[0])


def near_the_range(t: FixedType) -> st.SearchStrategy[Fraction]:
    """Quarters of steps in and around the range of ``t``, where all that a cast does happens."""
    ends = (4 * t.plain().min_mantissa, 4 * t.max_mantissa, 0)
    close = st.builds(lambda end, d: end + d, st.sampled_from(ends), st.integers(-40, 40))
    anywhere = st.integers(4 * ends[0] - 9, 4 * ends[1] + 9)
    return st.one_of(close, anywhere).map(lambda quarters: quarters * t.step / 4)


@st.composite
def casts(draw: st.DrawFn, widest: int = 80) -> tuple[FixedType, int, int]:
    """A type, and a value as mantissa and fraction bits: near the type's range, or anything."""
    t = draw(types(widest))
    if draw(st.booleans()):
        return t, draw(st.integers(-(2**70), 2**70)), draw(st.integers(-9, 70))
    frac = t.frac + 2
    return t, int(draw(near_the_range(t)) * Fraction(2) ** frac), frac


def value_of(mantissa: int, frac: int) -> Fraction:
    return mantissa * Fraction(2) ** -frac


@settings(max_examples=600)
@given(casts())
def test_cast_is_the_rational_reference(case: tuple[FixedType, int, int]) -> None:
    t, mantissa, frac = case
    assert one(t, mantissa, frac) == reference.cast_mantissa(t, mantissa, frac)


@given(casts())
def test_results_are_values_of_the_type(case: tuple[FixedType, int, int]) -> None:
    result = one(*case)
    assert case[0].plain().min_mantissa <= result <= case[0].max_mantissa


@given(casts())
def test_cast_is_idempotent(case: tuple[FixedType, int, int]) -> None:
    t = case[0]
    assert one(t, one(*case), t.frac) == one(*case)


@given(types(), st.data())
def test_saturating_casts_are_monotone(t: FixedType, data: st.DataObject) -> None:
    t = t.with_modes(t.rounding, data.draw(st.sampled_from([Overflow.SAT, Overflow.SAT_SYM])))
    low, high = sorted(data.draw(st.tuples(near_the_range(t), near_the_range(t))))
    assert cast_of(t, low) <= cast_of(t, high)


def cast_of(t: FixedType, value: Fraction) -> int:
    frac = t.frac + 2
    return one(t, int(value * Fraction(2) ** frac), frac)


# Smallest and largest result minus value, in steps; and whether that bound itself can occur.
ERRORS = {
    Rounding.TRN: lambda e, x: -1 < e <= 0,
    Rounding.TRN_ZERO: lambda e, x: -1 < e <= 0 if x >= 0 else 0 <= e < 1,
    Rounding.RND: lambda e, x: Fraction(-1, 2) < e <= Fraction(1, 2),
    Rounding.RND_MIN_INF: lambda e, x: Fraction(-1, 2) <= e < Fraction(1, 2),
    Rounding.RND_ZERO: lambda e, x: abs(e) < Fraction(1, 2) or (abs(e) == Fraction(1, 2) and (e < 0) == (x > 0)),
    Rounding.RND_INF: lambda e, x: abs(e) < Fraction(1, 2) or (abs(e) == Fraction(1, 2) and (e > 0) == (x > 0)),
    Rounding.RND_CONV: lambda e, x: abs(e) < Fraction(1, 2) or (abs(e) == Fraction(1, 2) and (x + e) % 2 == 0),
}


@settings(max_examples=400)
@given(st.sampled_from(Rounding), st.integers(-(2**40), 2**40), st.integers(0, 60))
def test_the_error_of_every_rounding_mode_is_bounded(mode: Rounding, mantissa: int, shift: int) -> None:
    t = FixedType(60, 60, True, mode)
    steps = value_of(mantissa, shift)
    assert ERRORS[mode](one(t, mantissa, shift) - steps, steps)


@given(casts())
def test_cast_rounds_then_fits(case: tuple[FixedType, int, int]) -> None:
    t, mantissa, frac = case
    exact = reference.rounded(value_of(mantissa, frac) / t.step, t.rounding)
    result = one(t, mantissa, frac)
    if t.min_mantissa <= exact <= t.max_mantissa:
        assert result == exact
    elif t.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        assert result == (t.max_mantissa if exact > 0 else t.min_mantissa)
    elif t.overflow is Overflow.SAT_ZERO:
        assert result == 0
    elif t.overflow is Overflow.WRAP and t.saturation_bits == 0:
        assert (result - exact) % 2**t.width == 0


@pytest.mark.parametrize("bits", range(61, 68))
@pytest.mark.parametrize("overflow", list(Overflow))
def test_widths_around_native_words(bits: int, overflow: Overflow) -> None:
    for saturation_bits in (0, 1, 2, bits) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else (0,):
        t = FixedType(bits, bits, True, Rounding.RND, overflow, saturation_bits)
        ends = [t.plain().min_mantissa, t.max_mantissa, 0]
        values = [2 * end + d for end in ends for d in range(-5, 6)]
        expected = [reference.cast_mantissa(t, v, 1) for v in values]
        assert t.cast(np.array(values, dtype=object), 1).tolist() == expected
        halves = [v / 2 for v in values]
        assert t.quantize(halves).tolist() == [reference.cast(t, Fraction(v)) for v in halves]


@given(types(), st.lists(st.integers(-(2**60), 2**60), max_size=20), st.integers(-9, 70))
def test_cast_of_many_is_the_cast_of_each(t: FixedType, mantissas: list[int], frac: int) -> None:
    together = t.cast(np.array(mantissas, dtype=object), frac)
    assert [int(v) for v in together] == [one(t, m, frac) for m in mantissas]
    as_int64 = t.cast(np.array(mantissas, dtype=np.int64), frac)
    assert [int(v) for v in as_int64] == [int(v) for v in together]


SHAPES = [(), (1,), (0,), (4,), (2, 3), (1, 0, 2)]


@given(types(), st.sampled_from(SHAPES), st.sampled_from([2**20, 2**61, 2**63, 2**70, 2**400]), st.data())
def test_the_shape_of_what_is_cast_does_not_matter(
    t: FixedType, shape: tuple[int, ...], largest: int, data: st.DataObject
) -> None:
    """Of numbers in no axis, NumPy makes Python's own here and there."""
    frac, size = data.draw(st.integers(-80, 80)), math.prod(shape)
    mantissas = data.draw(st.lists(st.integers(-largest, largest), min_size=size, max_size=size))
    values = np.array(mantissas, dtype=object).reshape(shape)
    cast = t.cast(values, frac)
    assert isinstance(cast, np.ndarray) and cast.shape == shape
    assert cast.ravel().tolist() == [reference.cast_mantissa(t, m, frac) for m in mantissas]
    quantized = t.quantize(t.to_float(cast))
    assert isinstance(quantized, np.ndarray) and quantized.shape == t.to_float(cast).shape == shape
    wrapped = wrap(integers(values), t.width, t.signed)
    assert isinstance(wrapped, np.ndarray) and wrapped.shape == shape
    if size == 1:
        assert t.cast(mantissas[0], frac) == cast.reshape(())


@given(st.sampled_from(SHAPES), st.sampled_from([2**20, 2**31, 2**61, 2**63, 2**70]), st.data())
def test_the_shape_of_what_is_computed_does_not_matter(
    shape: tuple[int, ...], largest: int, data: st.DataObject
) -> None:
    size, by = math.prod(shape), data.draw(st.sampled_from([0, 1, 40, 63, 64]))
    numbers = st.lists(st.integers(-largest, largest), min_size=size, max_size=size)
    x, y = data.draw(numbers), data.draw(numbers)
    a, b = (integers(np.array(v, dtype=object).reshape(shape)) for v in (x, y))
    expected = {
        "product": (exact_product(a, b), [p * q for p, q in zip(x, y, strict=True)]),
        "sum": (exact_sum(a, b), [p + q for p, q in zip(x, y, strict=True)]),
        "shift": (shifted(a, by), [p << by for p in x]),
    }
    for result, numbers in expected.values():
        assert isinstance(result, np.ndarray) and result.shape == shape
        assert result.ravel().tolist() == numbers
    assert bit_length(a) == max((abs(v).bit_length() for v in x), default=0)


@given(types(40), st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_quantize_is_the_cast_of_the_exact_value(t: FixedType, x: float) -> None:
    assume(abs(x) < 2.0**200)
    numerator, denominator = x.as_integer_ratio()
    assert int(t.quantize(x)) == one(t, numerator, denominator.bit_length() - 1)


@given(types(40), st.integers(-(2**80), 2**80), st.sampled_from([np.float32, np.float64, np.float16]))
def test_quantize_takes_every_float_exactly(t: FixedType, mantissa: int, dtype: type[np.floating]) -> None:
    x = np.array([mantissa * 2.0**-60]).astype(dtype)
    assume(np.isfinite(x).all())
    assert t.quantize(x).tolist() == [reference.cast(t, Fraction(float(x[0])))]


@given(types(80), st.integers(-(2**63), 2**64 - 1))
def test_quantize_takes_integers_exactly(t: FixedType, value: int) -> None:
    dtype = np.uint64 if value >= 2**63 else np.int64
    assert t.quantize(np.array([value], dtype=dtype)).tolist() == [reference.cast(t, Fraction(value))]


@given(types(120), st.data())
def test_to_float_is_correctly_rounded(t: FixedType, data: st.DataObject) -> None:
    mantissa = data.draw(st.integers(t.plain().min_mantissa, t.max_mantissa))
    assert t.to_float([mantissa])[0] == float(mantissa * t.step)


@given(types(53), st.data())
def test_floats_of_values_come_back(t: FixedType, data: st.DataObject) -> None:
    mantissas = data.draw(st.lists(st.integers(t.min_mantissa, t.max_mantissa), min_size=1))
    assert t.quantize(t.to_float(mantissas)).tolist() == mantissas


@given(types(64))
def test_values_of_the_type_stay(t: FixedType) -> None:
    for mantissa in (t.min_mantissa, t.max_mantissa, 0):
        assert one(t, mantissa, t.frac) == mantissa
        assert t.holds(mantissa, mantissa, t.frac)


@given(st.integers(-(2**90), 2**90), st.integers(-(2**90), 2**90), st.integers(-9, 90))
def test_covering_is_the_narrowest(a: int, b: int, frac: int) -> None:
    low, high = min(a, b), max(a, b)
    t = FixedType.covering(low, high, frac)
    assert t.holds(low, high, frac)
    assert t.signed == (low < 0)
    if t.width > 1:
        assert not FixedType(t.width - 1, t.integer - 1, t.signed).holds(low, high, frac)


@given(types(1024))
def test_spellings_are_read_back(t: FixedType) -> None:
    assert FixedType.parse(str(t)) == t
    assert FixedType.parse(t.cpp) == t


@given(types(1024), st.randoms(use_true_random=False))
def test_case_and_spaces_do_not_matter(t: FixedType, rng: random.Random) -> None:
    spelt = re.sub(
        r"([<,>])", lambda m: rng.choice(["", " ", "\t"]) + m[1] + rng.choice(["", "  "]), rng.choice([str(t), t.cpp])
    )
    assert FixedType.parse(rng.choice([str.upper, str.lower, str.title, str])(spelt)) == t


@pytest.mark.parametrize(
    ("text", "printed", "cpp"),
    [
        ("ap_fixed<16,6,AP_RND,AP_SAT>", "fixed<16,6,RND,SAT>", "ap_fixed<16,6,AP_RND,AP_SAT>"),
        ("fixed<16,6,RND,SAT>", "fixed<16,6,RND,SAT>", "ap_fixed<16,6,AP_RND,AP_SAT>"),
        ("ap_fixed<16,6,RND>", "fixed<16,6,RND,WRAP>", "ap_fixed<16,6,AP_RND,AP_WRAP>"),
        ("fixed<16,6,AP_TRN,AP_WRAP,0>", "fixed<16,6>", "ap_fixed<16,6>"),
        ("ufixed<8,0>", "ufixed<8,0>", "ap_ufixed<8,0>"),
        ("ap_ufixed<8,-3>", "ufixed<8,-3>", "ap_ufixed<8,-3>"),
        ("fixed<4,+9>", "fixed<4,9>", "ap_fixed<4,9>"),
        ("int<4>", "fixed<4,4>", "ap_fixed<4,4>"),
        ("uint<4>", "ufixed<4,4>", "ap_ufixed<4,4>"),
        ("ap_int<1>", "fixed<1,1>", "ap_fixed<1,1>"),
        ("ap_uint<32>", "ufixed<32,32>", "ap_ufixed<32,32>"),
        (" AP_FIXED < 16 , 6 , ap_rnd_conv , Sat_Sym > ", "fixed<16,6,RND_CONV,SAT_SYM>", None),
        ("Fixed<16,6,TRN,WRAP,3>", "fixed<16,6,TRN,WRAP,3>", "ap_fixed<16,6,AP_TRN,AP_WRAP,3>"),
        ("fixed<16,6,RND_MIN_INF,WRAP_SM,1>", "fixed<16,6,RND_MIN_INF,WRAP_SM,1>", None),
        ("fixed<16,6,TRN_ZERO,SAT_ZERO,0>", "fixed<16,6,TRN_ZERO,SAT_ZERO>", None),
    ],
)
def test_spellings(text: str, printed: str, cpp: str | None) -> None:
    t = FixedType.parse(text)
    assert str(t) == printed
    assert FixedType.parse(t) is t
    assert t.cpp == (cpp or t.cpp)
    assert FixedType.parse(t.cpp) == FixedType.parse(printed) == t


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        # +-2.5 and +-1.5 to integers: the table of UG1399 for every rounding mode.
        ("fixed<8,8,TRN,SAT>", "2.5 -2.5 1.5 -1.5", "2 -3 1 -2"),
        ("fixed<8,8,TRN_ZERO,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 1 -1"),
        ("fixed<8,8,RND,SAT>", "2.5 -2.5 1.5 -1.5", "3 -2 2 -1"),
        ("fixed<8,8,RND_ZERO,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 1 -1"),
        ("fixed<8,8,RND_INF,SAT>", "2.5 -2.5 1.5 -1.5", "3 -3 2 -2"),
        ("fixed<8,8,RND_MIN_INF,SAT>", "2.5 -2.5 1.5 -1.5", "2 -3 1 -2"),
        ("fixed<8,8,RND_CONV,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 2 -2"),
        # Overflow of four bits.
        ("fixed<4,4,TRN,SAT>", "7 8 -8 -9", "7 7 -8 -8"),
        ("fixed<4,4,TRN,SAT_SYM>", "7 8 -8 -9", "7 7 -7 -7"),
        ("ufixed<4,4,TRN,SAT_SYM>", "15 16 -1", "15 15 0"),
        ("fixed<4,4,TRN,SAT_ZERO>", "7 8 -8 -9", "7 0 -8 0"),
        ("fixed<4,4>", "7 8 -8 -9 23", "7 -8 -8 7 7"),
        ("ufixed<4,4>", "15 16 -1", "15 0 15"),
        # Saturation bits keep the sign and saturate the upper bits, the others wrap.
        ("fixed<4,4,TRN,WRAP,1>", "8 9 15 -9 -16", "0 1 7 -1 -8"),
        ("fixed<4,4,TRN,WRAP,2>", "8 11 -9 -16", "4 7 -5 -8"),
        ("fixed<4,4,TRN,WRAP,4>", "8 100 -9 -100", "7 7 -8 -8"),
        ("ufixed<4,4,TRN,WRAP,2>", "16 19 -1 -16", "12 15 15 12"),
        # Sign-magnitude wrap: mirrored, not cyclic.
        ("fixed<4,4,TRN,WRAP_SM>", "7 8 9 15 16 17", "7 7 6 0 -1 -2"),
        ("fixed<4,4,TRN,WRAP_SM,1>", "8 9 16 -9 -17", "7 6 0 -8 -1"),
        ("fixed<1,1,TRN,SAT_SYM>", "1 -1", "0 -1"),
    ],
)
def test_known_casts(target: str, value: str, expected: str) -> None:
    t = FixedType.parse(target)
    assert [int(v) for v in t.quantize([float(v) for v in value.split()])] == [int(v) for v in expected.split()]


def test_quantize_of_infinities_saturates_whatever_the_mode() -> None:
    for text in ("fixed<8,3>", "ufixed<8,3>", "fixed<8,3,TRN,SAT_ZERO>", "fixed<70,3>"):
        t = FixedType.parse(text)
        assert [int(v) for v in t.quantize([np.inf, -np.inf])] == [t.max_mantissa, t.min_mantissa]


def test_quantize_refuses_nan() -> None:
    with pytest.raises(InputError, match="NaN"):
        FixedType(8, 3).quantize([0.0, np.nan])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("float", "not a fixed-point type"),
        ("fixed<8>", "takes 2 to 5 arguments, found 1"),
        ("int<8,2>", "takes 1 argument, found 2"),
        ("fixed<16,6,>", "argument 3 is empty"),
        ("fixed<,6>", "argument 1 is empty"),
        ("int<>", "argument 1 is empty"),
        ("fixed<16,6,RND,SAT,0,0>", "takes 2 to 5 arguments, found 6"),
        ("fixed<16,6", "not a fixed-point type"),
        ("fixed<16,6>>", "not a fixed-point type"),
        ("fixed<16,6> x", "not a fixed-point type"),
        ("sfixed<16,6>", "not a fixed-point type"),
        ("", "not a fixed-point type"),
        ("fixed<8.0,3>", "width '8.0' is not a whole number"),
        ("fixed<8,0x3>", "integer bits '0x3' is not a whole number"),
        ("fixed<" + "9" * 5000 + ",3>", "not a whole number of at most nine digits"),
        ("fixed<1025,3>", "width 1025 is not between"),
        ("fixed<-3,3>", "width -3 is not between"),
        ("fixed<8,3,SAT,RND>", "no rounding mode 'SAT'"),
        ("fixed<8,3,RND,WRAPP>", "did you mean 'WRAP'"),
        ("fixed<8,3,RND,WRAP,-1>", "do not fit width 8"),
        ("fixed<0,0>", "width 0"),
        ("fixed<8,x>", "not a whole number"),
        ("fixed<8,3,ROUND>", "did you mean|valid"),
        ("fixed<8,3,RND,SAT,2>", "saturation bits need WRAP"),
        ("fixed<8,3,RND,WRAP,9>", "do not fit width 8"),
        ("ufixed<8,3,RND,WRAP_SM>", "signed types only"),
        ("fixed<8,5000>", "integer bits"),
    ],
)
def test_misspelt_types_are_refused(text: str, reason: str) -> None:
    with pytest.raises(TypeSpecError, match=reason):
        FixedType.parse(text)


def test_ranges() -> None:
    t = FixedType.parse("ap_fixed<8,3,AP_RND,AP_SAT>")
    assert (t.frac, t.min, t.max, t.step) == (5, Fraction(-4), Fraction(127, 32), Fraction(1, 32))
    assert FixedType.parse("ufixed<4,6>").max == 60
    assert FixedType.parse("fixed<8,3,TRN,SAT_SYM>").min_mantissa == -127
    assert t.plain() == FixedType(8, 3)
    assert t.with_modes(Rounding.TRN, Overflow.WRAP) == FixedType(8, 3)


def test_integers_choose_their_storage() -> None:
    assert integers([1, 2]).dtype == np.int64
    assert integers(np.array([2**63], dtype=np.uint64)).dtype == object
    assert integers(np.array([2**80, 1], dtype=object)).dtype == object
    assert bit_length(integers([])) == 0
    assert wrap(integers([200, -1]), 8, signed=True).tolist() == [-56, -1]
    assert to_float([3, -5], 1).tolist() == [1.5, -2.5]
