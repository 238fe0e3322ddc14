"""How tensors pass the border of the top function: which ports there are, and what a word of one holds.

One truth for the generated C++, its test bench, the header comment, the summary and hlsgen.json
(``hlsgen.backends.hls.program.Plan.ports``). What users read of it is docs/interface.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from hlsgen.config import Config
from hlsgen.errors import ConfigError

WIDEST_WORD = 4096
"""Bits of the widest integer of Vitis HLS (``AP_INT_MAX_W``), of the widest stream and of the widest AXI4-Stream."""
WIDEST_OF_MEMORY = 512
"""Bits of the widest word of an AXI4 master: what memory controllers have, and Vitis HLS' own limit for widening."""
WIDEST_ROW = 8 * 4096
"""Bits of a row of a memory that is loaded: it is collected in registers of a byte, of which there are up to 4,096."""
NARROWEST_OF_DMA, WIDEST_OF_DMA = 32, 1024
"""Bits of the words that AXI DMA moves: powers of two, of streams and of memory alike."""
WIDEST_UNASKED = 1024
"""Bits of the widest integer in C simulation unless ``AP_INT_MAX_W`` is defined."""


SAMPLES_OF_BENCH = 4
"""Samples in a call of the test bench, where a call computes several: enough for them to overlap."""


class Bus(Enum):
    """What the ports of a design are, by the names of the configuration."""

    AP_VLD = "ap_vld"
    AXIS = "axis"
    AXI_MASTER = "axi_master"


class Control(Enum):
    """How a sample is begun and ended, by the names of the configuration, which are the tool's."""

    HANDSHAKE = "ap_ctrl_hs"
    CHAIN = "ap_ctrl_chain"
    NONE = "ap_ctrl_none"


class PortForm(Enum):
    """How a tensor passes the border of the top function: one truth for pragmas, header comment and summary."""

    WORD = "one port, element 0 in the lowest bits"
    ELEMENTS = "one port an element, numbered behind the name"
    ROWS = "a memory of words (address, enable, data), element 0 in the lowest bits, no gaps between elements"
    MEMORY = (
        "words in memory, read or written by an AXI4 master, element 0 in the lowest bits, no gaps between elements, "
        "zeros above the last"
    )
    STREAM = "an AXI stream of words, element 0 in the lowest bits, no gaps between elements, zeros above the last"
    PACKETS = (
        "an AXI stream of words with TKEEP, TSTRB and TLAST (on the last word of a sample), element 0 in the lowest "
        "bits, no gaps between elements, zeros above the last"
    )

    @property
    def has_word(self) -> bool:
        """Whether the words of the port are integers that the design packs and unpacks itself."""
        return self.is_stream or self is PortForm.MEMORY

    @property
    def is_stream(self) -> bool:
        """Whether it is an AXI stream."""
        return self in (PortForm.STREAM, PortForm.PACKETS)


