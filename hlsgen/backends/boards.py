"""Boards by name: the device, what Vivado calls the board, and what its processor takes. What a board settles of a
configuration.

Designs for them have AXI streams with TLAST, which AXI DMA moves from and to memory (docs/boards.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from hlsgen.config import Config
from hlsgen.errors import ConfigError, nearest


class Processor(Enum):
    """The processing system of a device, by the name of its IP."""

    ZYNQ_7000 = "processing_system7"
    ULTRASCALE = "zynq_ultra_ps_e"


@dataclass(frozen=True)
class Board:
    """A board with a Zynq device. ``board_part`` is vendor and name, whose newest installed version is taken."""

    part: str
    board_part: str
    processor: Processor

    @property
    def memory_bits(self) -> int:
        """Bits of the processor's port to memory: what a stream can have of it each cycle."""
        return 64 if self.processor is Processor.ZYNQ_7000 else 128

    @property
    def clock_period(self) -> float:
        """ns, where nothing is said: what AXI DMA and interconnect reach without effort."""
        return 10.0 if self.processor is Processor.ZYNQ_7000 else 5.0


BOARDS = {
    "pynq-z1": Board("xc7z020clg400-1", "www.digilentinc.com:pynq-z1", Processor.ZYNQ_7000),
    "pynq-z2": Board("xc7z020clg400-1", "tul.com.tw:pynq-z2", Processor.ZYNQ_7000),
    "zcu104": Board("xczu7ev-ffvc1156-2-e", "xilinx.com:zcu104", Processor.ULTRASCALE),
    "ultra96v2": Board("xczu3eg-sbva484-1-i", "avnet.com:ultra96v2", Processor.ULTRASCALE),
    "kria-kv260": Board("xck26-sfvc784-2LV-c", "xilinx.com:kv260_som", Processor.ULTRASCALE),
    "kria-kr260": Board("xck26-sfvc784-2LV-c", "xilinx.com:kr260_som", Processor.ULTRASCALE),
}


def board_named(name: str) -> Board:
    """The board of that name. Raises ConfigError for one that is not known."""
    if name not in BOARDS:
        raise ConfigError(f"board: there is no board '{name}'{nearest(name, BOARDS)}; known are {', '.join(BOARDS)}")
    return BOARDS[name]


def settled(config: Config) -> Config:
    """The configuration with what its board implies, which counts as not said: other settings may change the board.

    Raises ConfigError for a setting that the board cannot have.
    """
    if config.board is None:
        return config
    board = board_named(config.board)
    needed: dict[str, Any] = {
        "part": board.part,
        "io_type": "io_stream",
        "interface": "axis",
        "tlast": True,
        "control": "ap_ctrl_none",
        "axi_lite": False,
    }
    default = {"clock_period": board.clock_period, "port_width": board.memory_bits}
    said = {name for name in config.model_fields_set if getattr(config, name) is not None}
    for name, value in needed.items():
        if name in said and getattr(config, name) != value:
            shown = str(value).lower() if isinstance(value, bool) else value
            raise ConfigError(
                f"{name}: found {getattr(config, name)}, and board '{config.board}' needs {shown} (its processor "
                f"reaches the design by streams through DMA); leave {name} out, or the board"
            )
    implied = needed | {name: value for name, value in default.items() if name not in said}
    return Config.model_construct(_fields_set=set(config.model_fields_set), **{**dict(config), **implied})
