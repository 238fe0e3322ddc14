"""Families of devices: what their multipliers take, and how long the tool thinks that things take."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("parts.csv")


@dataclass(frozen=True)
class Family:
    """Delays in ns: of 7-series devices as in the reports the model is fitted on; of UltraScale+ by the clocks that
    hls4ml's baselines estimate (an addition is 0.785, and 2.08 there); of others between or beyond."""

    name: str
    dsp: str
    multiplier: tuple[int, int]
    """Bits of the two factors of a DSP's multiplier, both signed."""
    dsp_ns: float
    """A product in a DSP, without a register."""
    level_ns: float
    """A level of adders with what is around it: a tool puts as many into a cycle as fit."""
    chained_ns: float
    """An addition in a chain, where the tool keeps the order of a long sum."""

    def dsps(self, a: int, b: int) -> int:
        """The DSPs of one product of signed factors of ``a`` and ``b`` bits.

        The first block of a factor has the multiplier's bits, every other one less: only the last has a sign.
        """
        wide, narrow = self.multiplier
        return min(_blocks(a, wide) * _blocks(b, narrow), _blocks(b, wide) * _blocks(a, narrow))


def _blocks(bits: int, block: int) -> int:
    return 1 if bits <= block else 1 + -(-(bits - block) // (block - 1))


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("7-series", "DSP48E1", (25, 18), 3.81, 2.2, 1.66),
        Family("UltraScale", "DSP48E2", (27, 18), 2.6, 1.3, 1.0),
        Family("UltraScale+", "DSP48E2", (27, 18), 1.94, 0.83, 0.63),
        Family("Versal", "DSP58", (27, 24), 1.7, 0.75, 0.57),
    )
}
_OF_PREFIX = {
    "xczu": "UltraScale+",
    "xck26": "UltraScale+",
    "xck24": "UltraScale+",
    "xcu": "UltraScale+",
    "xcau": "UltraScale+",
    "xa7": "7-series",
    "xc7": "7-series",
    "xq7": "7-series",
    "xcv": "Versal",
}


@dataclass(frozen=True)
class Part:
    """What a device has. ``bram``: blocks of 18 Kbit; ``uram``: of 288 Kbit."""

    name: str
    family: str
    lut: int
    ff: int
    dsp: int
    bram: int
    uram: int


def _part(row: Mapping[str, str]) -> Part:
    lut, ff, dsp, bram, uram = (int(row[key]) for key in ("lut", "ff", "dsp", "bram_18k", "uram"))
    return Part(row["part"], row["family"], lut, ff, dsp, bram, uram)


@cache
def parts() -> Mapping[str, Part]:
    """All devices that are known, by the beginning of their names."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        found = [_part(row) for row in rows]
    return {part.name: part for part in found}


def part_named(name: str) -> Part | None:
    """The device that a name as Vitis spells it stands for (``xc7z020clg400-1``), or None if it is not in the table."""
    spelt = name.lower()
    fitting = [part for begin, part in parts().items() if spelt == begin or _goes_on(spelt, begin)]
    return max(fitting, key=lambda part: len(part.name), default=None)


def _goes_on(name: str, begin: str) -> bool:
    """Whether a name is that of a device, with the kind of its processor (``xczu7ev``) or its package behind it.

    What follows a number is no digit, and not the ``p`` or ``t`` of another device.
    """
    rest = name[len(begin) :]
    return name.startswith(begin) and not rest[0].isdigit() and not re.match(r"[pt](?![a-z])", rest)


def family_of(name: str) -> Family | None:
    """The family of a device, in the table or not; None for a name that says none."""
    part = part_named(name)
    if part is not None:
        return FAMILIES[part.family]
    spelt = name.lower()
    for prefix in sorted(_OF_PREFIX, key=len, reverse=True):
        if spelt.startswith(prefix):
            found = _OF_PREFIX[prefix]
            return FAMILIES[_ultrascale(spelt) or found]
    ultrascale = _ultrascale(spelt)
    return None if ultrascale is None else FAMILIES[ultrascale]


def _ultrascale(name: str) -> str | None:
    """``xcku115`` is an UltraScale device and ``xcku15p`` an UltraScale+ one, as all whose number ends with a p."""
    if not name.startswith(("xcku", "xcvu")):
        return None
    number = name[4:].split("-")[0]
    digits = len(number) - len(number.lstrip("0123456789"))
    return "UltraScale+" if number[digits : digits + 1] == "p" else "UltraScale"
