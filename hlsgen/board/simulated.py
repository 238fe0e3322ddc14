"""A board in Verilator: the whole design, from the pins of its clock and buttons to those of its serial line."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from hlsgen.backends.verilog.text import render
from hlsgen.board.design import TOP, BoardDesign
from hlsgen.errors import LinkError
from hlsgen.simulation.build import build_library
from hlsgen.tools import templates_dir

BREAK, PAUSE = 256, 257
"""Symbols besides bytes: the line is low for 15 bits, or at rest for 10."""
_AT_ONCE = 4096
_RESET = 1000
"""Clocks in which nothing is sent: a board is there before its host speaks."""


class SimulatedBoard:
    """A line (:class:`hlsgen.board.line.Line`) to a board that is simulated clock by clock, in its own time.

    ``drift``: the share by which the host's bits are longer than they should be. It runs while it is read.
    """

    def __init__(self, design: BoardDesign, *, drift: float = 0.0, seed: int = 0) -> None:
        """Compile, or find it in the cache. Raises ToolError."""
        board = design.board
        driver = render(
            "board/driver.cpp.j2",
            button=board.pressed if board.button else None,
            holds=board.hold is not None,
            leds=len(board.leds.sites[:4]) if board.leds else 0,
            leds_low=board.leds_low,
        )
        rtl = {path.rpartition("/")[2]: text for path, text in design.verilog.items()}
        if design.clock.pll is not None:
            model = templates_dir() / "verilog" / "board" / "pll_model.v"
            rtl["EHXPLLL.v"] = model.read_text(encoding="utf-8")
        self._library = build_library(rtl, TOP, driver)
        self._library.hlsgen_board_new.restype = ctypes.c_void_p
        self._library.hlsgen_board_run.restype = ctypes.c_int64
        self._hertz = design.clock.megahertz * 1e6
        bit = self._hertz / design.baud * (1 + drift)
        self._board = ctypes.c_void_p(self._library.hlsgen_board_new(ctypes.c_double(bit), ctypes.c_uint64(seed)))
        self._to_send: list[int] = []
        self._out = (ctypes.c_uint8 * _AT_ONCE)()
        self.name = f"the simulated {design.board_name}"
        self.broken = 0
        """Bytes without stop bit that came."""
        self.clocks = 0
        """That have passed."""
        self.run(_RESET)

    def send(self, symbols: Sequence[int]) -> None:
        """As write, of bytes and of :data:`BREAK` and :data:`PAUSE`."""
        self._to_send += symbols

    def write(self, data: bytes) -> None:
        self.send(data)

    def read(self, timeout: float) -> bytes:
        """Run until a byte comes, but no longer than ``timeout`` seconds of the board."""
        return self.run(round(timeout * self._hertz), 1)

    def run(self, clocks: int, most: int = _AT_ONCE) -> bytes:
        """Run for so many clocks, or until ``most`` bytes have come; these are returned. Raises LinkError if closed."""
        if not self._board:
            raise LinkError(f"{self.name}: was closed; make another one")
        symbols = np.array(self._to_send, dtype=np.uint16)
        self._to_send = []
        left, broken = ctypes.c_int64(clocks), ctypes.c_int64()
        come = self._library.hlsgen_board_run(
            self._board,
            symbols.ctypes.data_as(ctypes.POINTER(ctypes.c_uint16)),
            ctypes.c_int64(len(symbols)),
            self._out,
            ctypes.c_int64(min(most, _AT_ONCE)),
            ctypes.byref(left),
            ctypes.byref(broken),
        )
        self.broken = broken.value
        self.clocks += clocks - left.value
        return bytes(self._out[:come])

    def pins(self, *, pressed: bool = False, hold: bool = False) -> None:
        """Press the button, or say that the host takes nothing, until it is said otherwise."""
        self._library.hlsgen_board_pins(self._board, ctypes.c_int(pressed), ctypes.c_int(hold))

    @property
    def lights(self) -> int:
        """Which LEDs are on, the first one in the lowest bit."""
        return int(self._library.hlsgen_board_lights(self._board))

    @property
    def seconds(self) -> float:
        """Of the board's time, since it began."""
        return self.clocks / self._hertz

    def close(self) -> None:
        """Forget the board."""
        if self._board:
            self._library.hlsgen_board_delete(self._board)
            self._board = ctypes.c_void_p()
