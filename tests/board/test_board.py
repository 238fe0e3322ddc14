"""The whole board in Verilator, bit by bit at the rate of its line: whatever is lost on the way, no result is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hlsgen.board import frames
from hlsgen.board.about import unpacked
from hlsgen.board.frames import ABOUT, QUERY, RESULTS, SAMPLES, WRONG, Decoder, Frame, encoded
from hlsgen.board.simulated import BREAK, PAUSE, SimulatedBoard
from tests.board.models import BAUD, board_of, pixels, wide, xor_project
from tests.passes.builders import grid
from tests.rtl.test_networks import reference

DAMAGED, MISSHAPEN, CROWDED = 1, 2, 4
BIT = 25
"""Clocks, of 25 MHz at 1 Mbaud."""


class Host:
    """Sends symbols to a board, and decodes what comes."""

    def __init__(self, board: SimulatedBoard) -> None:
        self.board, self.decoder = board, Decoder()

    def __call__(self, *what: bytes | Sequence[int], bits: int = 4000) -> list[Frame]:
        for symbols in what:
            self.board.send(list(symbols))
        found = self.decoder.feed(self.board.run(bits * BIT, 4096))
        return list(found)


@pytest.fixture
def host():
    board = SimulatedBoard(board_of(xor_project()))
    yield Host(board)
    board.close()


def xor_frame(tag: int, bits: Sequence[int]) -> bytes:
    return encoded(Frame(SAMPLES, tag, bytes(bits)))


def xor_answer(tag: int, bits: Sequence[int]) -> Frame:
    rows = np.array([[value & 1, value >> 1 & 1] for value in bits])
    return Frame(RESULTS, tag, bytes(reference(xor_project(), rows).ravel().tolist()))


def wrong(code: int) -> Frame:
    return Frame(WRONG, 0, bytes([code]))


def test_query(host):
    (answer,) = host(encoded(Frame(QUERY, 0x7E)))
    assert (answer.kind, answer.tag) == (ABOUT, 0x7E)
    about = unpacked(answer.payload)
    assert about == board_of(xor_project()).about
    assert (about.x_width, about.x_beats, about.y_beats, about.room) == (2, 1, 1, 2048)


def test_samples(host):
    for tag in (0, 0x7D, 0x7E, 255):  # two of which are escaped
        assert host(xor_frame(tag, [0, 1, 2, 3])) == [xor_answer(tag, [0, 1, 2, 3])]


def test_many_samples_at_full_speed(host):
    """Frames one behind the other, without a pause: as many as fit into the board's memory and more."""
    bits = np.random.default_rng(2).integers(0, 4, 900).tolist()
    sent = [xor_frame(tag, bits[tag : tag + 400]) for tag in range(6)]
    found = host(*sent, bits=10 * 7 * 450)
    assert found == [xor_answer(tag, bits[tag : tag + 400]) for tag in range(6)]


def test_bits_beyond_the_word_are_not_read(host):
    assert host(xor_frame(1, [0xFC, 0xFD, 0x7E, 0x7F])) == [xor_answer(1, [0, 1, 2, 3])]


def test_wrong_checksum(host):
    for place in range(1, 9):
        text = bytearray(xor_frame(9, [0, 1, 2, 3]))
        text[place] ^= 0x40
        assert host(bytes(text), xor_frame(10, [2])) == [wrong(DAMAGED), xor_answer(10, [2])]
    assert host.board.lights & 4


def test_lost_byte(host):
    text = xor_frame(9, [0, 1, 2, 3])
    for place in range(1, len(text) - 1):
        assert host(text[:place] + text[place + 1 :], xor_frame(10, [3, 1])) == [wrong(DAMAGED), xor_answer(10, [3, 1])]


def test_lost_flags(host):
    """Two frames become one, which is none; the third is found."""
    text = xor_frame(1, [1])[:-1] + xor_frame(2, [2])[1:] + xor_frame(3, [3])
    assert host(text) == [wrong(DAMAGED), xor_answer(3, [3])]


def test_break(host):
    text = xor_frame(1, [0, 1, 2])
    assert host(text[:4], [BREAK], text[4:], text) == [wrong(DAMAGED), xor_answer(1, [0, 1, 2])]
    assert host([BREAK, BREAK, PAUSE], text) == [wrong(DAMAGED), xor_answer(1, [0, 1, 2])]


def test_garbage_before_a_frame(host):
    rng = np.random.default_rng(3)
    for _ in range(5):
        noise = bytes(byte for byte in rng.integers(0, 256, 30).tolist() if byte != frames.FLAG)
        assert host(noise, xor_frame(4, [3, 2])) == [wrong(DAMAGED), xor_answer(4, [3, 2])]


