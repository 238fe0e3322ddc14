"""The vocabulary of kernels: synthesis text with the vendor's headers, plain and optimised emulation, and Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hlsgen.ir.types import FixedType, wrap
from tests.vendor.differential import Case, base, check

parse = FixedType.parse
SAMPLES = 19  # not a multiple of any number of lanes

# input, weight, bias, sum, n_in, n_out, reuse factor: every path of the optimised matvec.
LAYERS = [
    ("fixed<16,6>", "fixed<16,2>", "fixed<16,2>", "fixed<32,8>", 6, 5, 3),  # sums that fit are made by small weights
    ("fixed<16,6>", "fixed<16,2>", "fixed<16,2>", "fixed<40,16>", 7, 5, 7),
    ("fixed<16,6>", "fixed<16,2>", "fixed<12,2>", "fixed<42,16>", 8, 11, 4),
    ("fixed<12,6>", "fixed<9,2>", "fixed<16,2>", "fixed<34,19>", 33, 3, 11),
    ("fixed<8,3>", "fixed<8,1>", "fixed<8,1>", "fixed<24,12>", 16, 10, 16 * 5),
    ("ufixed<8,0>", "fixed<6,1>", "fixed<9,3>", "fixed<22,9>", 9, 4, 9),
    ("ufixed<16,4>", "fixed<8,1>", "fixed<8,1>", "fixed<32,13>", 8, 3, 8),
    ("ufixed<16,4>", "fixed<16,1>", "fixed<8,1>", "fixed<40,13>", 8, 3, 24),
    ("fixed<24,6>", "fixed<18,2>", "fixed<16,2>", "fixed<52,18>", 6, 9, 2),
    ("fixed<40,6>", "fixed<18,2>", "fixed<16,2>", "fixed<64,14>", 5, 3, 5),
    ("fixed<40,6>", "fixed<28,2>", "fixed<30,2>", "fixed<76,16>", 4, 2, 4),
    ("fixed<14,6>", "ufixed<16,2>", "ufixed<5,2>", "fixed<36,14>", 4, 6, 12),
    ("ufixed<7,6>", "ufixed<9,2>", "ufixed<5,2>", "ufixed<20,12>", 4, 6, 2),
    ("ufixed<16,6>", "ufixed<16,2>", "ufixed<16,2>", "ufixed<36,12>", 3, 2, 1),
    ("fixed<1,1>", "fixed<2,2>", "fixed<4,4>", "fixed<9,9>", 17, 3, 17),
]


def draw(t: FixedType, rng: random.Random) -> int:
    if rng.random() < 0.3:
        return rng.choice([t.min_mantissa, t.max_mantissa])
    return rng.randint(t.min_mantissa, t.max_mantissa)


def draw_samples(t: FixedType, n: int, rng: random.Random) -> list[int]:
    """Samples of ``n`` values of every size: random, all at one end, small, half the range."""
    samples = [[draw(t, rng) for _ in range(n)] for _ in range(SAMPLES)]
    samples += [[t.min_mantissa] * n for _ in range(SAMPLES)] + [[t.max_mantissa] * n for _ in range(SAMPLES)]
    for divisor in (2, 7, 1000):
        samples += [[int(v / divisor) for v in sample] for sample in samples[:SAMPLES]]
    return [v for sample in samples for v in sample]


@dataclass(frozen=True)
class Product:
    """A layer of random types and sizes whose sums need every bit of sum_t."""

    types: tuple[FixedType, FixedType, FixedType, FixedType]
    """Of inputs, weights, biases and sums."""
    n_in: int
    n_out: int
    x: list[int]
    constants: list[int]
    sums: list[int]

    @property
    def sum(self) -> FixedType:
        return self.types[-1]

    @property
    def text(self) -> str:
        return f"layer<{', '.join(map(base, self.types))}, {self.n_in}, {self.n_out}, 1, false>"


def random_product(rng: random.Random, widths: Sequence[int] = (2, 5, 7, 8, 9, 12, 15, 16, 16, 16)) -> Product:
    """Inputs of every magnitude; ``widths``: of inputs."""
    x_t = parse(f"{rng.choice(['fixed', 'ufixed'])}<{rng.choice(widths)},3>")
    w_t = parse(f"{rng.choice(['fixed', 'fixed', 'ufixed'])}<{rng.choice([2, 4, 7, 8, 9, 15, 16, 16])},1>")
    b_t = parse(f"fixed<{rng.choice([3, 11, 16])},4>")
    n_in, n_out = rng.choice([1, 2, 3, 4, 5, 7, 18, 33, 64, 129]), rng.choice([1, 2, 3, 5, 8, 9, 13, 16])
    size = rng.choice([1, 1, 1, 30])
    w = [int(draw(w_t, rng) / size) for _ in range(n_in * n_out)]
    if rng.random() < 0.3:
        w[:n_in] = [w_t.min_mantissa] * n_in
    b = [draw(b_t, rng) for _ in range(n_out)]
    frac = max(x_t.frac + w_t.frac, b_t.frac) + rng.choice([0, 0, 2])

    def total(j: int, values: Sequence[int]) -> int:
        products = sum(v * u for v, u in zip(values, w[j * n_in : (j + 1) * n_in], strict=True))
        return (products << (frac - x_t.frac - w_t.frac)) + (b[j] << (frac - b_t.frac))

    def end(j: int, low: bool) -> int:
        row = w[j * n_in : (j + 1) * n_in]
        return total(j, [x_t.min_mantissa if (v < 0) != low else x_t.max_mantissa for v in row])

    bits = max(max(end(j, False).bit_length(), (-1 - end(j, True)).bit_length()) for j in range(n_out)) + 1
    x = draw_samples(x_t, n_in, rng)
    sums = [total(j, x[i : i + n_in]) for i in range(0, len(x), n_in) for j in range(n_out)]
    return Product((x_t, w_t, b_t, parse(f"fixed<{bits},{bits - frac}>")), n_in, n_out, x, w + b, sums)


def random_layer(rng: random.Random) -> tuple[str, Case]:
    """A layer's sums, and its name of a path."""
    made = random_product(rng)
    name = f"{'wide' if made.sum.width > 32 else 'narrow'} {min(made.types[0].width, 9)}"
    return name, Case(f"products<{made.text}>", made.x, made.constants, expected=made.sums)


