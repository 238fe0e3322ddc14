"""Co-simulation: ``<top>_cosim.rpt``, and beside it ``lat.rpt`` and ``result.transaction.rpt``.

Newer versions have total cycles behind latency and interval, older ones in ``lat.rpt`` at most. A call before the last
has an interval, the last has none (``x``). Where a design was called once, its interval is ``NA``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hlsgen.backends.vitis.reports.figures import Performance, span
from hlsgen.backends.vitis.reports.safe_xml import count
from hlsgen.backends.vitis.reports.texts import read_text
from hlsgen.errors import ToolError

_EXPECTED = "the report of a co-simulation (<top>_cosim.rpt)"
_ROW = re.compile(r"^\|\s*(VHDL|Verilog)\s*\|\s*(\w+)\s*\|(.*)\|\s*$", re.MULTILINE)
_LAT = re.compile(r'^\$(\w+)\s*=\s*"(\w+)"', re.MULTILINE)
_TRANSACTION = re.compile(r"^transaction\s+(\d+):\s+(\w+)\s+(\w+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Transaction:
    """One call of the design: its cycles, and those until the next began (None for the last)."""

    latency: int | None
    interval: int | None


@dataclass(frozen=True)
class Cosimulation:
    """What the simulator of the RTL measured, in clock cycles. ``status``: ``Pass`` or ``Fail``, as the tool says."""

    rtl: str
    status: str
    performance: Performance
    latency_average: int | None
    interval_average: int | None
    total_cycles: int | None
    transactions: tuple[Transaction, ...] = ()
    samples_checked: int | None = None
    """Of how many samples all outputs were the integers of the emulator; None where nobody looked."""

    @property
    def passed(self) -> bool:
        """Whether the tool says so."""
        return self.status.lower() == "pass"

    def __str__(self) -> str:
        timing = self.performance
        lines = [
            f"co-simulation of {self.rtl}: {self.status}",
            f"  latency   {span(timing.latency_min, timing.latency_max)} cycles",
            f"  interval  {span(timing.interval_min, timing.interval_max)} cycles",
        ]
        if self.total_cycles is not None:
            lines.append(f"  total     {self.total_cycles} cycles")
        if self.transactions:
            lines.append(f"  calls     {len(self.transactions)}")
        if self.samples_checked is not None:
            lines.append(f"  outputs   of {self.samples_checked} samples, all integers those of the emulator")
        return "\n".join(lines)


def read_cosim(path: Path) -> Cosimulation:
    """Parse a ``<top>_cosim.rpt`` and what lies beside it. Raises ToolError if it is none or truncated."""
    text = read_text(path, _EXPECTED)
    run = [row for row in _ROW.findall(text) if row[1] != "NA"]
    if not _ROW.search(text):
        raise ToolError(f"{path}: no row for VHDL or Verilog; expected {_EXPECTED}; run co-simulation again")
    if not run:
        raise ToolError(f"{path}: neither VHDL nor Verilog was simulated; run co-simulation again")
    rtl, status, rest = run[0]
    cells = [count(cell) for cell in rest.split("|")]
    if len(cells) not in (6, 7):
        raise ToolError(f"{path}: {len(cells)} figures for {rtl}, expected 6 or 7; run co-simulation again")
    beside = path.parent / rtl.lower()
    latencies = _latencies(beside / "lat.rpt")
    total = cells[6] if len(cells) == 7 else None
    return Cosimulation(
        rtl=rtl,
        status=status,
        performance=Performance(cells[0], cells[2], cells[3], cells[5]),
        latency_average=cells[1],
        interval_average=cells[4],
        total_cycles=latencies.get("TOTAL_EXECUTE_TIME") if total is None else total,
        transactions=_transactions(beside / "result.transaction.rpt"),
    )


def _latencies(path: Path) -> dict[str, int | None]:
    return {name: count(word) for name, word in _LAT.findall(read_text(path, _EXPECTED))} if path.is_file() else {}


def _transactions(path: Path) -> tuple[Transaction, ...]:
    rows = _TRANSACTION.findall(read_text(path, _EXPECTED)) if path.is_file() else []
    return tuple(Transaction(count(latency), count(interval)) for _, latency, interval in rows)
