"""Devices that circuits are built for: their names, and how many levels of logic lie within a clock."""

from __future__ import annotations

import re

from hlsgen.backends.devices import checked_part
from hlsgen.errors import ConfigError

NANOSECONDS_A_LEVEL = {"xilinx": 1.6, "ecp5": 3.2}
"""What an addition of some 16 bits takes with its wires, by the maker of the device: an estimate, not a promise."""
_ECP5 = re.compile(r"LFE5U(M5G|M)?-(12|25|45|85)F(-[6-9]BG\d{3}[CI])?")
_LATTICE = re.compile(r"LF|LCM|iCE", re.IGNORECASE)


def checked_device(part: str) -> str:
    """The part of a configuration, safe to stand in a script. Raises ConfigError for one that cannot be."""
    if _ECP5.fullmatch(part):
        return part
    if _LATTICE.match(part):
        raise ConfigError(
            f"part: found {part!r}; of Lattice's there is ECP5 alone, as in LFE5U-85F or LFE5U-25F-6BG381C"
        )
    return checked_part(part)


def size_of_ecp5(part: str) -> str | None:
    """Its thousands of look-up tables, as in ``85k``; None for any other device."""
    found = _ECP5.fullmatch(part)
    return None if found is None else f"{found[2]}k"


def levels_within(clock_period: float, part: str) -> int:
    """Levels of logic (an addition or a comparison is one) between two registers, for a clock period in ns."""
    return max(1, int(clock_period / NANOSECONDS_A_LEVEL["ecp5" if size_of_ecp5(part) else "xilinx"]))
