"""Boards by name: their devices, and what a board settles of a configuration.

There are two kinds. On a board with a Zynq device, AXI DMA moves samples between the processor's memory and the streams
of a design; an Alveo card runs a design as a kernel of XRT, which reads and writes the card's memory itself
(docs/boards.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from hlsgen.config import Config
from hlsgen.errors import ConfigError, nearest


class Processor(Enum):
    """The processing system of a Zynq device, by the name of its IP."""

    ZYNQ_7000 = "processing_system7"
    ULTRASCALE = "zynq_ultra_ps_e"


@dataclass(frozen=True)
class Memory:
    """The memory of a card: what the linker calls its banks, and how many ports are connected to one."""

    name: str
    banks: int
    ports_of_bank: int

    @property
    def most_ports(self) -> int:
        return self.banks * self.ports_of_bank

    def bank(self, port: int) -> str:
        """The bank of a port, by its number."""
        return f"{self.name}[{port // self.ports_of_bank}]"


HBM = Memory("HBM", 32, 1)
DDR = Memory("DDR", 4, 15)
"""Of which one is next to what reaches the host: ports go to others where it takes no more (15, says UG1700)."""


@dataclass(frozen=True)
class Zynq:
    """A board with a Zynq device. ``board_part`` is vendor and name, whose newest installed version is taken."""

    part: str
    board_part: str
    processor: Processor

    reason = "its processor reaches the design by streams through DMA"
    """Why its needs are what they are, for messages."""

    @property
    def memory_bits(self) -> int:
        """Bits of the processor's port to memory: what a stream can have of it each cycle."""
        return 64 if self.processor is Processor.ZYNQ_7000 else 128

    @property
    def clock_period(self) -> float:
        """ns, where nothing is said: what AXI DMA and interconnect reach without effort."""
        return 10.0 if self.processor is Processor.ZYNQ_7000 else 5.0

    @property
    def needs(self) -> dict[str, Any]:
        """The settings that it cannot have otherwise."""
        return {
            "part": self.part,
            "io_type": "io_stream",
            "interface": "axis",
            "tlast": True,
            "control": "ap_ctrl_none",
            "axi_lite": False,
            "batch": False,
        }

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings where nothing is said."""
        return {"clock_period": self.clock_period, "port_width": self.memory_bits}


@dataclass(frozen=True)
class Alveo:
    """An Alveo card. ``platform`` is one that Vitis has for it; another can be given when the kernel is linked."""

    part: str
    platform: str
    memory: Memory

    reason = "XRT starts the design as a kernel, by registers, and its samples lie in the card's memory"
    """Why its needs are what they are, for messages."""

    @property
    def needs(self) -> dict[str, Any]:
        """The settings that it cannot have otherwise."""
        return {"part": self.part, "interface": "axi_master", "tlast": False, "axi_lite": True, "batch": True}

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings where nothing is said: XRT may start a call before the last one has ended; 200 MHz."""
        return {"control": "ap_ctrl_chain", "clock_period": 5.0}


Board = Zynq | Alveo
BOARDS: dict[str, Board] = {
    "pynq-z1": Zynq("xc7z020clg400-1", "www.digilentinc.com:pynq-z1", Processor.ZYNQ_7000),
    "pynq-z2": Zynq("xc7z020clg400-1", "tul.com.tw:pynq-z2", Processor.ZYNQ_7000),
    "zcu104": Zynq("xczu7ev-ffvc1156-2-e", "xilinx.com:zcu104", Processor.ULTRASCALE),
    "ultra96v2": Zynq("xczu3eg-sbva484-1-i", "avnet.com:ultra96v2", Processor.ULTRASCALE),
    "kria-kv260": Zynq("xck26-sfvc784-2LV-c", "xilinx.com:kv260_som", Processor.ULTRASCALE),
    "kria-kr260": Zynq("xck26-sfvc784-2LV-c", "xilinx.com:kr260_som", Processor.ULTRASCALE),
    "u50": Alveo("xcu50-fsvh2104-2-e", "xilinx_u50_gen3x16_xdma_5_202210_1", HBM),
    "u55c": Alveo("xcu55c-fsvh2892-2L-e", "xilinx_u55c_gen3x16_xdma_3_202210_1", HBM),
    "u200": Alveo("xcu200-fsgd2104-2-e", "xilinx_u200_gen3x16_xdma_2_202110_1", DDR),
    "u250": Alveo("xcu250-figd2104-2L-e", "xilinx_u250_gen3x16_xdma_4_1_202210_1", DDR),
    "u280": Alveo("xcu280-fsvh2892-2L-e", "xilinx_u280_gen3x16_xdma_1_202211_1", HBM),
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
    said = {name for name in config.model_fields_set if getattr(config, name) is not None}
    for name, value in board.needs.items():
        if name in said and getattr(config, name) != value:
            shown = str(value).lower() if isinstance(value, bool) else value
            raise ConfigError(
                f"{name}: found {getattr(config, name)}, and board '{config.board}' needs {shown} ({board.reason}); "
                f"leave {name} out, or the board"
            )
    implied = board.needs | {name: value for name, value in board.defaults.items() if name not in said}
    return Config.model_construct(_fields_set=set(config.model_fields_set), **{**dict(config), **implied})
