"""Blocks of memory: which shapes they have, and what tables, weights and FIFOs take of them."""

from __future__ import annotations

from hlsgen.estimation.cost import Cost

SHAPES = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
"""Words and bits of a word that a block of 18 Kbit can have (UG473, UG573)."""
_PORTS = 2
_LUT_ROM_BITS = 64
"""Bits of a ROM in a LUT of six inputs."""
_SMALL = 1024
"""Up to so many bits the tool takes LUTs, as a shift register or a ROM."""
_SRL = 32
"""Places of a shift register in a LUT."""


def blocks(words: int, bits: int) -> int:
    """Blocks of 18 Kbit that a memory of so many words takes, in the best of their shapes."""
    return min(-(-words // depth) * -(-bits // width) for depth, width in SHAPES)


def table(words: int, bits: int, readers: int) -> Cost:
    """A table of constants that is read ``readers`` times a cycle: a block has two ports, and is copied for more."""
    copies = -(-readers // _PORTS)
    if words * bits <= _SMALL:
        return Cost(lut=readers * bits * -(-words // _LUT_ROM_BITS))
    return Cost(bram=copies * blocks(words, bits), latency=1)


def fifo(depth: int, bits: int) -> Cost:
    """A FIFO of a dataflow: shift registers, or blocks where it is large; and its counters."""
    counters = max(depth - 1, 1).bit_length()
    control = Cost(lut=10 + 2 * counters, ff=4 + counters)
    if depth * bits <= _SMALL or depth <= _SRL:
        return control + Cost(lut=bits * -(-depth // _SRL))
    return control + Cost(bram=blocks(depth, bits), ff=bits)


def rows(words: int, bits: int, *, memory: bool) -> Cost:
    """Constants of which a word is read in a cycle, in blocks or in LUTs."""
    if not memory or words * bits <= _SMALL:
        return Cost(lut=bits * -(-words // _LUT_ROM_BITS))
    return Cost(bram=blocks(words, bits), latency=1)
