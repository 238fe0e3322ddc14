"""How tensors pass the border of the top function: which ports there are, and what a word of one holds.

One truth for the generated C++, its test bench, the header comment, the summary and hlsgen.json
(``hlsgen.backends.hls.plan.Plan.ports``). What users read of it is docs/interface.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hlsgen.config import Config
from hlsgen.errors import ConfigError

WIDEST_WORD = 4096
"""Bits of the widest integer of Vitis HLS (``AP_INT_MAX_W``), of the widest stream and of the widest AXI4-Stream."""
WIDEST_UNASKED = 1024
"""Bits of the widest integer in C simulation unless ``AP_INT_MAX_W`` is defined."""


class Bus(Enum):
    """What the ports of a design are, by the names of the configuration."""

    AP_VLD = "ap_vld"
    AXIS = "axis"


class PortForm(Enum):
    """How a tensor passes the border of the top function: one truth for pragmas, header comment and summary."""

    WORD = "one port, element 0 in the lowest bits"
    ELEMENTS = "one port an element, numbered behind the name"
    ROWS = "a memory of words (address, enable, data), element 0 in the lowest bits, no gaps between elements"
    STREAM = "an AXI stream of words, element 0 in the lowest bits, no gaps between elements, zeros above the last"
    PACKETS = (
        "an AXI stream of words with TKEEP, TSTRB and TLAST (on the last word of a sample), element 0 in the lowest "
        "bits, no gaps between elements, zeros above the last"
    )

    @property
    def has_word(self) -> bool:
        """Whether the words of the port are integers that the design packs and unpacks itself."""
        return self in (PortForm.STREAM, PortForm.PACKETS)


@dataclass(frozen=True)
class Interface:
    """What was chosen of the ports of a design."""

    bus: Bus
    packets: bool = False
    """Whether AXI streams have TLAST, TKEEP and TSTRB."""
    widest: int = WIDEST_WORD
    """Bits that a word of an AXI port may have, padding included."""

    @classmethod
    def default(cls, io_type: str) -> Interface:
        """What an ``io_type`` has where nothing is said."""
        return cls(Bus.AXIS if io_type == "io_stream" else Bus.AP_VLD)

    @classmethod
    def of(cls, config: Config) -> Interface:
        """The choice of a configuration. Raises ConfigError for settings that do not go together."""
        bus = cls.default(config.io_type).bus
        if config.tlast and bus is not Bus.AXIS:
            raise ConfigError(
                f"tlast: is of AXI streams, and the ports are {bus.value}; leave it out, or set io_type to io_stream"
            )
        if config.port_width is not None and bus is Bus.AP_VLD:
            raise ConfigError(
                "port_width: is of AXI ports, and the ports are ap_vld; leave it out, or set io_type to io_stream"
            )
        return cls(bus, config.tlast, config.port_width or WIDEST_WORD)

    def bits(self, used: int) -> int:
        """Bits of a word that carries ``used``: whole bytes on AXI."""
        return used if self.bus is Bus.AP_VLD else -(-used // 8) * 8

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


_FORMS = {Bus.AP_VLD: PortForm.ROWS, Bus.AXIS: PortForm.STREAM}
