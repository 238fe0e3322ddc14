"""Where constants lie in a memory: which word, which bits of it, in which order.

Elements become bits (two's complement of the constant's own type), bits become words, and words of all constants follow
each other in one image. Words are held as bytes, the lowest first; :mod:`hlsgen.exports.memory_files` spells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.hls.naming import Identifiers
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, UnsupportedError, brief
from hlsgen.exports.base import Options
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints
from hlsgen.layers.linear import LinearLayer

Layout = Literal["dense", "aligned", "single", "bit-serial"]
First = Literal["low", "high"]
Bytes = NDArray[np.uint8]

WIDEST = 4096
"""Bits of a word."""
_LEAST = 8
"""Bits of the narrowest word that is chosen, and of the narrowest place of an element that is aligned."""
_AXES = "hwio"
"""Of weights as layers hold them: rows and columns of the kernel, channels in (of a group), channels out."""
_AT_ONCE = 1 << 24
"""Bits that are held at once, a byte each."""
_NATIVE_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class MemoryOptions(Options):
    """How constants lie in a memory."""

    word_width: int | None = None
    """Bits of a word; None: the least power of two, from 8 on, that holds an element of every constant."""
    layout: Layout = "dense"
    """How elements lie in words."""
    first: First = "low"
    """The end of a word at which the first of several elements lies."""
    order: str = "ohwi"
    """The axes of weights, the last one running fastest: channels out, row and column of the kernel, channels in."""
    rows: bool = False
    """Whether every row, which is all elements of the same index of the first axis, begins with a word of its own."""
    align: int = 1
    """Every constant begins at an address that is a multiple of so many words."""

    def __post_init__(self) -> None:
        """Raise ConfigError for values that cannot be."""
        if self.word_width is not None:
            self._check_whole("word_width", 1, WIDEST)
        self._check_choice("layout", get_args(Layout))
        self._check_choice("first", get_args(First))
        if not isinstance(self.order, str) or sorted(self.order) != sorted(_AXES):
            raise ConfigError(
                f"export: order is {brief(self.order)}, expected the letters o (channels out), h, w (row and column of "
                "the kernel) and i (channels in) in any order, such as 'ohwi'"
            )
        self._check_switch("rows")
        self._check_whole("align", 1, 1 << 20)


@dataclass(frozen=True, eq=False)
class Block:
    """One constant in the memory."""

    op: str
    """The operation that it belongs to, by its name."""
    role: str
    """Which of the operation's constants: "weight", "bias", ..."""
    name: str
    """A name for files: letters, digits and underscores, unique whatever the case."""
    axes: str | None
    """The axes of ``elements`` in letters as those of ``MemoryOptions.order``; None for what is not weights."""
    elements: Ints
    """Mantissas, in the shape and the order in which they lie in memory."""
    type: FixedType
    cells: Cells
    address: int
    """The first word."""
    rows: int
    """Parts that begin with a word of their own."""

    @property
    def row_words(self) -> int:
        """Words of a row."""
        return self.cells.words(self.elements.size // self.rows)

    @property
    def words(self) -> int:
        return self.rows * self.row_words

    @property
    def content(self) -> Bytes:
        """The words, (words, bytes of a word), the lowest byte first; what is beside the last element is zero."""
        rows = self.elements.reshape(self.rows, -1)
        filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % self.cells.group))).reshape(-1)
        step = self.cells.group * max(1, _AT_ONCE // (self.cells.group * self.cells.place))
        return np.concatenate([self.cells.packed(filled[at : at + step]) for at in range(0, filled.size, step)])


@dataclass(frozen=True, eq=False)
class Memory:
    """All constants of a design, one behind the other."""

    options: MemoryOptions
    width: int
    """Bits of a word."""
    blocks: tuple[Block, ...]

    @property
    def word_bytes(self) -> int:
        return -(-self.width // 8)

    @property
    def words(self) -> int:
        return self.blocks[-1].address + self.blocks[-1].words

    @property
    def image(self) -> Bytes:
        """(words, bytes of a word), the lowest byte first; words between blocks are zero."""
        image = np.zeros((self.words, self.word_bytes), dtype=np.uint8)
        for block in self.blocks:
            image[block.address : block.address + block.words] = block.content
        return image


def memory_of(design: Design, options: MemoryOptions) -> Memory:
    """Give every constant of a design its place: in the order of operations, then as a layer has them.

    Raises UnsupportedError for a design without constants.
    """
    found = [(op, role, constant) for op in design for role, constant in op.layer.constants().items()]
    if not found:
        raise UnsupportedError(f"export: design '{design.name}' has no constants, so there is no memory to fill")
    width = options.word_width or _fitting(max(constant.known_type.width for _, _, constant in found))
    names, address, blocks = Identifiers(), 0, []
    for op, role, constant in found:
        elements, axes = _in_order(op, role, constant.fixed[0], options.order)
        fixed, name = constant.known_type, names.make(f"{op.name}_{role}")
        rows = elements.shape[0] if options.rows and elements.ndim > 1 else 1
        address += -address % options.align
        cells = Cells.of(fixed, width, options)
        blocks.append(Block(op.name, role, name, axes, elements, fixed, cells, address, rows))
        address += blocks[-1].words
    return Memory(options, width, tuple(blocks))


def _in_order(op: Op, role: str, mantissas: Ints, order: str) -> tuple[Ints, str | None]:
    """Weights of a linear layer with their axes as wished; anything else as it is."""
    kernel = op.layer.kernel() if isinstance(op.layer, LinearLayer) and role == "weight" else None
    if kernel is None:
        return mantissas, None
    return mantissas.reshape(kernel.shape).transpose([_AXES.index(axis) for axis in order]), order


# -- elements, bits, words -------------------------------------------------------------------------


@dataclass(frozen=True)
class Cells:
    """How elements of one type become words."""

    width: int
    """Bits of a word."""
    bits: int
    """Bits of an element."""
    place: int
    """The bits that an element takes, with its sign or zeros above it: a part of a word, or some whole ones."""
    planes: bool
    """Whether a word holds one bit of as many elements as it has bits, and the next word their next bit."""
    first: First

    @classmethod
    def of(cls, fixed: FixedType, width: int, options: MemoryOptions) -> Cells:
        """Those of elements of a type."""
        place = {"aligned": _fitting(fixed.width), "single": max(width, fixed.width)}.get(options.layout, fixed.width)
        planes = options.layout == "bit-serial"
        if place > width and not planes:
            place += -place % width
        return cls(width, fixed.width, place, planes, options.first)

    @property
    def group(self) -> int:
        """Elements that share words."""
        return self.width if self.planes else max(1, self.width // self.place)

    @property
    def group_words(self) -> int:
        """Words of a group."""
        return self.bits if self.planes else max(1, self.place // self.width)

    def words(self, elements: int) -> int:
        """Words of so many elements."""
        return -(-elements // self.group) * self.group_words

    def packed(self, elements: Ints) -> Bytes:
        """The words of whole groups, (words, bytes of a word)."""
        bits = _bits(elements, self.place).reshape(-1, self.group, self.place)
        if self.first == "high" and self.group > 1:
            bits = bits[:, ::-1]
        if self.planes:
            words = bits.transpose(0, 2, 1)
        elif self.place <= self.width:
            free = self.width - self.group * self.place
            margins = (free, 0) if self.first == "high" else (0, free)
            words = np.pad(bits.reshape(len(bits), -1), ((0, 0), margins))
        else:
            words = bits.reshape(len(bits), -1, self.width)
            words = words[:, ::-1] if self.first == "high" else words
        return np.packbits(words.reshape(-1, self.width), axis=1, bitorder="little")


def _bits(elements: Ints, width: int) -> Bytes:
    """Two's complement, (elements, width), the lowest bit first."""
    count = -(-width // 8)
    if elements.dtype == object or count > _NATIVE_BYTES:
        whole = b"".join(int(e).to_bytes(count, "little", signed=bool(e < 0)) for e in elements)
        held = np.frombuffer(whole, dtype=np.uint8).reshape(-1, count)
    else:
        held = elements.astype("<i8").view(np.uint8).reshape(-1, _NATIVE_BYTES)[:, :count]
    return np.unpackbits(held, axis=1, bitorder="little")[:, :width]


def _fitting(bits: int) -> int:
    """The least power of two, from 8 on, of at least so many."""
    return max(_LEAST, 1 << (bits - 1).bit_length())
