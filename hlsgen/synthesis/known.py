"""What was found of a circuit before, for the summary: nothing is synthesized for it."""

from __future__ import annotations

from collections.abc import Iterator

from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.errors import ToolError
from hlsgen.synthesis.area import known_area
from hlsgen.synthesis.devices import DEVICES
from hlsgen.synthesis.resources import FAMILIES
from hlsgen.synthesis.timing import SEED, known_timing
from hlsgen.tools import cache_dir


def known_tables(circuit: Circuit, period: float) -> list[str]:
    """Area and timing as far as the cache has them; none without the tools that they are of."""
    if not any(cache_dir().glob("cells_*")):  # so the tools, which may take long to start, are not even looked for
        return []
    try:
        return list(_tables(circuit, period))
    except ToolError:
        return []


def _tables(circuit: Circuit, period: float) -> Iterator[str]:
    for family in FAMILIES.values():
        area = known_area(circuit, family)
        if area is not None:
            yield f"Area\n{area}"
    for device in DEVICES.values():
        timing = known_timing(circuit, device, period, SEED)
        if timing is not None:
            yield f"Timing\n{timing}"
