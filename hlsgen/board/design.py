"""What is built for a board: the network, what is around it, the constraints of its pins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.backends.verilog.text import render
from hlsgen.board.about import About, about, ends, whole_bytes
from hlsgen.board.clocks import Clock, clock_of, clocks_of_bit
from hlsgen.board.table import Board, Pins, board_named
from hlsgen.tools import templates_dir
from hlsgen.version import VERSION

TOP = "hlsgen_board"
DEFAULT_BAUD = 1_000_000
"""Bits a second: what the USB bridges of the boards take, and in whole clocks of 12, 25, 50 and 100 MHz."""
_PLAIN = (
    "hlsgen_crc",
    "hlsgen_frame_in",
    "hlsgen_frame_memory",
    "hlsgen_frame_out",
    "hlsgen_link",
    "hlsgen_serial_in",
    "hlsgen_serial_out",
)
"""The modules that are the same for every network."""
_BLINK = 0.1
"""s that a light is on for a byte."""


@dataclass(frozen=True)
class BoardDesign:
    """A circuit on a board. ``board_name`` is as in :data:`hlsgen.board.table.BOARDS`."""

    circuit: Circuit
    board_name: str
    board: Board
    clock: Clock
    baud: int

    @cached_property
    def about(self) -> About:
        return about(self.circuit)

    @property
    def clocks_of_bit(self) -> int:
        return clocks_of_bit(self.clock.megahertz, self.baud)

    @property
    def pins_file(self) -> str:
        """The constraints, as the family's tools take them."""
        return f"{self.circuit.name}.{'lpf' if self.board.device.family == 'ecp5' else 'pcf'}"

    @cached_property
    def verilog(self) -> dict[str, str]:
        """Path -> text: the network in ``rtl/``, the rest in ``board/``."""
        folder = templates_dir() / "verilog" / "board"
        plain = {f"board/{name}.v": (folder / f"{name}.v").read_text(encoding="utf-8") for name in _PLAIN}
        return {
            **rtl_files(self.circuit),
            **plain,
            "board/hlsgen_about.v": render("board/about.v.j2", about=self.about.packed()),
            f"board/{TOP}.v": self._top(),
        }

    def _top(self) -> str:
        board, (x, y) = self.board, ends(self.circuit)
        leds = board.leds.sites[:4] if board.leds else ()
        return render(
            "board/board.v.j2",
            circuit=self.circuit,
            board=self.board_name,
            version=VERSION,
            megahertz=self.clock.megahertz,
            pll=self.clock.pll,
            baud=self.baud,
            clocks_of_bit=self.clocks_of_bit,
            pins_file=self.pins_file,
            button=board.pressed if board.button else None,
            holds=board.hold is not None,
            high=list(board.high),
            leds=len(leds),
            leds_low=board.leds_low,
            blink_bits=round(self.clock.megahertz * 1e6 * _BLINK).bit_length(),
            room_bits=self.about.room.bit_length() - 1,
            sample_bytes=self.about.sample_bytes,
            x_port=x.name,
            y_port=y.name,
            x=x.words,
            y=y.words,
            x_bytes=whole_bytes(x.words.width),
            y_bytes=whole_bytes(y.words.width),
        )

    def pins(self) -> str:
        """The text of :attr:`pins_file`: each port of the top module at its site, and the board's clock."""
        ports = [(port, site, pins) for name, pins in self._pins().items() for port, site in _ports(name, pins)]
        if self.board.device.family == "ice40":
            return "".join(f"set_io {port} {site}\n" for port, site, _ in ports)
        lines = [f'FREQUENCY PORT "clock" {self.board.megahertz:g} MHZ;']
        for port, site, pins in ports:
            lines.append(f'LOCATE COMP "{port}" SITE "{site}";')
            lines.append(f'IOBUF PORT "{port}" {" ".join(f"{k}={v}" for k, v in pins.attributes.items())};')
        return "".join(f"{line}\n" for line in lines)

    def _pins(self) -> dict[str, Pins]:
        board = self.board
        named = {
            "clock": board.clock,
            "button": board.button,
            "serial_in": board.receive,
            "serial_out": board.send,
            "serial_hold": board.hold,
            "led": board.leds,
            **board.high,
        }
        return {name: pins for name, pins in named.items() if pins is not None}


def design_for(
    circuit: Circuit, board_name: str, wish: float | None, baud: int, *, allow_slow: bool = False
) -> BoardDesign:
    """A circuit on a board, with the clock that is wished (MHz; None: the board's own).

    ``allow_slow``: a board without a PLL may have a slower one.


    Raises ConfigError for a board, a clock or a rate that cannot be, UnsupportedError for samples that are too large.
    """
    board = board_named(board_name)
    design = BoardDesign(circuit, board_name, board, clock_of(board_name, board, wish, allow_slow), baud)
    clocks_of_bit(design.clock.megahertz, baud)
    about(circuit)
    return design


def _ports(name: str, pins: Pins) -> list[tuple[str, str]]:
    """The bits of a port, each with its site; lights alone are several."""
    if name != "led":
        return [(name, pins.sites[0])]
    return [(f"led[{k}]", site) for k, site in enumerate(pins.sites[:4])]
