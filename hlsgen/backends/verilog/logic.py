"""Arithmetic as Verilog: signals whose ranges are proved, and the registers that keep the way between them short.

A :class:`Logic` is the inside of a static pipeline. Each operation makes a named wire that is as wide as what it can
hold, so that nothing overflows and nothing is wider than it has to be. An operation that would lie more than ``levels``
levels of logic behind a register gets its operands from registers of the next clock; operands of an earlier clock are
delayed to that of the latest. So a function written once, as arithmetic, becomes a pipeline for any clock.

Verilog extends operands to the width of the widest, and by their sign only if all of them are signed: every operand of
an expression with a signed one, or with a signed result, is therefore written as signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, TypeVar

from hlsgen.ir.types import FixedType

Term = TypeVar("Term")
_PORTS = 18, 25
"""Bits of the ports of a multiplier, signed, which devices of all makers have; on some the wider one takes two."""


@dataclass(frozen=True, eq=False)
class Signal:
    """A named integer of a proved range. ``stage``: the clock in which it is there, counted from that of the inputs;
    ``level``: how many levels of logic it lies behind the registers of that clock."""

    text: str
    low: int
    high: int
    stage: int = 0
    level: int = 0

    @property
    def is_signed(self) -> bool:
        return self.low < 0

    @property
    def width(self) -> int:
        return FixedType.covering(self.low, self.high, 0).width

    @property
    def is_constant(self) -> bool:
        return self.low == self.high


def constant(value: int) -> Signal:
    """A signal that never changes: its name is its value."""
    return Signal(literal(value, signed=value < 0), value, value)


def literal(value: int, *, signed: bool) -> str:
    """A number as Verilog spells it, with a bit for the sign if it is signed."""
    width = max(abs(value).bit_length(), 1) + signed
    return f"{'-' if value < 0 else ''}{width}'{'s' if signed else ''}d{abs(value)}"


def declared(kind: str, signal: Signal) -> str:
    """The declaration of a ``wire`` or ``reg``."""
    extent = f" [{signal.width - 1}:0]" if signal.width > 1 or signal.is_signed else ""
    return f"{kind}{' signed' if signal.is_signed else ''}{extent} {signal.text}"


@dataclass
class Clock:
    """The text of one clock of a pipeline: registers that it begins with, then wires."""

    registers: list[tuple[Signal, str]] = field(default_factory=list)
    wires: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Operation:
    """How a signal is made, for whoever draws the pipeline: its expression, the signals in it, and levels of logic."""

    signal: Signal
    kind: Literal["input", "wire", "register", "table"]
    expression: str
    operands: tuple[Signal, ...] = ()
    cost: int = 0


@dataclass(frozen=True)
class Rom:
    """A table that is a module of its own: ``words`` of ``width`` bits, read within a clock by so many address bits."""

    name: str
    words: tuple[int, ...]
    width: int
    address_width: int


class Logic:
    """Collects the operations of one pipeline; see the head of this file."""

    def __init__(self, levels: int, name: str = "", names: dict[str, int] | None = None) -> None:
        """``name`` begins the names of tables; ``names``: how often each was given in the module
        that it is a part of; hints end in no number."""
        self._levels, self._name = levels, name
        self._names = {} if names is None else names
        self._clocks: dict[int, Clock] = {}
        self._delayed: dict[tuple[str, int], Signal] = {}
        self.roms: list[Rom] = []
        self.operations: list[Operation] = []
        """Each behind those whose signals it reads."""

    # -- what operations are made of ----------------------------------------------------------

    def input(self, hint: str, low: int, high: int, text: str) -> Signal:
        """A signal of the first clock, from an expression of as many unsigned bits as it has."""
        signal = Signal(self._unique(hint), low, high)
        self._clock(0).wires.append(f"{declared('wire', signal)} = {text};")
        self.operations.append(Operation(signal, "input", text))
        return signal

    def define(
        self,
        hint: str,
        bounds: tuple[int, int],
        cost: int,
        operands: Sequence[Signal],
        written: Callable[..., str],
        *,
        signed: bool | None = None,
    ) -> Signal:
        """A new wire. ``written`` makes its expression of the operands' texts; ``cost``: levels of logic.

        ``signed``: whether operands are written as signed; by default if the result or one of them is.
        """
        low, high = bounds
        if low == high:
            return constant(low)
        stage, level = self._placed(operands, cost)
        as_signed = low < 0 or any(x.is_signed for x in operands) if signed is None else signed
        there = tuple(self.delayed(x, stage) for x in operands)
        signal = Signal(self._unique(hint), low, high, stage, level)
        expression = written(*(_read(x, as_signed) for x in there))
        self._clock(stage).wires.append(f"{declared('wire', signal)} = {expression};")
        self.operations.append(Operation(signal, "wire", expression, there, cost))
        return signal

    def _placed(self, operands: Sequence[Signal], cost: int) -> tuple[int, int]:
        """The clock of an operation, and the levels behind its registers."""
        moving = [x for x in operands if not x.is_constant]
        stage = max((x.stage for x in moving), default=0)
        level = max((x.level for x in moving if x.stage == stage), default=0)
        if level + cost <= self._levels or level == 0:
            return stage, level + cost
        return stage + 1, cost

    def delayed(self, signal: Signal, stage: int) -> Signal:
        """The signal as it was, in a later clock."""
        if signal.is_constant or signal.stage == stage:
            return signal
        key = signal.text, stage
        if key not in self._delayed:
            before = self.delayed(signal, stage - 1)
            base = signal.text.partition("__")[0]
            later = Signal(self._unique(f"{base}__{stage}"), signal.low, signal.high, stage)
            self._clock(stage).registers.append((later, before.text))
            self.operations.append(Operation(later, "register", before.text, (before,)))
            self._delayed[key] = later
        return self._delayed[key]

    def _unique(self, hint: str) -> str:
        number = self._names.get(hint, 0)
        self._names[hint] = number + 1
        return f"{hint}_{number}" if number else hint

    def _clock(self, stage: int) -> Clock:
        return self._clocks.setdefault(stage, Clock())

    # -- arithmetic ---------------------------------------------------------------------------

    def add(self, a: Signal, b: Signal, hint: str = "sum") -> Signal:
        if a.is_constant and not a.low:
            return b
        if b.is_constant and not b.low:
            return a
        return self._computed(hint, (a.low + b.low, a.high + b.high), 1, (a, b), "+")

    def subtract(self, a: Signal, b: Signal, hint: str = "difference") -> Signal:
        if b.is_constant and not b.low:
            return a
        return self._computed(hint, (a.low - b.high, a.high - b.low), 1, (a, b), "-")

    def add_shifted(
        self, terms: tuple[tuple[Signal, int], tuple[Signal, int]], sign: str, bounds: tuple[int, int], hint: str
    ) -> Signal:
        """The sum or difference (``sign``: + or -) of two signals, each so many places to the left.

        ``bounds`` are what is known of it: as inputs may be in both terms, less than the terms' ranges tell.
        """
        (a, left), (b, right) = terms
        wide = min(bounds[0], a.low, b.low), max(bounds[1], a.high, b.high)
        result = self.define(hint, wide, 1, (a, b), lambda p, q: f"{_shifted(p, left)} {sign} {_shifted(q, right)}")
        return self.bounded(result, *bounds)

    def multiply(self, a: Signal, b: Signal, hint: str = "product") -> Signal:
        """A product. Powers of two are shifts; what no multiplier of a device takes at once is several products, of
        which each is a clock by itself, unless all of them are done within one."""
        if a.is_constant:
            a, b = b, a
        if b.is_constant and b.low > 0 and not b.low & (b.low - 1):
            return self.shift_left(a, b.low.bit_length() - 1, hint)
        ends = [p * q for p in (a.low, a.high) for q in (b.low, b.high)]
        if b.is_constant:
            return self._computed(hint, (min(ends), max(ends)), 2, (a, b), "*")
        narrow, wide = sorted((a, b), key=lambda x: x.width)
        pieces = _pieces(narrow, _PORTS[0]), _pieces(wide, _PORTS[1])
        count = len(pieces[0]) * len(pieces[1])
        cost = 3 + (count - 1).bit_length()
        if count == 1 or cost <= self._levels:
            return self._computed(hint, (min(ends), max(ends)), cost, (a, b), "*")
        products = [
            (self.multiply(self._piece(narrow, low, size), self._piece(wide, more, length), hint), low + more)
            for low, size in pieces[0]
            for more, length in pieces[1]
        ]
        (total, _) = self.tree(products, self._sum_of_shifted)
        return self.bounded(total, min(ends), max(ends))

    def _piece(self, factor: Signal, low: int, width: int | None) -> Signal:
        """Some bits of a factor; without a width, all that are above, with the sign."""
        if width is not None:
            return self.bits(factor, low, width, "piece")
        return self.floor(factor, low, "piece") if low else factor

    def _sum_of_shifted(self, a: tuple[Signal, int], b: tuple[Signal, int]) -> tuple[Signal, int]:
        """Of two numbers, each so many places to the left, the same of their sum."""
        least = min(a[1], b[1])
        terms = (a[0], a[1] - least), (b[0], b[1] - least)
        bounds = sum(x.low << places for x, places in terms), sum(x.high << places for x, places in terms)
        return self.add_shifted(terms, "+", bounds, "sum"), least

    def _computed(
        self, hint: str, bounds: tuple[int, int], cost: int, operands: tuple[Signal, Signal], operator: str
    ) -> Signal:
        """The wire of the result is as wide as its operands at least, since Verilog computes in that width."""
        low, high = bounds
        if low == high:
            return constant(low)
        wide = _held((min(low, *(x.low for x in operands)), max(high, *(x.high for x in operands))), operands)
        result = self.define(hint, wide, cost, operands, lambda p, q: f"{p} {operator} {q}")
        return self.bounded(result, low, high)

    def shift_left(self, a: Signal, places: int, hint: str = "shifted") -> Signal:
        if not places:
            return a
        bounds = a.low << places, a.high << places
        return self.define(hint, bounds, 0, [a], lambda p: f"{p} <<< {places}")

    def total(self, terms: Sequence[Signal], hint: str = "sum") -> Signal:
        """The sum of all, by a tree of as few levels as possible."""
        return self.tree(terms, lambda a, b: self.add(a, b, hint)) if terms else constant(0)

    def tree(self, terms: Sequence[Term], join: Callable[[Term, Term], Term]) -> Term:
        """Pairs are joined, then pairs of pairs, until one is left."""
        rest = list(terms)
        while len(rest) > 1:
            pairs = [join(a, b) for a, b in zip(rest[::2], rest[1::2], strict=False)]
            rest = pairs + rest[len(rest) & ~1 :]
        return rest[0]

    def at_least(self, a: Signal, b: Signal, hint: str = "reached") -> Signal:
        """1 where ``a >= b``, else 0."""
        if a.low >= b.high or a.high < b.low:
            return constant(int(a.low >= b.high))
        return self.define(hint, (0, 1), 1, [a, b], lambda p, q: f"{p} >= {q}", signed=a.is_signed or b.is_signed)

    def choose(self, condition: Signal, a: Signal, b: Signal, hint: str = "chosen") -> Signal:
        """``a`` where the condition (a bit) holds, else ``b``."""
        if condition.is_constant:
            return a if condition.low else b
        is_signed = a.is_signed or b.is_signed
        bounds = min(a.low, b.low), max(a.high, b.high)
        if bounds[0] == bounds[1]:
            return constant(bounds[0])
        stage, _ = self._placed([condition, a, b], 1)
        bit = self.delayed(condition, stage)
        wide = _held(bounds, [a, b])
        chosen = self.define(hint, wide, 1, [a, b, bit], lambda p, q, _: f"{bit.text} ? {p} : {q}", signed=is_signed)
        return self.bounded(chosen, *bounds)

    def larger(self, a: Signal, b: Signal, hint: str = "larger") -> Signal:
        if a.low >= b.high:
            return a
        return b if b.low >= a.high else self.bounded(self.choose(self.at_least(a, b), a, b, hint), max(a.low, b.low))

    def smaller(self, a: Signal, b: Signal, hint: str = "smaller") -> Signal:
        if a.high <= b.low:
            return a
        chosen = a if a.high <= b.low else b if b.high <= a.low else self.choose(self.at_least(a, b), b, a, hint)
        return self.bounded(chosen, None, min(a.high, b.high))

    def bounded(self, a: Signal, low: int | None = None, high: int | None = None) -> Signal:
        """The same number, of which is known that it lies within these bounds: narrower, if that needs fewer bits."""
        bounds = a.low if low is None else max(low, a.low), a.high if high is None else min(high, a.high)
        narrower = Signal("", *bounds)
        if narrower.width == a.width and narrower.is_signed == a.is_signed:
            return Signal(a.text, *bounds, a.stage, a.level)
        return self.define("narrowed", bounds, 0, [a], lambda p: f"{p}[{narrower.width - 1}:0]", signed=False)

    def bits(self, a: Signal, low: int, width: int, hint: str = "bits") -> Signal:
        """Some of the bits of the two's complement, as a number from 0 on; beyond its width, those of its sign."""
        if a.is_constant:
            return constant(a.low >> low & ((1 << width) - 1))
        if (low, width, a.width, a.is_signed) == (0, 1, 1, False):
            return a
        bounds = 0, (1 << width) - 1
        if low + width > a.width:
            a = self._extended(a, low + width)
        return self.define(hint, bounds, 0, [a], lambda p: f"{p}[{low + width - 1}:{low}]", signed=False)

    def _extended(self, a: Signal, width: int) -> Signal:
        """The same number in a wire of more bits."""
        bounds = (-(1 << width - 1), (1 << width - 1) - 1) if a.is_signed else (0, (1 << width) - 1)
        return self.define("extended", bounds, 0, [a], lambda p: p)

    def both(self, a: Signal, b: Signal, hint: str = "both") -> Signal:
        """The bits that two numbers from 0 on have both."""
        if a.is_constant and b.is_constant:
            return constant(a.low & b.low)
        width = min(a.width, b.width)
        a, b = (self.bits(x, 0, width) if x.width > width else x for x in (a, b))
        return self.define(hint, (0, (1 << width) - 1), 1, [a, b], lambda p, q: f"{p} & {q}", signed=False)

    def floor(self, a: Signal, places: int, hint: str = "floor") -> Signal:
        """``a / 2**places``, rounded down."""
        bounds = a.low >> places, a.high >> places
        lowest = min(places, a.width - 1)  # of a signed number the sign is left, however far it is shifted
        return self.define(hint, bounds, 0, [a], lambda p: f"{p}[{a.width - 1}:{lowest}]", signed=False)

    def as_signed(self, bits: Signal, width: int, hint: str = "value") -> Signal:
        """The number whose two's complement of ``width`` bits they are."""
        bounds = -(1 << (width - 1)), (1 << (width - 1)) - 1
        return self.define(hint, bounds, 0, [bits], lambda p: p, signed=False)

    def lookup(self, words: Sequence[int], address: Signal, hint: str = "word") -> Signal:
        """A word of a table, which is a module that takes a clock: deep ones become block memory."""
        low, high = min(words), max(words)
        if address.is_constant:
            return constant(words[address.low])
        if low == high:
            return constant(low)
        word = Signal(self._unique(hint), low, high, address.stage + 1, 1)
        rom = self._rom(hint, tuple(int(w) & ((1 << word.width) - 1) for w in words), word.width, address.width)
        self._clock(word.stage).wires += [
            f"{declared('wire', word)};",
            f"{rom.name} {word.text}_rom (.clk(clk), .address({address.text}), .word({word.text}));",
        ]
        self.operations.append(Operation(word, "table", rom.name, (address,)))
        return word

    def row(self, rows: Sequence[Sequence[int]], address: Signal, hint: str = "entry") -> list[Signal]:
        """A row of a matrix: one table whose words hold all columns, but those that are the same in every row.

        Where many rows are equal, a narrow table in front says which one it is.
        """
        if address.is_constant:
            return [constant(value) for value in rows[address.low]]
        columns = [Signal("", min(column), max(column)) for column in zip(*rows, strict=True)]
        different = {row: k for k, row in enumerate(dict.fromkeys(map(tuple, rows)))}
        width, kinds = sum(column.width for column in columns if not column.is_constant), len(different)
        if (len(rows) - kinds) * width > len(rows) * (kinds - 1).bit_length():
            (kind,) = self.row([[different[tuple(row)]] for row in rows], address, "kind")
            return self.row(list(different), kind, hint)
        found = [constant(column.low) for column in columns]
        kept = {k: column for k, column in enumerate(columns) if not column.is_constant}
        return found if not kept else self._picked(rows, kept, found, address, hint)

    def _picked(
        self, rows: Sequence[Sequence[int]], kept: Mapping[int, Signal], found: list[Signal], address: Signal, hint: str
    ) -> list[Signal]:
        """``found`` with those columns that are kept, from a table."""
        widths, stage = [column.width for column in kept.values()], address.stage + 1
        ends = list(accumulate(widths))
        parts = [(k, end - width, width) for k, end, width in zip(kept, ends, widths, strict=True)]
        words = tuple(sum((row[k] & ((1 << width) - 1)) << low for k, low, width in parts) for row in rows)
        rom = self._rom(hint, words, ends[-1], address.width)
        word, wires = self._unique(f"{hint}_row"), self._clock(stage).wires
        wires.append(f"wire [{rom.width - 1}:0] {word};")
        wires.append(f"{rom.name} {word}_rom (.clk(clk), .address({address.text}), .word({word}));")
        whole = Signal(word, 0, (1 << rom.width) - 1, stage, 1)
        self.operations.append(Operation(whole, "table", rom.name, (address,)))
        for k, low, width in parts:
            found[k] = Signal(self._unique(hint), kept[k].low, kept[k].high, stage, 1)
            bits = f"{word}[{low + width - 1}:{low}]"
            wires.append(f"{declared('wire', found[k])} = {bits};")
            self.operations.append(Operation(found[k], "wire", bits, (whole,)))
        return found

    def _rom(self, hint: str, words: tuple[int, ...], width: int, address_width: int) -> Rom:
        """The module of a table: one for all that read the same words."""
        for rom in self.roms:
            if rom.words == words and (rom.width, rom.address_width) == (width, address_width):
                return rom
        rom = Rom(f"{self._name}__{hint}{len(self.roms)}", words, width, address_width)
        self.roms.append(rom)
        return rom

    # -- the end ------------------------------------------------------------------------------

    def registered(self, results: Sequence[Signal]) -> tuple[list[Signal], int]:
        """All results in registers of one clock, and the number of that clock: the latency."""
        stage = max((x.stage for x in results if not x.is_constant), default=0) + 1
        return [self.delayed(x, stage) for x in results], stage

    def lines(self) -> list[str]:
        """The text, clock by clock."""
        found: list[str] = []
        for stage, clock in sorted(self._clocks.items()):
            found.append(f"// clock {stage}")
            found += [f"{declared('reg', signal)};" for signal, _ in clock.registers]
            if clock.registers:
                moves = [f"    {signal.text} <= {text};" for signal, text in clock.registers]
                found += ["always @(posedge clk) begin", *moves, "end"]
            found += clock.wires
        return found


