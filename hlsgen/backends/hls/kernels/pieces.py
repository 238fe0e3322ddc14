"""What ``pieces.h`` reads of a config struct: a function of one variable as polynomials in pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.backends.hls.kernel import ConstantArray, Member, Members, Word
from hlsgen.ir.types import FixedType, Ints, integers, wrap
from hlsgen.layers.piecewise import STRIDE, Piecewise

_WORD_BITS = 64


def members_of_pieces(form: Piecewise, table: Ints) -> tuple[Members, ConstantArray]:
    """What ``pieces.h`` reads of a config struct, and its table."""
    place_bits = form.index.width + (form.ranges - 1).bit_length()
    piece_bits = place_bits - form.offset_bits
    stored = _stored([c.width for c in form.coefficients])
    packed = FixedType(_packed_width(form, stored), 0)
    members: dict[str, Member] = {
        "index_t": form.index,
        "place_t": FixedType(place_bits, place_bits, False),
        "piece_t": FixedType(piece_bits, piece_bits, False),
        "offset_t": FixedType(max(form.offset_bits, 1), 0, False),
        "packed_t": packed,
        "packed_word": Word(packed),
        "ranges": form.ranges,
        "stride": STRIDE,
        "degree": form.degree,
        "offset_bits": form.offset_bits,
        "words": 1 + stored[-1][0],
    }
    for power, (fixed, (word, bit)) in enumerate(zip(form.coefficients, stored, strict=True)):
        members |= {f"c{power}_t": fixed, f"c{power}_word": word, f"c{power}_bit": bit}
    return members, ConstantArray.of("table", _packed(form, table, stored, piece_bits), packed, "word, piece")


def _stored(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Word and lowest bit of each coefficient: side by side as long as a word has at most 64 bits."""
    places, word, bit = [], 0, 0
    for width in widths:
        if bit + width > _WORD_BITS and bit:
            word, bit = word + 1, 0
        places.append((word, bit))
        bit += width
    return places


def _packed_width(form: Piecewise, stored: Sequence[tuple[int, int]]) -> int:
    return max(bit + fixed.width for fixed, (_, bit) in zip(form.coefficients, stored, strict=True))


def _packed(form: Piecewise, table: Ints, stored: Sequence[tuple[int, int]], piece_bits: int) -> Ints:
    """The words of all pieces, (words, pieces)."""
    words = np.zeros((1 + stored[-1][0], 1 << piece_bits), dtype=object)
    for fixed, (word, bit), mantissas in zip(form.coefficients, stored, table, strict=True):
        words[word, : len(mantissas)] += (mantissas.astype(object) & ((1 << fixed.width) - 1)) << bit
    width = _packed_width(form, stored)
    return integers(wrap(words, width, signed=True))
