"""What is counted before anything is fitted: digits, products, DSPs, blocks of memory, names of devices."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlsgen.backends.boards import BOARDS
from hlsgen.estimation.devices import FAMILIES, TABLE, family_of, part_named, parts
from hlsgen.estimation.digits import signed_digits
from hlsgen.estimation.memory import SHAPES, blocks, fifo, rows, table
from hlsgen.estimation.terms import Terms


def digits_by_rule(value: int) -> int:
    """The digits of the canonical form, one after the other from the lowest."""
    value, count = abs(value), 0
    while value:
        if value & 1:
            value -= 2 - (value & 3)
            count += 1
        value >>= 1
    return count


def test_digits_of_every_number_of_twelve_bits():
    values = np.arange(-2048, 2048)
    assert signed_digits(values).tolist() == [digits_by_rule(int(v)) for v in values]


@pytest.mark.parametrize("value", [0, 1, -1, 2**61 - 1, 2**62, -(2**63) + 1, 3 * 2**60])
def test_digits_of_large_numbers(value):
    assert signed_digits(np.array([[value]])).tolist() == [[digits_by_rule(value)]]


@given(st.lists(st.integers(-(2**200), 2**200), min_size=1, max_size=5))
def test_digits_of_numbers_of_any_size(values):
    assert signed_digits(np.array(values, dtype=object)).tolist() == [digits_by_rule(v) for v in values]


def test_terms_of_a_matrix():
    """Input 0: 5 twice (a shifted product once), 8 (a wire). Input 1: -4 (an addition), 0, 11 (three digits). Input 2: unread."""
    matrix = np.array([[5, 5, 8, 0], [-4, 0, 11, 0], [0, 0, 0, 0]])
    terms = Terms.of(matrix, np.array([1, 0, 0, 7]))
    assert (terms.wires, terms.shifted, terms.hard) == (1, 2, 1)
    assert terms.adders == 2 + 0 + 1, "products and a bias; the last output is a constant"
    assert (terms.inputs, terms.outputs, terms.sums, terms.deepest) == (2, 3, 2, 3)
    assert terms.shifted_bits == (3 + 1) + (2 + 1)
    assert terms.hard_bits == 4 + 1


def test_terms_of_factors_are_those_of_a_diagonal():
    rng = np.random.default_rng(0)
    factors, bias = rng.integers(-40, 40, 300), rng.integers(-1, 2, 300)
    factors[:20] = 0
    assert Terms.of_each(factors, bias) == Terms.of(np.diag(factors), bias)
    assert Terms.of_each(np.zeros(3, dtype=np.int64), np.ones(3, dtype=np.int64)).outputs == 0


def test_terms_of_zeros():
    terms = Terms.of(np.zeros((3, 2), dtype=np.int64), np.ones(2, dtype=np.int64))
    assert terms == Terms(0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert terms.mean_adder_bits(8, 16) == 8


def test_terms_of_wide_words():
    wide = np.array([[2**100 + 2**50 + 1, -(2**90)]], dtype=object)
    terms = Terms.of(wide, np.zeros(2, dtype=np.int64))
    assert (terms.hard, terms.shifted) == (1, 1)


def test_adders_get_wider_by_level():
    terms = Terms.of(np.ones((8, 1), dtype=np.int64), np.zeros(1, dtype=np.int64))
    assert terms.term_bits == 1, "a wire and its sign"
    assert terms.mean_adder_bits(8, 100) == (4 * 10 + 2 * 11 + 12) / 7
    assert terms.mean_adder_bits(8, 11) == (4 * 10 + 2 * 11 + 11) / 7
    assert terms.mean_adder_bits(8, 100, dropped=2) == (4 * 8 + 2 * 9 + 10) / 7


@given(
    st.lists(st.lists(st.integers(-128, 127), min_size=3, max_size=3), min_size=1, max_size=6),
)
def test_equal_products_are_counted_once(matrix):
    found = Terms.of(np.array(matrix), np.zeros(3, dtype=np.int64))
    products = {(row, value) for row, values in enumerate(matrix) for value in values if value}
    assert found.wires + found.shifted + found.hard == len(products)
    assert found.hard == sum(digits_by_rule(value) >= 3 for _, value in products)


@pytest.mark.parametrize(
    ("family", "a", "b", "expected"),
    [
        ("7-series", 25, 18, 1),
        ("7-series", 18, 25, 1),
        ("7-series", 26, 18, 2),
        ("7-series", 19, 19, 2),
        ("7-series", 18, 18, 1),
        ("7-series", 42, 35, 4),
        ("UltraScale+", 27, 18, 1),
        ("UltraScale+", 26, 18, 1),
        ("UltraScale+", 28, 18, 2),
        ("UltraScale+", 19, 27, 2),
        ("Versal", 27, 24, 1),
        ("Versal", 24, 27, 1),
        ("Versal", 25, 25, 2),
    ],
)
def test_dsps_of_a_product(family, a, b, expected):
    assert FAMILIES[family].dsps(a, b) == expected


@pytest.mark.parametrize(
    ("words", "bits", "expected"),
    [
        (1024, 18, 1),
        (1024, 19, 2),
        (512, 36, 1),
        (512, 37, 2),
        (2048, 9, 1),
        (16384, 1, 1),
        (16385, 1, 2),
        (4096, 16, 4),
    ],
)
def test_blocks_of_a_memory(words, bits, expected):
    assert blocks(words, bits) == expected


@given(st.integers(1, 1 << 18), st.integers(1, 512))
def test_blocks_hold_what_they_are_for(words, bits):
    found = blocks(words, bits)
    assert found * 18 * 1024 >= words * bits
    assert found <= min(-(-words // depth) * -(-bits // width) for depth, width in SHAPES)
    assert blocks(words, bits + 1) >= found <= blocks(words + 1, bits)


def test_a_table_is_copied_for_readers():
    assert [table(1024, 18, readers).bram for readers in (1, 2, 3, 64)] == [1, 1, 2, 32]
    assert table(64, 16, 5).bram == 0, "1,024 bits are LUTs"
    assert table(64, 16, 5).lut == 80


def test_weights_and_fifos():
    assert rows(128, 72, memory=True).bram == 2
    assert rows(128, 72, memory=False).bram == 0
    assert fifo(32, 4096).bram == 0
    assert fifo(512, 36).bram == 1


def test_parts_are_consistent():
    with TABLE.open(encoding="utf-8") as file:
        names = [row["part"] for row in csv.DictReader(line for line in file if not line.startswith("#"))]
    assert len(names) == len(set(names)) == len(parts()) >= 30
    for part in parts().values():
        assert part.ff == 2 * part.lut, part
        assert part.family in FAMILIES
        assert min(part.dsp, part.bram) > 0 <= part.uram
        assert (part.uram == 0) == (
            part.family in ("7-series", "UltraScale") or part.name in ("xczu2", "xczu3", "xczu9")
        )


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_has_a_known_part(board):
    part = part_named(BOARDS[board].part)
    assert part is not None
    assert family_of(BOARDS[board].part) is FAMILIES[part.family]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xc7z020clg400-1", "xc7z020"),
        ("xc7z007s-clg225-2", "xc7z007s"),
        ("XCVU13P-flga2577-2-e", "xcvu13p"),
        ("xczu7ev-ffvc1156-2-e", "xczu7"),
        ("xczu3eg-sbva484-1-i", "xczu3"),
        ("xczu28dr-ffvg1517-2-e", "xczu28dr"),
        ("xcku115-flvb2104-2-i", "xcku115"),
        ("xcvc1902-vsva2197-2MP-e-S", "xcvc1902"),
        ("xc7a35tcpg236-1", "xc7a35t"),
        ("xc7z0201", None),
        ("xczu29dr-ffvf1760-2-e", None),
        ("xcku5", None),
        ("LFE5U-85F", None),
    ],
)
def test_names_of_parts(name, expected):
    found = part_named(name)
    assert (None if found is None else found.name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xc7k70tfbg484-1", "7-series"),
        ("xczu29dr-ffvf1760-2-e", "UltraScale+"),
        ("xcku11p-ffva1156-2-e", "UltraScale+"),
        ("xcku085-flva1517-2-i", "UltraScale"),
        ("xcvp1202-vsva2785-2MP-e-S", "Versal"),
        ("xcvu19p-fsva3824-2-e", "UltraScale+"),
        ("LFE5U-85F", None),
    ],
)
def test_families_of_parts_without_totals(name, expected):
    found = family_of(name)
    assert (None if found is None else found.name) == expected
