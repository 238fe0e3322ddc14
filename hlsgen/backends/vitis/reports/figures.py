"""Figures as all reports give them: clock cycles, and units of a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RESOURCES = ("BRAM", "DSP", "FF", "LUT", "URAM")
"""What is counted of a device, everywhere in these units: BRAM in blocks of 18 Kbit, all others one by one."""


@dataclass(frozen=True)
class Performance:
    """Latency and initiation interval in clock cycles; None where the tool cannot tell (``undef``)."""

    latency_min: int | None
    latency_max: int | None
    interval_min: int | None
    interval_max: int | None


def shares(used: Mapping[str, float], available: Mapping[str, float]) -> dict[str, float]:
    """The used share of each resource, 0 to 1 (above 1: it does not fit)."""
    return {name: used.get(name, 0) / count for name, count in available.items() if count}


def usage(used: Mapping[str, float], available: Mapping[str, float]) -> list[str]:
    """A line for each resource that is known of, with its share where that is."""
    of = shares(used, available)
    return [
        f"  {name:<9} {used[name]}" + (f" of {available[name]} ({of[name]:.1%})" if name in of else "")
        for name in RESOURCES
        if name in used
    ]


def ns(clock: float | None) -> str:
    """A period in words."""
    return "unknown" if clock is None else f"{clock:g} ns"


def span(low: float | None, high: float | None) -> str:
    """A range in words: one number where both ends are the same."""
    ends = ["?" if end is None else f"{end}" for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def table(rows: list[tuple[str, ...]], names: int = 1, indent: str = "  ") -> list[str]:
    """Columns of plain text: so many of names, to the left, and numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:names], widths, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(row[names:], widths[names:], strict=True)]
        lines.append(indent + "  ".join([*left, *right]).rstrip())
    return lines
