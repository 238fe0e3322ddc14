"""Clocks of boards: PLLs, and the clocks of a bit on the serial line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hlsgen.board.table import Board
from hlsgen.errors import ConfigError

_SAME = 1e-3
"""The share by which two clocks may differ and count as the same."""
_INPUT, _PHASE, _VCO, _OUTPUT = (8.0, 400.0), (3.125, 400.0), (400.0, 800.0), (3.125, 400.0)
"""MHz: of EHXPLLL, as Project Trellis' ecppll has them: input, phase detector, oscillator, output."""
_DIVIDERS = range(1, 129)
_FEWEST = 8
"""Clocks of a bit: the middle of one is found within an eighth."""
_OFF = 0.015
"""By which share a bit may be longer or shorter than the host's: by half a bit ten bits later is too much, and the
sampling takes a part of that, as does the host."""


@dataclass(frozen=True)
class Pll:
    """An EHXPLLL whose output is its feedback: ``output = input * multiply / divide_input``, in MHz."""

    input: float
    divide_input: int
    multiply: int
    divide_output: int
    """From the oscillator of the PLL, which runs at ``output * divide_output``."""

    @property
    def output(self) -> float:
        return self.input * self.multiply / self.divide_input


@dataclass(frozen=True)
class Clock:
    """The clock of a design, in MHz; ``pll`` makes it, or it is the board's."""

    megahertz: float
    pll: Pll | None


def clock_of(name: str, board: Board, wish: float | None, allow_slow: bool = False) -> Clock:
    """The board's clock, or the fastest that a PLL makes that is no faster than ``wish`` MHz.

    ``allow_slow``: a board without a PLL may be slower than that. Raises ConfigError.
    """
    if wish is None or abs(wish / board.megahertz - 1) < _SAME:
        return Clock(board.megahertz, None)
    if board.device.family != "ecp5":
        if allow_slow and wish > board.megahertz:
            return Clock(board.megahertz, None)
        own = 1000 / board.megahertz
        raise ConfigError(
            f"clock_period: found {1000 / wish:g} ns, and board '{name}' has a clock of {own:g} ns and no PLL that "
            f"is used here; set clock_period: {own:.3f}, leave it out, or allow a slower clock (--allow-slow)"
        )
    found = max((pll for pll in _plls(board.megahertz) if pll.output <= wish * (1 + 1e-9)), key=_merit, default=None)
    if found is None:
        raise ConfigError(
            f"clock_period: found {1000 / wish:g} ns, and the PLL of board '{name}' makes clocks of "
            f"{1000 / _OUTPUT[1]:g} to {1000 / _OUTPUT[0]:g} ns"
        )
    return Clock(found.output, found)


def _merit(pll: Pll) -> tuple[float, int, float]:
    """The fastest, with the fastest phase detector, with its oscillator in the middle."""
    return pll.output, -pll.divide_input, -abs(pll.output * pll.divide_output - sum(_VCO) / 2)


def _plls(megahertz: float) -> Iterator[Pll]:
    if not _INPUT[0] <= megahertz <= _INPUT[1]:
        return
    for divide in _DIVIDERS:
        phase = megahertz / divide
        if not _PHASE[0] <= phase <= _PHASE[1]:
            break
        for multiply in _DIVIDERS:
            output = phase * multiply
            if not _OUTPUT[0] <= output <= _OUTPUT[1]:
                continue
            first, last = -(-_VCO[0] // output), _VCO[1] // output
            for divide_output in range(int(first), int(min(last, _DIVIDERS[-1])) + 1):
                yield Pll(megahertz, divide, multiply, divide_output)


def clocks_of_bit(megahertz: float, baud: int) -> int:
    """The clocks of a bit. Raises ConfigError for a rate that is too fast, or not met."""
    exact = megahertz * 1e6 / baud
    clocks = round(exact)
    if clocks < _FEWEST:
        raise ConfigError(
            f"baud: found {baud}, at most {int(megahertz * 1e6 / _FEWEST)} with a clock of {megahertz:g} MHz "
            f"({_FEWEST} clocks a bit)"
        )
    if clocks >= 1 << 16:
        raise ConfigError(f"baud: found {baud}, at least {int(megahertz * 1e6 / 0xFFFF) + 1} with {megahertz:g} MHz")
    if abs(clocks / exact - 1) > _OFF:
        near = sorted(round(megahertz * 1e6 / count) for count in (int(exact), int(exact) + 1) if count >= _FEWEST)
        raise ConfigError(
            f"baud: {baud} is {exact:.2f} clocks of {megahertz:g} MHz a bit, off by {abs(clocks / exact - 1):.1%} in "
            f"whole ones; take {' or '.join(map(str, near))}, or another clock_period"
        )
    return clocks
