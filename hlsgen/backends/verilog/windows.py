"""Windows on streams: pixels in raster order in, every window as one word out.

Two stages make them. *Lines* keep rows in memories, and give, for each row of windows, its columns: the pixels of a
column that a window spans, as one word. *Windows* keep the last columns in registers. Both are left out where there is
nothing for them to do, and neither spends a clock on padding: pixels of the next rows, and of the next image, are taken
while the last windows of the former are made.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.pace import NOTHING, Buffering, Pace
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.constant import Shape
from hlsgen.ir.op import Op
from hlsgen.layers.pooling2d import Largest
from hlsgen.layers.window import Window, as_image


def window_of(op: Op) -> Window | None:
    """The window whose cells the core of an operation takes as one word; None if it takes the words as they come."""
    window = getattr(op.layer, "window", None)
    return window if isinstance(window, Window) else None


@dataclass(frozen=True)
class Group:
    """A row of windows, against the *first row* that this and later ones need."""

    need: int
    """How many rows behind its first row is the last that it needs."""
    drops: int
    """How many rows behind its own is the first row of the next one, which may be one of the next image."""
    inside: tuple[bool, ...]
    """For each row of a window, whether it lies in the image."""


@dataclass(frozen=True)
class Lines:
    """Rows of windows in an image: which rows each has, and how many are kept."""

    height: int
    width: int
    used: int
    """Columns that some window reaches: the first so many."""
    groups: int
    """Rows of windows."""
    size: int
    stride: int
    dilation: int
    top: int
    """Rows of padding above."""
    turns: int = 1
    """How many times as many rows are kept as a window spans."""

    @property
    def lines(self) -> int:
        """Rows that each memory holds."""
        return self.dilation * self.turns

    @property
    def rows(self) -> int:
        """Rows that all of them hold."""
        return self.size * self.lines

    @property
    def table(self) -> list[Group]:
        """Every row of windows."""
        starts = [row * self.stride - self.top for row in range(self.groups)]
        firsts = [min(max(start, 0), self.height) for start in starts] + [self.height]
        found = []
        for start, first, then in zip(starts, firsts, firsts[1:], strict=False):
            last = min(max(start + (self.size - 1) * self.dilation, -1), self.height - 1)
            inside = tuple(0 <= start + k * self.dilation < self.height for k in range(self.size))
            found.append(Group(last - first, then - first, inside))
        return found

    @property
    def pace(self) -> Buffering:
        """A column needs the words up to its last; a word, that all columns of the one in whose place it comes are
        read."""
        table, firsts = self.table, [0]
        for group in table:
            firsts.append(firsts[-1] + group.drops)
        needs = [
            (firsts[row] + group.need) * self.width + place + 1
            for row, group in enumerate(table)
            for place in range(self.used)
        ]
        frees = []
        for row in range(self.height):
            image, gone = divmod(row - self.rows, self.height)
            read = image * self.groups + bisect_right(firsts, gone) - 1  # the last that may need the row that is gone
            frees += [read * self.used + min(place + 1, self.used) for place in range(self.width)]
        return Buffering(tuple(needs), tuple(frees))

    @property
    def padded(self) -> bool:
        """Whether a window reaches the padding."""
        return not all(all(group.inside) for group in self.table)


@dataclass(frozen=True)
class Columns:
    """Windows of a row of words."""

    rows: int
    width: int
    count: int
    """Windows of a row."""
    size: int
    stride: int
    dilation: int
    left: int
    """Words of padding in front."""
    row_stride: int = 1
    """The first of so many rows has windows."""
    ahead: int = 0
    """Words of the next row that are taken before its first window's last, while those of this row are made."""

    @property
    def reach(self) -> int:
        """Words that a window spans."""
        return (self.size - 1) * self.dilation + 1

    @property
    def first(self) -> int:
        """The place of the last word of the first window; below 0 in the padding in front."""
        return self.reach - 1 - self.left

    @property
    def last(self) -> int:
        """The place of the last word of the last window; from ``width`` on in the padding behind."""
        return self.first + (self.count - 1) * self.stride

    @property
    def places(self) -> range:
        """A step each."""
        return range(self.ahead or min(self.first, 0), max(self.last, self.width - 1) + 1)

    @property
    def fills(self) -> bool:
        """Whether a window reaches the padding in front of a row."""
        return self.left > 0

    @property
    def pace(self) -> Pace:
        ends = set(range(self.first, self.last + 1, self.stride))
        steps = [
            (0 if 0 <= place < self.width else NOTHING, row % self.row_stride == 0 and place in ends)
            for row in range(self.rows)
            for place in self.places
        ]
        ahead = [self.ahead if place == self.ahead else 0 for _ in range(self.rows) for place in self.places]
        return replace(Pace.of(steps), ahead=tuple(ahead) if self.ahead else ())

    def quickened(self, clocks: int) -> Columns:
        """With as few words taken ahead as it takes to be done in so many clocks, if it can be done."""
        most = min(max(self.last - self.width + 1, 0), max(self.first, 0), self.width - 1)
        found = (replace(self, ahead=ahead) for ahead in range(most))
        return next((c for c in found if c.rows * len(c.places) <= clocks), replace(self, ahead=most))


@dataclass(frozen=True)
class Scan:
    """How windows are made of an image: the stages, and None for one that is not needed."""

    lines: Lines | None
    columns: Columns | None