@dataclass(frozen=True)
class Interface:
    """What was chosen of the ports of a design."""

    bus: Bus
    control: Control = Control.HANDSHAKE
    registers: bool = False
    """Whether control is registers on AXI4-Lite rather than wires."""
    packets: bool = False
    """Whether AXI streams have TLAST, TKEEP and TSTRB."""
    widest: int = WIDEST_WORD
    """Bits that a word of an AXI port may have, padding included."""
    through_dma: bool = False
    """Whether words of AXI streams have widths that AXI DMA takes."""
    batch: bool = False
    """Whether a call computes as many samples as its last argument says, and has C linkage, as a kernel of XRT."""

    @classmethod
    def default(cls, io_type: str) -> Interface:
        """What an ``io_type`` has where nothing is said."""
        return cls(_BUSES[io_type][0])

    @classmethod
    def of(cls, config: Config) -> Interface:
        """The choice of a configuration. Raises ConfigError for settings that do not go together."""
        bus = _bus(config)
        _check_streams_alone(config, bus)
        _check_batch(config, bus)
        dma = config.board is not None and bus is Bus.AXIS
        most = WIDEST_OF_MEMORY if bus is Bus.AXI_MASTER else WIDEST_OF_DMA if dma else WIDEST_WORD
        if config.port_width is not None and (bus is Bus.AP_VLD or config.port_width > most):
            able = f"has words of up to {most} bits" if bus is not Bus.AP_VLD else "has no words whose width is chosen"
            able += " through DMA" if dma else ""
            raise ConfigError(f"port_width: found {config.port_width}, and interface '{bus.value}' {able}")
        registers, widest = _registers(config, bus), config.port_width or most
        return cls(bus, Control(config.control), registers, config.tlast, widest, dma, config.batch)

    def that_loads(self, config: Config, layer: str) -> Interface:
        """The same for a design that loads weights, as those of ``layer``: registers say from where, and when.

        Raises ConfigError for a choice without such registers.
        """
        found = f"weights 'axi' of {layer} are loaded by the call that asks for it"
        if config.board is not None:
            raise ConfigError(
                f"board: {found}, and the driver of '{config.board}' brings inputs and outputs alone; give weights "
                "'constant', or leave board out and connect the design yourself"
            )
        if self.control is Control.NONE:
            raise ConfigError(
                f"control: {found}, and with ap_ctrl_none there are no calls; give ap_ctrl_hs or ap_ctrl_chain, or "
                "weights 'bram_port'"
            )
        if config.axi_lite is False:
            raise ConfigError(
                f"axi_lite: {found}, in registers on AXI4-Lite, with the control beside them; leave axi_lite out, or "
                "give weights 'bram_port'"
            )
        return replace(self, registers=True)

    def __str__(self) -> str:
        many = ", several samples a call" if self.batch else ""
        return f"{self.bus.value}, {self.control.value}{' on AXI4-Lite' if self.registers else ''}{many}"

    def bits(self, used: int) -> int:
        """Bits of a word that carries ``used``: whole bytes on AXI, a power of two of them in memory and for DMA."""
        if self.bus is Bus.AP_VLD:
            return used
        whole = -(-used // 8) * 8
        if self.bus is Bus.AXIS and not self.through_dma:
            return whole
        return max(1 << (whole - 1).bit_length(), NARROWEST_OF_DMA if self.through_dma else 8)

    def elements(self, port: str, pack: int, width: int) -> int:
        """How many elements of ``width`` bits a word of ``port`` holds: all of a pack, or the largest part that fits.

        Raises ConfigError if not even one fits.
        """
        for count in range(min(pack, self.widest // width), 0, -1):
            if pack % count == 0 and self.bits(count * width) <= self.widest:
                return count
        raise ConfigError(
            f"port_width: a word of {self.widest} bits holds no element of port '{port}', which has {width} bits; "
            f"give at least {self.bits(width)}, or a narrower type"
        )


@dataclass(frozen=True)
class Words:
    """What a port carries a sample: ``words`` of ``elements`` elements in ``bits`` bits (of ELEMENTS: a port)."""

    form: PortForm
    elements: int
    bits: int
    words: int


def words_of_array(is_input: bool, size: int, width: int) -> Words:
    """A tensor that is an array of the design's: an input is one word if there is one so wide."""
    if is_input and size * width <= WIDEST_WORD:
        return Words(PortForm.WORD, size, size * width, 1)
    return Words(PortForm.ELEMENTS, 1, width, 1)


def words_of_stream(interface: Interface, port: str, is_input: bool, size: int, pack: int, width: int) -> Words:
    """A tensor that is a stream of the design's, of ``size // pack`` packs. Raises ConfigError if no word holds one."""
    elements = interface.elements(port, pack, width)
    if interface.bus is Bus.AP_VLD and elements == size:
        return words_of_array(is_input, size, width)
    form = PortForm.PACKETS if interface.packets else _FORMS[interface.bus]
    return Words(form, elements, interface.bits(elements * width), size // elements)


_FORMS = {Bus.AP_VLD: PortForm.ROWS, Bus.AXIS: PortForm.STREAM, Bus.AXI_MASTER: PortForm.MEMORY}
_BUSES = {"io_parallel": (Bus.AP_VLD, Bus.AXI_MASTER), "io_stream": (Bus.AXIS, Bus.AXI_MASTER)}
"""What an io_type can have, the default first."""


def _bus(config: Config) -> Bus:
    able = _BUSES[config.io_type]
    if config.interface is None:
        return able[0]
    bus = Bus(config.interface)
    if bus not in able:
        other = next(name for name in _BUSES if bus in _BUSES[name])
        raise ConfigError(
            f"interface: '{bus.value}' is of {other}, and io_type is {config.io_type}; set io_type to {other}, or give "
            f"one of {', '.join(one.value for one in able)}"
        )
    return bus


def _check_streams_alone(config: Config, bus: Bus) -> None:
    """Raise ConfigError for what only AXI streams can have."""
    if config.tlast and bus is not Bus.AXIS:
        raise ConfigError(
            f"tlast: is of AXI streams, and interface is '{bus.value}'; leave it out, or set io_type to io_stream and "
            "interface to axis"
        )
    if config.control == Control.NONE.value and bus is Bus.AXI_MASTER:
        raise ConfigError(
            "control: with ap_ctrl_none nothing begins a sample, and memory does not say when one is there; give "
            "ap_ctrl_hs or ap_ctrl_chain, or interface axis"
        )


def _check_batch(config: Config, bus: Bus) -> None:
    """Raise ConfigError for a call of several samples through ports that have no place for them."""
    if config.batch and bus is not Bus.AXI_MASTER:
        raise ConfigError(
            f"batch: samples of a call lie in memory one behind the other, and interface is '{bus.value}'; leave it "
            "out, or set interface to axi_master"
        )


def _registers(config: Config, bus: Bus) -> bool:
    if config.axi_lite and config.control == Control.NONE.value:
        raise ConfigError("axi_lite: with control ap_ctrl_none there is nothing to control; leave one of them out")
    if config.axi_lite is False and bus is Bus.AXI_MASTER:
        raise ConfigError(
            "axi_lite: interface 'axi_master' has its addresses in registers on AXI4-Lite, and its control beside "
            "them; leave axi_lite out, or give another interface"
        )
    return bus is Bus.AXI_MASTER if config.axi_lite is None else config.axi_lite
