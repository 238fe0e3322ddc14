"""Windows over streams: the firmware's text, its emulation with line buffers in place, and Python agree."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from hlsgen.ir.types import FixedType
from tests.vendor.differential import Case, base, check
from tests.vendor.test_kernels import draw

parse = FixedType.parse
IMAGES = 19  # more than one group of lanes, and a ragged end


@dataclass(frozen=True)
class Place:
    """An image and a window, in the order of ``place`` in windows.h."""

    height: int
    width: int
    channels: int
    rows: int
    columns: int
    stride_height: int = 1
    stride_width: int = 1
    dilation_height: int = 1
    dilation_width: int = 1
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __str__(self) -> str:
        return f"place<{', '.join(map(str, astuple(self)))}>"

    def corners(self) -> list[tuple[int, int]]:
        """Where the windows begin, in coordinates of the image."""
        rows = self.top + self.height + self.bottom - (self.rows - 1) * self.dilation_height
        columns = self.left + self.width + self.right - (self.columns - 1) * self.dilation_width
        starts = (range(0, rows, self.stride_height), range(0, columns, self.stride_width))
        return [(r - self.top, c - self.left) for r in starts[0] for c in starts[1]]

    def cells(self, corner: tuple[int, int]) -> list[int | None]:
        """The index of each cell's first channel, None in the padding."""
        found: list[int | None] = []
        for r in range(self.rows):
            for k in range(self.columns):
                row, column = corner[0] + r * self.dilation_height, corner[1] + k * self.dilation_width
                inside = 0 <= row < self.height and 0 <= column < self.width
                found.append((row * self.width + column) * self.channels if inside else None)
        return found


PLACES = [
    Place(4, 5, 1, 3, 3),
    Place(4, 5, 3, 3, 3, top=1, bottom=1, left=1, right=1),
    Place(5, 6, 4, 2, 3, 2, 1, top=0, bottom=1, left=1, right=1),
    Place(1, 9, 2, 1, 4, 1, 2, left=3),
    Place(1, 9, 5, 1, 2, 1, 1, 1, 3, left=3),
    Place(6, 5, 3, 2, 2, 1, 1, 2, 2, 1, 1, 1, 1),
    Place(5, 5, 6, 1, 1, 2, 2),
    Place(4, 3, 2, 4, 3),
    Place(5, 4, 7, 2, 2, 3, 3, top=1, left=1),
]
SHORT = [Place(6, 3, 1, 3, 1), Place(1, 9, 2, 1, 3, 1, 1, 1, 2)]
"""Windows whose rows are one value, or cells of one pair of values each."""
GROUPED = [
    (Place(4, 5, 6, 3, 3, top=1, bottom=1, left=1, right=1), 2),
    (Place(4, 5, 8, 2, 2, 1, 2), 2),
    (Place(1, 9, 12, 1, 3, 1, 1, 1, 2, left=4), 3),
    (Place(3, 4, 5, 2, 2), 5),
]
"""A place, and groups of its channels: of odd, even and single channels."""
TYPES = [
    ("fixed<8,3>", "fixed<8,1>"),
    ("ufixed<6,2>", "fixed<4,1>"),
    ("fixed<16,6>", "fixed<7,2>"),
    ("fixed<16,6>", "fixed<16,2>"),
    ("ufixed<16,4>", "fixed<6,1>"),
    ("ufixed<16,4>", "fixed<16,1>"),
    ("fixed<20,6>", "fixed<10,2>"),
    ("fixed<30,6>", "fixed<17,2>"),
    ("fixed<40,6>", "fixed<30,2>"),
]


def images(t: FixedType, place: Place, rng: random.Random) -> list[list[int]]:
    size = place.height * place.width * place.channels
    drawn = [[draw(t, rng) for _ in range(size)] for _ in range(IMAGES)]
    drawn[1], drawn[2] = [t.min_mantissa] * size, [t.max_mantissa] * size
    return drawn + [[int(v / 50) for v in image] for image in drawn]


def flat(samples: Sequence[Sequence[int]]) -> list[int]:
    return [v for sample in samples for v in sample]


def sum_type(x_t: FixedType, w_t: FixedType, n: int) -> FixedType:
    """A type for n products and a bias of w_t."""
    bits = x_t.width + w_t.width + n.bit_length() + 1
    return parse(f"fixed<{bits},{bits - x_t.frac - w_t.frac}>")


