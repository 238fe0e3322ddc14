"""Meet the calibration data again on edges that passes changed, where more counts than how large values get."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph
from hlsgen.precision.expect_ranges import ExpectRanges


@dataclass(frozen=True)
class ExpectMovedRanges(ExpectRanges):
    """Set ``expected`` on every value for which passes could only carry over what was met on another.

    That tells how large values get, which is all that ``max`` asks for, but for values less an offset: of these it
    tells too little. The other methods place by how values are distributed, and that of channels that moved is another.
    """

    exact = True
    optional = False

    def run(self, graph: Graph) -> bool:
        carried = [value for value in graph.values if value.expected is not None and not value.expected.met]
        if self.method == "max":
            carried = [value for value in carried if value.held is not None and value.held.shifts]
        if self.calibration is None or not carried:
            return False
        found = self.calibrated(graph, self.calibration)
        for value in carried:
            value.expected = found[value]
        return True