def _pieces(factor: Signal, port: int) -> list[tuple[int, int | None]]:
    """The bits of a factor as numbers that fit a signed port: the lowest bit of each, and how many; of the last, which
    has the sign, None."""
    size, bits = port - 1, factor.width - factor.is_signed
    lowest = range(0, max(bits, 1), size)
    return [(low, size if low != lowest[-1] else None) for low in lowest]


def _held(bounds: tuple[int, int], operands: Sequence[Signal]) -> tuple[int, int]:
    """Bounds of a result, wide enough for its operands as they are written."""
    low, high = bounds
    if low >= 0:
        return bounds
    return min(low, -1 << max(map(_signed_width, operands)) - 1), high


def _signed_width(x: Signal) -> int:
    """The bits of a signal as a signed operand (:func:`read_signed`)."""
    if x.is_constant:
        return max(abs(x.low).bit_length(), 1) + 1
    return x.width + (not x.is_signed)


def _shifted(operand: str, places: int) -> str:
    """An operand of a sum, moved to the left."""
    return f"({operand} <<< {places})" if places else operand


def _read(signal: Signal, as_signed: bool) -> str:
    return read_signed(signal) if as_signed else signal.text


def read_signed(signal: Signal) -> str:
    """A signal as a signed operand."""
    if signal.is_signed:
        return signal.text
    return literal(signal.low, signed=True) if signal.is_constant else f"$signed({{1'b0, {signal.text}}})"


@dataclass(frozen=True, eq=False)
class Section:
    """A pipeline of a core, or a part of one, for whoever draws it; ``sums``: its inputs that are added up over clocks,
    each with the signal of the section before that is added; ``alike``: how many of it stand side by side."""

    about: str
    logic: Logic
    results: Sequence[Signal]
    sums: Sequence[tuple[Signal, Signal]] = ()
    alike: int = 1
