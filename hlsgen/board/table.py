"""Boards that open tools build for: devices, clocks and pins.

The pins are facts of the boards, as amaranth-boards 0.1 has them. Which boards of Vivado and Vitis there are is in
:mod:`hlsgen.backends.boards`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hlsgen.backends.boards import BOARDS as OF_VENDORS
from hlsgen.errors import ConfigError, nearest


@dataclass(frozen=True)
class Device:
    """A device: what nextpnr is told of it. ``part`` is its name for people."""

    part: str
    family: Literal["ecp5", "ice40"]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Pins:
    """Pins of ports that are alike: ``sites`` in order, and what constraints say of each."""

    sites: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """A board: what the top module is connected to.

    ``megahertz``: its oscillator's. ``pressed``: the level of a button that is. ``hold``: the pin by which the
    host says (high) that it takes nothing. ``leds``: the first four are used. ``high``: pins that have to be high, by
    what they are. ``loader``: arguments of openFPGALoader.
    """

    device: Device
    megahertz: float
    clock: Pins
    receive: Pins
    send: Pins
    loader: tuple[str, ...]
    button: Pins | None = None
    pressed: Literal["high", "low"] = "low"
    hold: Pins | None = None
    leds: Pins | None = None
    leds_low: bool = False
    high: Mapping[str, Pins] = field(default_factory=dict)


def _ecp5(part: str, size: str, package: str, speed: int) -> Device:
    return Device(part, "ecp5", (f"--{size}", "--package", package, "--speed", str(speed)))


_CMOS = {"IO_TYPE": "LVCMOS33"}
_PULLED_UP, _PULLED_DOWN = {**_CMOS, "PULLMODE": "UP"}, {**_CMOS, "PULLMODE": "DOWN"}
_WEAK = {**_CMOS, "DRIVE": "4"}


def _ulx3s(size: int) -> Board:
    return Board(
        _ecp5(f"LFE5U-{size}F-6BG381C", f"{size}k", "CABGA381", 6),
        25.0,
        clock=Pins(("G2",), _CMOS),
        receive=Pins(("M1",), _CMOS),
        send=Pins(("L4",), _CMOS),
        loader=("-b", "ulx3s"),
        button=Pins(("R1",), _PULLED_DOWN),  # fire 1
        pressed="high",
        leds=Pins(("B2", "C2", "C1", "D2"), _WEAK),
        high={"esp32_gpio0": Pins(("L2",), _PULLED_UP)},  # low would have the ESP32 take over the board
    )


def _ecpix5(size: int) -> Board:
    return Board(
        _ecp5(f"LFE5UM5G-{size}F-8BG554I", f"um5g-{size}k", "CABGA554", 8),
        100.0,
        clock=Pins(("K23",), _CMOS),
        receive=Pins(("R26",), _PULLED_UP),
        send=Pins(("R24",), _PULLED_UP),
        loader=("-c", "ft2232"),
        button=Pins(("AB1",), _CMOS),
        leds=Pins(("T23", "R21", "T22"), _PULLED_UP),
        leds_low=True,
    )


BOARDS: dict[str, Board] = {
    "ulx3s": _ulx3s(85),
    "ulx3s-12f": _ulx3s(12),
    "ulx3s-25f": _ulx3s(25),
    "ulx3s-45f": _ulx3s(45),
    "ulx3s-85f": _ulx3s(85),
    "ecpix5-45": _ecpix5(45),
    "ecpix5-85": _ecpix5(85),
    "icepi-zero": Board(
        _ecp5("LFE5U-25F-6BG256C", "25k", "CABGA256", 6),
        50.0,
        clock=Pins(("M1",), {**_CMOS, "PULLMODE": "NONE"}),
        receive=Pins(("K16",), _PULLED_UP),
        send=Pins(("K15",), _WEAK),
        loader=("-b", "icepi-zero"),
        button=Pins(("C4",), _PULLED_UP),
        leds=Pins(("E13", "D14", "E12", "C13"), _WEAK),
    ),
    "icebreaker": Board(
        Device("iCE40UP5K-SG48", "ice40", ("--up5k", "--package", "sg48")),
        12.0,
        clock=Pins(("35",)),
        receive=Pins(("6",)),
        send=Pins(("9",)),
        loader=("-b", "ice40_generic"),
        button=Pins(("10",)),
        leds=Pins(("11", "37")),
        leds_low=True,
    ),
    "ice40-hx8k-b-evn": Board(
        Device("iCE40HX8K-CT256", "ice40", ("--hx8k", "--package", "ct256")),
        12.0,
        clock=Pins(("J3",)),
        receive=Pins(("B10",)),
        send=Pins(("B12",)),
        loader=("-b", "ice40_generic"),
        hold=Pins(("B13",)),
        leds=Pins(("C3", "B3", "C4", "C5")),
    ),
}


def board_named(name: str) -> Board:
    """The board of that name. Raises ConfigError for one that is not known, or that open tools do not build for."""
    if name in OF_VENDORS:
        raise ConfigError(
            f"board: '{name}' is built for by Vivado or Vitis: set board: {name} with backend: vitis; boards of "
            f"bitstream are {', '.join(BOARDS)}"
        )
    if name not in BOARDS:
        raise ConfigError(f"board: there is no board '{name}'{nearest(name, BOARDS)}; known are {', '.join(BOARDS)}")
    return BOARDS[name]