def scan_of(window: Window, shape: Shape) -> Scan:
    """The stages for all windows of an image or a line."""
    height, width, _ = as_image(shape)
    groups, count = window.output_extent(shape)
    size, stride, dilation, (top, bottom, left, right) = window.size, window.stride, window.dilation, window.padding
    used = min(max((count - 1) * stride[1] + window.reach[1] - left, 1), width)
    lines = None
    if size[0] > 1 or top or bottom:
        lines = Lines(height, width, used, groups, size[0], stride[0], dilation[0], top)
    rows, columns = (height, width) if lines is None else (groups, used)
    made = Columns(
        rows, columns, count, size[1], stride[1], dilation[1], left, row_stride=1 if lines else stride[0]
    ).quickened(max(height * width, groups * count))
    plain = made.reach == 1 and made.count == columns and made.row_stride == 1 and not (left or right)
    return Scan(lines, None if plain else made)


def is_whole(window: Window, shape: Shape) -> bool:
    """Whether the only window is the whole image."""
    return window.size == as_image(shape)[:2] and not window.padded and window.dilation == (1, 1)


def column_words(scan: Scan, x: Words) -> Words:
    """What the lines give."""
    assert scan.lines is not None
    return Words(x.type, scan.lines.size * x.elements, scan.lines.groups * scan.lines.used)


def _scan(op: Op) -> Scan:
    window = window_of(op)
    assert window is not None
    return scan_of(window, op.input.shape)


def lines_stage(op: Op, x: Words, y: Words, module: str, deeper: bool = False) -> tuple[str, Buffering]:
    """The memories. ``deeper``: with room for twice as many rows."""
    lines = _scan(op).lines
    assert lines is not None
    if deeper:
        lines = replace(lines, turns=2 * lines.turns)
    table, places = lines.table, counter_bits(lines.width)
    regular = max(dict.fromkeys(table), key=table.count)
    most = lines.rows + 2 * max(group.drops for group in table) + 2
    lead_bits, ring_bits = most.bit_length() + 1, counter_bits(lines.rows)
    step, jump = lines.stride % lines.rows, (lines.height - (lines.groups - 1) * lines.stride) % lines.rows
    text = render(
        "lines.v.j2",
        about=title(op),
        module=module,
        w=lines,
        x=x,
        y=y,
        banks=lines.size,
        lines=lines.lines,
        rows=lines.rows,
        depth=lines.lines << places if lines.lines > 1 else max(lines.width, 2),
        start=-lines.top % lines.rows,
        rotates=bool(step or jump),
        after_group=_turned("first_row", step, lines.rows),
        after_image=_turned("first_row", jump, lines.rows),
        next_line=_turned("first_line", lines.dilation % lines.lines, lines.lines),
        places=[_line_of(row, lines) for row in range(lines.rows)],
        cases=[*((row, group) for row, group in enumerate(table) if group != regular), (None, regular)],
        signed=lambda number: f"{'-' if number < 0 else ''}{lead_bits}'sd{abs(number)}",
        fill=_fill(op, x),
        lead_bits=lead_bits,
        ring_bits=ring_bits,
        group_bits=counter_bits(lines.groups),
        place_bits=places,
        bank_bits=counter_bits(lines.size),
        line_bits=counter_bits(lines.lines),
    )
    return text, lines.pace


def windows_stage(op: Op, x: Words, y: Words, module: str) -> tuple[str, Pace]:
    """The registers."""
    columns = _scan(op).columns
    assert columns is not None
    places = columns.places
    waits = max(columns.stride, columns.first - places.start + 1)
    text = render(
        "windows.v.j2",
        about=title(op),
        module=module,
        w=columns,
        x=x,
        y=y,
        height=y.elements // (columns.size * op.input.shape[-1]),
        pixel=x.type.width * op.input.shape[-1],
        steps=len(places),
        first=columns.first - places.start,
        inside=_within("step", max(-places.start, 0), columns.width - places.start, len(places)),
        fill=_fill(op, x),
        step_bits=counter_bits(len(places)),
        waits=waits,
        wait_bits=counter_bits(waits),
        ahead_bits=counter_bits(columns.ahead + 1),
        row_bits=counter_bits(columns.rows),
        row_wait_bits=counter_bits(columns.row_stride),
    )
    return text, columns.pace


def _line_of(row: int, lines: Lines) -> tuple[int, int]:
    """In which memory a row lies, and in which line of it: rows a dilation apart lie in different ones."""
    unit, place = divmod(row, lines.dilation)
    turn, bank = divmod(unit, lines.size)
    return bank, turn * lines.dilation + place


def _turned(counter: str, by: int, of: int) -> str:
    """A counter below ``of`` so many places on."""
    if not by:
        return counter
    bits = counter_bits(of)
    return f"{counter} >= {bits}'d{of - by} ? {counter} - {bits}'d{of - by} : {counter} + {bits}'d{by}"


def _fill(op: Op, x: Words) -> str:
    """A word of padding, which never counts in a pooling and is zero elsewhere."""
    fill = x.type.min_mantissa if isinstance(op.layer, Largest) else 0
    word = sum((fill & ((1 << x.type.width) - 1)) << (x.type.width * k) for k in range(x.elements))
    return f"{x.width}'h{word:x}"


def _within(counter: str, first: int, end: int, of: int) -> str:
    """What has to hold where a counter below ``of`` is at a place from ``first`` up to below ``end``."""
    bits = counter_bits(of)
    lower = [f"{counter} >= {bits}'d{first}"] if first else []
    return " && ".join(lower + ([f"{counter} < {bits}'d{end}"] if end < of else [])) or "1'b1"
