"""What an Alveo card needs beside the HLS project: how v++ links the kernel, and hosts in C++ and Python on XRT."""

from __future__ import annotations

from hlsgen.backends.base import Job
from hlsgen.backends.boards import Alveo
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.render import render, verbatim
from hlsgen.errors import ConfigError

_PLAIN = ("design.h", "host.py", "packing.h")
"""What depends on no model."""
_FILLED = ("Makefile", "host.cpp", "link.cfg", "ports.h")


def alveo_files(board: Alveo, job: Job, plan: Plan) -> dict[str, str]:
    """The texts by name. Raises ConfigError for more ports than memory has, and for a clock that XRT cannot set."""
    if len(plan.ports) > board.memory.most_ports:
        raise ConfigError(
            f"board: the design has {len(plan.ports)} inputs and outputs, and the card's {board.memory.name} takes "
            f"{board.memory.most_ports}; concatenate some in the model, or leave board out"
        )
    frequency = int(1000 / job.config.clock_period)
    if frequency < 1:
        raise ConfigError(
            f"clock_period: found {job.config.clock_period:g}, and clocks of a card are set in whole MHz; give 1000 at "
            "most"
        )
    filled = {name: render(f"board/alveo/{name}.j2", plan, board=board, frequency=frequency) for name in _FILLED}
    return filled | {name: verbatim(f"board/alveo/{name}") for name in _PLAIN}
