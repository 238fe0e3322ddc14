"""Clocks that a board can have, and rates that it can keep."""

from __future__ import annotations

import pytest

from hlsgen.board.clocks import clock_of, clocks_of_bit
from hlsgen.board.table import BOARDS, board_named
from hlsgen.errors import ConfigError


def test_the_boards_own():
    for name, board in BOARDS.items():
        for wish in (None, board.megahertz):
            clock = clock_of(name, board, wish)
            assert (clock.megahertz, clock.pll) == (board.megahertz, None)


@pytest.mark.parametrize("board", ["ulx3s", "ecpix5-45", "icepi-zero"])
@pytest.mark.parametrize("wish", [12.5, 33.0, 66.67, 125.0, 133.34, 400.0])
def test_pll(board, wish):
    """Within what the primitive allows, at most what is wished, and near it."""
    clock = clock_of(board, BOARDS[board], wish)
    pll = clock.pll
    assert pll is not None and pll.input == BOARDS[board].megahertz
    assert 0.94 * wish < clock.megahertz <= wish * (1 + 1e-9)
    assert clock.megahertz == pll.output == pll.input * pll.multiply / pll.divide_input
    assert 400 <= pll.output * pll.divide_output <= 800
    assert pll.input / pll.divide_input >= 3.125
    assert all(1 <= number <= 128 for number in (pll.divide_input, pll.multiply, pll.divide_output))


def test_pll_of_a_known_clock():
    pll = clock_of("ulx3s", BOARDS["ulx3s"], 100.0).pll
    assert pll is not None and (pll.divide_input, pll.multiply, pll.divide_output) == (1, 4, 6)
    assert clock_of("ulx3s", BOARDS["ulx3s"], 1000 / 8).megahertz == 125  # not a rounding beside


@pytest.mark.parametrize("wish", [1.0, 3.0])
def test_clocks_that_no_pll_makes(wish):
    with pytest.raises(ConfigError, match=r"clock_period: found \d+.* makes clocks of 2.5 to 320 ns"):
        clock_of("ulx3s", BOARDS["ulx3s"], wish)


def test_without_a_pll():
    board = BOARDS["icebreaker"]
    with pytest.raises(
        ConfigError, match=r"found 40 ns, and board 'icebreaker' has a clock of 83.3333 ns .*allow-slow"
    ):
        clock_of("icebreaker", board, 25.0)
    assert clock_of("icebreaker", board, 25.0, allow_slow=True).megahertz == 12
    with pytest.raises(ConfigError, match="board 'icebreaker'"):  # slower than the board is never done
        clock_of("icebreaker", board, 6.0, allow_slow=True)


def test_rates():
    assert clocks_of_bit(25.0, 1_000_000) == 25
    assert clocks_of_bit(25.0, 115_200) == 217
    assert clocks_of_bit(12.0, 1_000_000) == 12
    for megahertz, baud, text in (
        (25.0, 4_000_000, "at most 3125000"),
        (25.0, 100, "at least 382"),
        (25.0, 2_900_000, r"8.62 clocks of 25 MHz a bit, off by 4.4%.*take 2777778 or 3125000"),
    ):
        with pytest.raises(ConfigError, match=text):
            clocks_of_bit(megahertz, baud)


def test_every_board_keeps_the_usual_rates():
    for board in BOARDS.values():
        for baud in (115_200, 1_000_000):
            assert clocks_of_bit(board.megahertz, baud) >= 8


def test_boards_by_name():
    assert board_named("ulx3s") == board_named("ulx3s-85f")
    with pytest.raises(ConfigError, match=r"no board 'ulx4s'; did you mean 'ulx3s'\?; known are ulx3s, "):
        board_named("ulx4s")
    with pytest.raises(
        ConfigError, match=r"'pynq-z2' is built for by Vivado or Vitis: set board: pynq-z2 with backend"
    ):
        board_named("pynq-z2")


def test_no_pin_is_used_twice():
    for name, board in BOARDS.items():
        pins = [board.clock, board.receive, board.send, board.button, board.hold, board.leds, *board.high.values()]
        sites = [site for group in pins if group is not None for site in group.sites]
        assert len(set(sites)) == len(sites), name
