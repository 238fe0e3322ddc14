"""What a device has, and which cells of yosys' netlists take how many of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from hlsgen.errors import ConfigError, nearest


@dataclass(frozen=True)
class Resources:
    """``luts``: look-up tables, also those that are memory, shift registers or (ECP5) within carry chains. ``ffs``:
    flip-flops. ``carries``: cells of carry chains. ``dsps``: multipliers. ``brams``: block memories of 18 kbit, of 36
    kbit counting as two. ``others``: cells that are none of these, with their number: wide multiplexers, inverters."""

    luts: int = 0
    ffs: int = 0
    carries: int = 0
    dsps: int = 0
    brams: int = 0
    others: tuple[tuple[str, int], ...] = ()

    def __add__(self, more: Resources) -> Resources:
        others = Counter(dict(self.others)) + Counter(dict(more.others))
        return Resources(
            self.luts + more.luts,
            self.ffs + more.ffs,
            self.carries + more.carries,
            self.dsps + more.dsps,
            self.brams + more.brams,
            tuple(sorted(others.items())),
        )

    def times(self, count: int) -> Resources:
        """What so many of them take."""
        return Resources(
            count * self.luts,
            count * self.ffs,
            count * self.carries,
            count * self.dsps,
            count * self.brams,
            tuple((name, count * number) for name, number in self.others),
        )

    @property
    def row(self) -> list[str]:
        """As cells of a table below ``COLUMNS``."""
        return [f"{count:,}" for count in (self.luts, self.ffs, self.carries, self.dsps, self.brams)]


COLUMNS = ["LUT", "FF", "carry", "DSP", "BRAM"]


def total(parts: Iterable[Resources]) -> Resources:
    """What all parts take together."""
    return reduce(Resources.__add__, parts, Resources())


@dataclass(frozen=True)
class Family:
    """Devices that are built of the same cells: what each of these takes, and how yosys is told to use them.

    ``command`` is that of yosys; ``multipliers`` makes multipliers of products that it would build of logic.
    ``is_placed``: whether there are devices of it on which circuits are placed (:mod:`hlsgen.synthesis.devices`).
    """

    name: str
    described: str
    cells: Mapping[str, Resources]
    command: str
    multipliers: str | None = None
    is_placed: bool = False

    def counted(self, cells: Mapping[str, int]) -> Resources:
        """What so many cells of each type take."""
        real = {cell: count for cell, count in cells.items() if not cell.startswith("$")}  # else it notes an origin
        others = tuple(sorted((cell, count) for cell, count in real.items() if cell not in self.cells))
        known = (self.cells[cell].times(count) for cell, count in real.items() if cell in self.cells)
        return replace(total(known), others=others)


def _each(
    names: str, *, luts: int = 0, ffs: int = 0, carries: int = 0, dsps: int = 0, brams: int = 0
) -> dict[str, Resources]:
    return dict.fromkeys(names.split(), Resources(luts, ffs, carries, dsps, brams))


_XILINX = {
    **_each("LUT1 LUT2 LUT3 LUT4 LUT5 LUT6 LUT6_2 SRL16E SRLC16E SRLC32E RAM16X1S RAM32X1S RAM64X1S", luts=1),
    **_each("RAM16X1D RAM32X1D RAM64X1D RAM128X1S", luts=2),
    **_each("RAM32M RAM64M RAM128X1D RAM256X1S", luts=4),
    **_each("RAM32M16 RAM64M8 RAM256X1D RAM512X1S RAM32X16DR8 RAM64X8SW", luts=8),
    **_each("FDRE FDSE FDCE FDPE", ffs=1),
    **_each("CARRY4 CARRY8", carries=1),
    **_each("DSP48E1 DSP48E2", dsps=1),
    **_each("RAMB18E1 RAMB18E2", brams=1),
    **_each("RAMB36E1 RAMB36E2", brams=2),
}
_LATTICE = {
    **_each("LUT4", luts=1),
    **_each("CCU2C", luts=2, carries=1),
    **_each("TRELLIS_DPR16X4", luts=6),
    **_each("TRELLIS_FF", ffs=1),
    **_each("MULT18X18D MULT9X9D", dsps=1),
    **_each("DP16KD PDPW16KD", brams=1),
}


def _xilinx(name: str, described: str, width: int, file: str) -> Family:
    """``width``: bits of the wider operand of a multiplier; ``file``: in which yosys has it."""
    widths = f"-D DSP_A_MAXWIDTH={width} -D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_B_MAXWIDTH=18 -D DSP_SIGNEDONLY=1"
    multipliers = f"techmap -map +/mul2dsp.v -map +/xilinx/{file} {widths} -D DSP_NAME=$__MUL{width}X18"
    command = f"synth_xilinx -family {name} -flatten -noiopad -noclkbuf"
    return Family(name, described, _XILINX, command, multipliers)


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        _xilinx("xc7", "7 series", 25, "xc7_dsp_map.v"),
        _xilinx("xcu", "UltraScale", 27, "xcu_dsp_map.v"),
        _xilinx("xcup", "UltraScale+", 27, "xcu_dsp_map.v"),
        Family("ecp5", "ECP5", _LATTICE, "synth_ecp5", is_placed=True),
    )
}


_OF_PARTS = (
    ("ecp5", re.compile(r"LFE5U")),
    ("xc7", re.compile(r"x[acq]7")),
    ("xcup", re.compile(r"x[acq](u\d|zu|k\d|(au|ku|vu)\d+p)")),
    ("xcu", re.compile(r"x[acq](ku|vu)\d")),
)
"""How the names of devices begin, as Vivado has them; the first that fits."""


def family_of_part(part: str) -> Family:
    """The family of a device. Raises ConfigError for one of no family that is known here."""
    for name, pattern in _OF_PARTS:
        if pattern.match(part):
            return FAMILIES[name]
    raise ConfigError(
        f"area(): part {part} is of no family that yosys is asked for here; give family=, one of {', '.join(FAMILIES)}"
    )


def family_of(name: str) -> Family:
    """Raises ConfigError for a family that yosys is not asked for."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise ConfigError(f"area(): there is no family {name!r}{nearest(name, FAMILIES)}")
    return FAMILIES[name]