def test_flags_and_pauses_are_nothing(host):
    assert host([PAUSE, PAUSE], bytes([frames.FLAG] * 5), [PAUSE], xor_frame(4, [1])) == [xor_answer(4, [1])]


@pytest.mark.parametrize(
    "frame",
    [Frame(QUERY, 1, b"\0"), Frame(SAMPLES, 1), Frame(0, 1, b"\1"), Frame(RESULTS, 1, b"\1"), Frame(0x51 ^ 0x20, 1)],
)
def test_other_frames(host, frame):
    assert host(encoded(frame), xor_frame(2, [1])) == [wrong(MISSHAPEN), xor_answer(2, [1])]


def test_more_than_there_is_room_for(host):
    """The host did not wait: a frame that does not fit is refused as a whole, and others are answered."""
    assert host(xor_frame(3, [3] * 3000), xor_frame(4, [1]), bits=70_000) == [wrong(CROWDED), xor_answer(4, [1])]
    exactly = [2] * (2048 - frames.OVERHEAD)  # a byte waits outside of the memory besides
    assert host(xor_frame(5, exactly), bits=45_000) == [xor_answer(5, exactly)]


def test_reset_in_the_middle_of_a_frame(host):
    text = xor_frame(1, [0, 1, 2, 3])
    assert host(text[:5]) == []
    host.board.pins(pressed=True)
    assert host(bits=10) == []
    host.board.pins()
    assert host(bits=20) == []  # the reset stays for some clocks
    assert host(text[5:], xor_frame(2, [1])) == [wrong(DAMAGED), xor_answer(2, [1])]


def test_reset_in_the_middle_of_an_answer(host):
    assert host(xor_frame(1, [1] * 200), bits=2500) == []
    host.board.pins(pressed=True)
    assert host(bits=10) == []
    host.board.pins()
    assert host(bits=3000) == []
    assert host(xor_frame(2, [2])) == [xor_answer(2, [2])]


@pytest.mark.parametrize("drift", [-0.03, 0.03])
def test_a_host_whose_clock_is_off(drift):
    board = SimulatedBoard(board_of(xor_project()), drift=drift)
    bits = np.random.default_rng(4).integers(0, 4, 300).tolist()
    assert Host(board)(xor_frame(0x55, bits), xor_frame(0xAA, bits), bits=12_000) == [
        xor_answer(0x55, bits),
        xor_answer(0xAA, bits),
    ]
    assert board.broken == 0
    board.close()


def test_a_host_of_another_rate():
    """Half the rate: no frame at all, and no answer but that."""
    board = SimulatedBoard(board_of(xor_project()), drift=1.0)
    found = Host(board)(xor_frame(1, [0, 1, 2, 3]), bits=8000)
    assert all(frame.kind == WRONG for frame in found)
    board.close()


def everything(project, board: str, baud: int, samples: int = 12) -> None:
    """All results of a network through the whole of a board, in frames of several samples."""
    design = board_of(project, board, baud)
    x = grid(project.design.inputs[0].shape, samples=samples, bound=15)
    with project.connect(SimulatedBoard(design)) as chip:
        np.testing.assert_array_equal(chip.predict(x, raw=True), reference(project, x))
        assert chip.chip.repeated == 0


@pytest.mark.slow
@pytest.mark.parametrize("network", [pixels, wide])
def test_networks(network):
    everything(network(), "ulx3s", BAUD)
    everything(network(), "icepi-zero", 115_200)


@pytest.mark.slow
def test_pll():
    project = wide().with_settings(clock_period=8)
    design = board_of(project, "ulx3s", 3_000_000)
    assert design.clock.pll is not None and design.clock.megahertz == 125
    everything(project, "ulx3s", 3_000_000)


@pytest.mark.slow
def test_results_that_are_not_read_for_long():
    """A board whose host can say that it takes nothing: everything waits, and nothing is lost."""
    design = board_of(xor_project(), "ice40-hx8k-b-evn")
    host, bits = Host(SimulatedBoard(design)), np.random.default_rng(5).integers(0, 4, 300).tolist()
    host.board.pins(hold=True)
    assert host(xor_frame(1, bits), xor_frame(2, bits), bits=20_000) == []
    received = []
    for _ in range(30):
        host.board.pins()
        received += host(bits=97)
        host.board.pins(hold=True)
        received += host(bits=200)
    host.board.pins()
    received += host(bits=7000)
    assert received == [xor_answer(1, bits), xor_answer(2, bits)]
    assert host.board.broken == 0