MODES = [
    "RND,SAT", "RND,SAT", "TRN,WRAP", "RND_CONV,SAT", "RND_CONV,WRAP", "RND_ZERO,SAT_SYM", "RND_INF,SAT_ZERO",
    "RND_MIN_INF,SAT", "TRN_ZERO,WRAP_SM", "TRN,SAT",
]  # fmt: skip


def result_case(number: int) -> Case:
    """Results of wide sums: those that drop many bits of them, few, or none; one in five with a narrow accumulator.

    Some sums are ties, and one step beside: a sum that is held without its lowest bits must not lose which.
    """
    rng = random.Random(f"results {number}")
    made = random_product(rng, [14, 15, 16, 16, 16])
    while made.sum.width <= 32:
        made = random_product(rng, [14, 15, 16, 16, 16])
    full, modes = made.sum, MODES[number % len(MODES)]
    dropped = rng.choice([0, 1, 3, 5, 8, 12, 16, 17, 20, 24])
    integer = full.integer - rng.choice([0, 1, 2, 4])
    signed = modes.endswith("WRAP_SM") or rng.random() < 0.7
    kind, width = "fixed" if signed else "ufixed", max(2, integer + full.frac - dropped)
    result = parse(f"{kind}<{width},{width - full.frac + dropped},{modes}>")
    accum = full if number % 5 else parse(f"fixed<{full.width - 3},{full.integer - 1},TRN,SAT>")
    x, sums = list(made.x), list(made.sums)
    expected = [int(v) for v in result.cast(accum.cast(np.array(sums, dtype=object), full.frac), accum.frac)]
    text = f"results<casting<{made.text}, {accum.cpp}, {result.cpp}>>"
    return Case(text, x, made.constants, expected=expected)