def product_case(place: Place, types: tuple[str, str], *, depthwise: bool) -> Case:
    x_t, w_t = map(parse, types)
    rng = random.Random(f"{place}{types}")
    n_in = place.rows * place.columns * (1 if depthwise else place.channels)
    multiplier = 2 if depthwise else 3
    n_out = multiplier * (place.channels if depthwise else 1)
    s_t = sum_type(x_t, w_t, n_in)
    w = [draw(w_t, rng) for _ in range(n_in * n_out)]
    w[:n_in] = [w_t.min_mantissa] * n_in
    b = [draw(w_t, rng) for _ in range(n_out)]
    inputs = images(x_t, place, rng)

    def output(image: Sequence[int], corner: tuple[int, int], j: int) -> int:
        channels = [j // multiplier] if depthwise else range(place.channels)
        cells = [0 if at is None else image[at + c] for at in place.cells(corner) for c in channels]
        return sum(v * u for v, u in zip(cells, w[j * n_in : (j + 1) * n_in], strict=True)) + (b[j] << x_t.frac)

    expected = [output(image, corner, j) for image in inputs for corner in place.corners() for j in range(n_out)]
    kind, function = ("depthwise", "convolve_channels") if depthwise else ("convolution", "convolve")
    names = ", ".join(base(t) for t in (x_t, w_t, w_t, s_t))
    text = f"{function}<{kind}<{names}, {place}, {multiplier}>>"
    return Case(text, flat(inputs), w + b, vendor=False, expected=expected)


def grouped_case(place: Place, types: tuple[str, str], groups: int) -> Case:
    """A convolution whose outputs, two a group, see their part of the channels."""
    x_t, w_t = map(parse, types)
    rng = random.Random(f"{place}{types}{groups}")
    channels, n_out = place.channels // groups, 2 * groups
    n_in = place.rows * place.columns * channels
    s_t = sum_type(x_t, w_t, n_in)
    w = [draw(w_t, rng) for _ in range(n_in * n_out)]
    w[-n_in:] = [w_t.min_mantissa] * n_in
    b = [draw(w_t, rng) for _ in range(n_out)]
    inputs = images(x_t, place, rng)

    def output(image: Sequence[int], corner: tuple[int, int], j: int) -> int:
        seen = range(j // 2 * channels, (j // 2 + 1) * channels)
        cells = [0 if at is None else image[at + c] for at in place.cells(corner) for c in seen]
        return sum(v * u for v, u in zip(cells, w[j * n_in : (j + 1) * n_in], strict=True)) + (b[j] << x_t.frac)

    expected = [output(image, corner, j) for image in inputs for corner in place.corners() for j in range(n_out)]
    names = ", ".join(base(t) for t in (x_t, w_t, w_t, s_t))
    text = f"convolve<grouped<{names}, {place}, {n_out}, {groups}>>"
    return Case(text, flat(inputs), w + b, vendor=False, expected=expected)


def pooling_case(place: Place, types: tuple[str, str]) -> Case:
    x_t = parse(types[0])
    inputs = images(x_t, place, random.Random(str(place)))

    def output(image: Sequence[int], corner: tuple[int, int], c: int) -> int:
        return max(image[at + c] for at in place.cells(corner) if at is not None)

    corners = place.corners()
    expected = [output(image, corner, c) for image in inputs for corner in corners for c in range(place.channels)]
    return Case(f"pool<maximum<{base(x_t)}, {place}>>", flat(inputs), vendor=False, expected=expected)


def undilated(place: Place) -> bool:
    return place.dilation_height == place.dilation_width == 1


def cases() -> list[Case]:
    """Every place and all types, not every pair of them."""
    made = [product_case(place, TYPES[i % len(TYPES)], depthwise=False) for i, place in enumerate(PLACES)]
    made += [product_case(PLACES[(i + 1) % len(PLACES)], types, depthwise=False) for i, types in enumerate(TYPES)]
    made += [product_case(place, ("fixed<16,6>", "fixed<16,2>"), depthwise=False) for place in SHORT]
    made += [product_case(place, TYPES[i], depthwise=True) for i, place in enumerate(PLACES[:3] + PLACES[4:6])]
    made += [
        grouped_case(place, TYPES[(i + k) % len(TYPES)], n) for i, (place, n) in enumerate(GROUPED) for k in (0, 3, 5)
    ]
    made += [pooling_case(place, TYPES[i]) for i, place in enumerate(PLACES) if undilated(place) and i < 8]
    return made


@pytest.fixture(scope="module")
def all_cases() -> list[Case]:
    return cases()


@pytest.mark.parametrize("options", ["", "-march=haswell", "-march=x86-64", "-DHLSGEN_PLAIN_MATVEC"])
def test_windows_agree(tmp_path: Path, all_cases: list[Case], options: str) -> None:
    assert check(all_cases, tmp_path, header="windows.h", options=options.split(), with_vendor=False) > 0