def random_layers(count: int) -> list[Case]:
    """Some layers, among them sums of more than 32 bits and inputs of at most 8."""
    rng = random.Random(2024)
    named = [random_layer(rng) for _ in range(count)]
    assert {"wide 9", "narrow 9", "narrow 8", "narrow 5"} <= {name for name, _ in named}
    return [case for _, case in named]


def dense_case(index: int, *, resource: bool) -> Case:
    """Random data; weights are halved until the proved range of every sum fits sum_t, as the compiler ensures."""
    *names, n_in, n_out, reuse = LAYERS[index]
    x_t, w_t, b_t, s_t = map(parse, names)
    rng = random.Random(index)
    w = [draw(w_t, rng) for _ in range(n_in * n_out)]
    b = [draw(b_t, rng) for _ in range(n_out)]
    x = [draw(x_t, rng) for _ in range(n_in * SAMPLES)]

    def total(j: int, values: list[int]) -> int:
        products = sum(v * w[j * n_in + i] for i, v in enumerate(values))
        return (products << (s_t.frac - x_t.frac - w_t.frac)) + (b[j] << (s_t.frac - b_t.frac))

    def fits(j: int) -> bool:
        row = w[j * n_in : (j + 1) * n_in]
        ends = [[x_t.min_mantissa if (v < 0) != low else x_t.max_mantissa for v in row] for low in (False, True)]
        return all(s_t.min_mantissa <= total(j, e) <= s_t.max_mantissa for e in ends)

    for j in range(n_out):
        while not fits(j):
            w[j * n_in : (j + 1) * n_in] = [v // 2 if v > 0 else -(-v // 2) for v in w[j * n_in : (j + 1) * n_in]]
    expected = [total(j, x[s * n_in : (s + 1) * n_in]) for s in range(SAMPLES) for j in range(n_out)]
    types = ", ".join(base(t) for t in (x_t, w_t, b_t, s_t))
    text = f"products<layer<{types}, {n_in}, {n_out}, {reuse}, {str(resource).lower()}>>"
    return Case(text, x, w + b, expected=expected)


def lookup_case(x_type: str, r_type: str, seed: int) -> Case:
    rng = random.Random(seed)
    x_t, r_t = parse(x_type), parse(r_type)
    table = [draw(r_t, rng) for _ in range(1 << x_t.width)]
    x = [draw(x_t, rng) for _ in range(50)]
    return Case(f"entries<{base(x_t)}, {base(r_t)}>", x, table, expected=[table[v % (1 << x_t.width)] for v in x])


def slice_case(x_type: str, part_type: str, low: int) -> Case:
    rng = random.Random(low)
    x_t, part_t = parse(x_type), parse(part_type)
    x = [x_t.min_mantissa, x_t.max_mantissa, 0, *(draw(x_t, rng) for _ in range(50))]
    expected = [int(wrap(np.array(v >> low, dtype=object), part_t.width, part_t.signed)) for v in x]
    return Case(f"slices<{base(x_t)}, {base(part_t)}, {low}>", x, expected=expected)


def larger_case(x_type: str, acc_type: str, seed: int) -> Case:
    rng = random.Random(seed)
    x_t, acc_t = parse(x_type), parse(acc_type)
    x, y = [draw(x_t, rng) for _ in range(50)], [draw(x_t, rng) for _ in range(50)]
    expected = [2 * max(p) << (acc_t.frac - x_t.frac) for p in zip(x, y, strict=True)]
    return Case(f"larger<{base(x_t)}, {base(acc_t)}>", x, y, expected=expected)


def threshold_case(x_type: str) -> Case:
    t = parse(x_type)
    rng = random.Random(x_type)
    near = [int(Fraction(c) / t.step) + d for c in (-2, -1, 0, 1, 3) for d in (-1, 0, 1)]
    x = [v for v in near if t.min_mantissa <= v <= t.max_mantissa] + [draw(t, rng) for _ in range(20)]

    def bits(v: Fraction) -> int:
        return sum(answer << i for i, answer in enumerate((v > 0, v <= -1, v >= 1, v < 3, v == 1, v != -2)))

    expected = [bits(v * t.step) for v in x]
    return Case(f"thresholds<{base(t)}>", x, expected=expected, vendor=t.signed)


@pytest.mark.parametrize("swap", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_matvec_agrees(tmp_path: Path, swap: bool) -> None:
    """Both strategies, with the vendor's headers and in the optimised emulation."""
    cases = [dense_case(i, resource=swap == bool(i % 2)) for i in range(len(LAYERS))]
    assert check(cases, tmp_path, header="kernels.h") > 0


def test_random_products(tmp_path: Path) -> None:
    """Inputs of every magnitude: the emulation chooses its loops by the data."""
    assert check(random_layers(30), tmp_path, header="kernels.h", with_vendor=False) > 0


@pytest.mark.parametrize("arch", ["haswell", "x86-64"])
def test_random_products_on_older_processors(tmp_path: Path, arch: str) -> None:
    check(random_layers(30), tmp_path, header="kernels.h", options=[f"-march={arch}"], with_vendor=False)


def test_results_of_wide_sums(tmp_path: Path) -> None:
    """A sum that is held without its lowest bits rounds and saturates as the whole would, with the vendor's headers."""
    assert check([result_case(number) for number in range(40)], tmp_path, header="kernels.h") > 0


@pytest.mark.parametrize("arch", ["haswell", "x86-64"])
def test_results_of_wide_sums_on_older_processors(tmp_path: Path, arch: str) -> None:
    cases = [result_case(number) for number in range(20)]
    check(cases, tmp_path, header="kernels.h", options=[f"-march={arch}"], with_vendor=False)


def test_random_products_of_the_plain_text(tmp_path: Path) -> None:
    check(random_layers(30), tmp_path, header="kernels.h", options=["-DHLSGEN_PLAIN_MATVEC"], with_vendor=False)


@dataclass(frozen=True)
class Stored:
    """A coefficient in the words of a piece: from which bit of which word on."""

    type: FixedType
    word: int
    bit: int

    def of(self, words: Sequence[int]) -> int:
        bits = words[self.word] >> self.bit & (1 << self.type.width) - 1
        return bits - (1 << self.type.width if bits > self.type.max_mantissa else 0)

    @property
    def text(self) -> str:
        return f"stored<{base(self.type)},{self.word},{self.bit}>"


def stored_side_by_side(width: int, number: int, rng: random.Random) -> list[Stored]:
    """Coefficients of random types in as few words of ``width`` bits as their order allows."""
    found: list[Stored] = []
    word = used = 0
    for _ in range(number):
        bits = rng.randint(1, min(width, 26))
        if used + bits > width:
            word, used = word + 1, 0
        found.append(Stored(FixedType(bits, rng.randint(-8, bits), rng.random() < 0.6), word, used))
        used += bits
    return found


def polynomial_case(number: int) -> Case:
    """A polynomial of random coefficients at random places."""
    rng = random.Random(f"polynomial {number}")
    width, offset = rng.choice([12, 24, 32, 48, 64]), FixedType(rng.randint(1, 14), 0, False)
    stored = stored_side_by_side(width, 1 + number % 4, rng)
    place, packed = FixedType(offset.width + 9, offset.width + 9, False), FixedType(width, 0, rng.random() < 0.5)
    words = stored[-1].word + 1
    x = draw_samples(packed, words, rng)
    samples = [x[i : i + words] for i in range(0, len(x), words)]
    y = [draw(place, rng) for _ in samples]
    frac, expected = stored[-1].type.frac, [stored[-1].of(sample) for sample in samples]
    for one in stored[-2::-1]:
        product, frac = frac + offset.width, max(one.type.frac, frac + offset.width)
        for s, sample in enumerate(samples):
            later = expected[s] * (y[s] % (1 << offset.width))
            expected[s] = (later << frac - product) + (one.of(sample) << frac - one.type.frac)
    texts = [one.text for one in stored] + [stored[0].text] * (4 - len(stored))
    types = ", ".join([base(packed), base(place), base(offset), str(words), str(len(stored) - 1), *texts])
    return Case(f"polynomials<piece<{types}>>", x, y, expected=expected)


POLYNOMIALS = [polynomial_case(number) for number in range(40)]


def test_polynomials_of_pieces(tmp_path: Path) -> None:
    """Coefficients cut out of words and added up: in words of 32 bits where they fit, as the vendor's types would."""
    assert check(POLYNOMIALS, tmp_path, header="kernels.h") > 0


@pytest.mark.parametrize("option", ["-march=haswell", "-march=x86-64", "-DHLSGEN_PLAIN_MATVEC"])
def test_polynomials_of_pieces_otherwise(tmp_path: Path, option: str) -> None:
    check(POLYNOMIALS, tmp_path, header="kernels.h", options=[option], with_vendor=False)


@pytest.mark.parametrize("types", ["fixed<16,6>", "fixed<8,3>", "ufixed<16,6>"])
def test_weights_at_a_reused_address(tmp_path: Path, types: str) -> None:
    """What is prepared for one instance's weights must not serve the next one's."""
    rng = random.Random(types)
    x_t, w_t, b_t, s_t = parse(types), parse("fixed<8,1>"), parse("fixed<9,2>"), parse("fixed<40,20>")
    n_in, n_out, sets = 6, 3, 4
    x = [draw(x_t, rng) for _ in range(n_in * SAMPLES)]
    constants, expected = [], []
    for _ in range(sets):
        w = [draw(w_t, rng) for _ in range(n_in * n_out)]
        b = [draw(b_t, rng) for _ in range(n_out)]
        constants += w + b
        for i in range(0, len(x), n_in):
            for j in range(n_out):
                products = sum(v * u for v, u in zip(x[i : i + n_in], w[j * n_in : (j + 1) * n_in], strict=True))
                expected.append((products << (s_t.frac - x_t.frac - w_t.frac)) + (b[j] << (s_t.frac - b_t.frac)))
    layer = f"layer<{', '.join(base(t) for t in (x_t, w_t, b_t, s_t))}, {n_in}, {n_out}, 1, false>"
    check([Case(f"successors<{layer}>", x, constants, expected=expected)], tmp_path, header="kernels.h")


def test_plain_matvec_agrees(tmp_path: Path) -> None:
    cases = [dense_case(i, resource=resource) for i in range(len(LAYERS)) for resource in (False, True)]
    check(cases, tmp_path, header="kernels.h", options=["-DHLSGEN_PLAIN_MATVEC"], with_vendor=False)


@pytest.mark.parametrize("arch", ["x86-64", "haswell", "x86-64 -DHLSGEN_LANES=8", "haswell -DHLSGEN_LANES=16"])
def test_matvec_agrees_on_older_processors(tmp_path: Path, arch: str) -> None:
    name, *more = arch.split()
    cases = [dense_case(i, resource=False) for i in range(len(LAYERS))]
    check(cases, tmp_path, header="kernels.h", options=[f"-march={name}", *more], with_vendor=False)


def test_vocabulary_agrees(tmp_path: Path) -> None:
    cases = [
        lookup_case("fixed<8,3>", "ufixed<16,0>", 1),
        lookup_case("ufixed<10,3>", "fixed<18,2>", 2),
        lookup_case("fixed<5,9>", "fixed<40,2>", 3),
        slice_case("fixed<16,3>", "ufixed<16,16>", 0),
        slice_case("fixed<31,0>", "fixed<17,2>", 14),
        slice_case("ufixed<32,20>", "fixed<5,9>", 27),
        slice_case("fixed<64,0>", "ufixed<33,1>", 31),
        slice_case("ufixed<17,17>", "ufixed<4,0>", 1),
        slice_case("fixed<90,9>", "fixed<60,2>", 30),
        slice_case("fixed<64,0>", "fixed<12,2>", 3),
        larger_case("fixed<16,6>", "fixed<24,10>", 4),
        larger_case("ufixed<16,6>", "fixed<40,10>", 5),
        larger_case("fixed<33,6>", "fixed<70,10>", 6),
        *map(
            threshold_case, ["fixed<16,6>", "ufixed<8,3>", "fixed<4,1>", "fixed<6,8>", "ufixed<16,16>", "fixed<40,9>"]
        ),
    ]
    assert check(cases, tmp_path, header="kernels.h") > 0
