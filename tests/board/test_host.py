"""The host's side: results come back whatever is lost on the line, and what is wrong with a line is said."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
import tty
from collections.abc import Iterator

import numpy as np
import pytest

from hlsgen.board.about import about
from hlsgen.board.chip import Chip
from hlsgen.board.frames import ABOUT, QUERY, RESULTS, SAMPLES, WRONG, Decoder, Frame, encoded
from hlsgen.board.simulated import BREAK, SimulatedBoard
from hlsgen.board.words import as_bytes, from_bytes
from hlsgen.errors import ConfigError, InputError, LinkError
from tests.board.models import board_of, wide, xor_project
from tests.rtl.test_networks import reference

X = np.random.default_rng(1).integers(0, 2, (3000, 2))


@pytest.fixture
def board() -> SimulatedBoard:
    return SimulatedBoard(board_of(xor_project()))


class Lossy:
    """A line that loses, damages and adds bytes, in both directions."""

    def __init__(self, board: SimulatedBoard, share: float, seed: int) -> None:
        self.board, self.share, self.rng, self.name = board, share, np.random.default_rng(seed), "a bad line"
        self.faults = 0

    def damaged(self, data: bytes) -> list[int]:
        found: list[int] = []
        for byte in data:
            kind = self.rng.integers(0, 5) if self.rng.random() < self.share else 5
            self.faults += kind < 5
            found += {0: [], 1: [byte ^ 16], 2: [byte, byte], 3: [0x7E, byte], 4: [BREAK]}.get(int(kind), [byte])
        return found

    def write(self, data: bytes) -> None:
        self.board.send(self.damaged(data))

    def read(self, timeout: float) -> bytes:
        data = self.board.read(timeout)
        return bytes(symbol for symbol in self.damaged(data) if symbol < 256) or (b"~" if data else data)

    def close(self) -> None:
        self.board.close()


def test_results(board):
    project = xor_project()
    with project.connect(board) as chip:
        np.testing.assert_array_equal(chip.predict(X, raw=True), reference(project, X))
        np.testing.assert_array_equal(chip.predict(X[:7]), project.predict(X[:7]))
        assert chip.predict(X[:0], raw=True).shape == (0, 1)
        assert chip.chip.repeated == 0
        with pytest.raises(InputError):
            chip.predict(X[:, :1])
        with pytest.raises(InputError, match="NaN"):
            chip.predict(X * np.nan)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_lost_is_sent_again(board, seed):
    project, line = xor_project(), Lossy(board, 2e-4, seed)
    with project.connect(line, timeout=0.02) as chip:
        for _ in range(3):
            np.testing.assert_array_equal(chip.predict(X, raw=True), reference(project, X))
        assert line.faults > 0 and chip.chip.repeated > 0


def test_noise_before_the_first_query(board):
    board.send([1, 2, 3, BREAK])
    with xor_project().connect(board, timeout=0.02) as chip:
        np.testing.assert_array_equal(chip.predict(X[:9], raw=True), reference(xor_project(), X[:9]))


def test_a_line_that_is_too_bad(board):
    line = Lossy(board, 0.0, 1)
    with xor_project().connect(line, timeout=0.02) as chip:
        line.share = 0.2
        with pytest.raises(LinkError, match=r"a bad line: .*, 4 times in a row. Press .* lower baud rate"):
            chip.predict(X, raw=True)


class Silent:
    name = "a silent line"

    def __init__(self) -> None:
        self.closed = False

    def write(self, data: bytes) -> None: ...

    def read(self, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        self.closed = True


def test_nobody_answers():
    line = Silent()
    with pytest.raises(
        LinkError, match=r"a silent line: no answer within 2.04 s, 4 times. Is a bitstream of hlsgen loaded"
    ):
        xor_project().connect(line)
    assert line.closed


def test_a_line_that_is_never_still():
    line = Silent()
    line.read = lambda timeout: b"noise"
    with pytest.raises(LinkError, match="a silent line: no answer"):
        xor_project().connect(line)


def test_another_design_is_on_the_board(board):
    with pytest.raises(
        LinkError, match=r"is a design with 1 x 2 bits in, 1 x 4 bits out, digest \w{32}; expected 1 x 15"
    ):
        wide().connect(board)


def test_the_same_design_with_other_weights(board):
    known = about(xor_project().circuit)
    other = dataclasses.replace(known, digest=bytes(16))
    with pytest.raises(LinkError, match=f"digest {known.digest.hex()}; expected .*digest {'0' * 32}"):
        Chip(board, other)


class Answers(Silent):
    """Answers by a function of frames."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer, self.decoder, self.out = answer, Decoder(), bytearray()

    def write(self, data: bytes) -> None:
        for frame in self.decoder.feed(data):
            self.out += encoded(self.answer(frame))

    def read(self, timeout: float) -> bytes:
        data, self.out = bytes(self.out), bytearray()
        return data


def test_a_line_that_was_closed(board):
    board.close()
    with pytest.raises(LinkError, match="the simulated ulx3s: was closed"):
        xor_project().connect(board)


def test_another_version_of_hlsgen():
    with pytest.raises(LinkError, match="the design of another version of hlsgen"):
        xor_project().connect(Answers(lambda frame: Frame(ABOUT, frame.tag, b"\2" + bytes(36))))


def test_results_of_another_length():
    known = about(xor_project().circuit)

    def answer(frame: Frame) -> Frame:
        if frame.kind == QUERY:
            return Frame(ABOUT, frame.tag, known.packed())
        assert frame.kind == SAMPLES
        return Frame(RESULTS, frame.tag, frame.payload[1:])

    with (
        xor_project().connect(Answers(answer)) as chip,
        pytest.raises(LinkError, match="found 2 bytes of results for 3 samples, expected 3"),
    ):
        chip.predict(X[:3])


def test_many_small_frames(monkeypatch):
    """A line that takes none but the smallest frames: no two of those that wait have one tag, and each has its result."""
    monkeypatch.setattr("hlsgen.board.chip._TRIES", 20)
    known = about(xor_project().circuit)
    most = 0

    def answer(frame: Frame) -> Frame:
        nonlocal most
        if frame.kind == QUERY:
            return Frame(ABOUT, frame.tag, known.packed())
        most = max(most, len(line.out) // 9)  # of answers that were not read
        return Frame(WRONG, 0, b"\1") if len(frame.payload) > 1 else Frame(RESULTS, frame.tag, frame.payload)

    line = Answers(answer)
    with xor_project().connect(line) as chip:
        x = np.random.default_rng(6).integers(0, 4, (700, 1), dtype=np.uint8)
        np.testing.assert_array_equal(chip.chip.run(x), x)
        assert chip.chip.repeated > 100
    assert 16 < most < 64


def test_words_are_whole_bytes():
    """An element next to the other, the first in the lowest bits."""
    circuit = wide().circuit
    rng = np.random.default_rng(2)
    for stream in (*circuit.inputs, *circuit.outputs):
        words = stream.words
        low, high = words.type.min_mantissa, words.type.max_mantissa
        values = rng.integers(low, high + 1, (50, words.elements))
        data = as_bytes(values, words)
        assert data.shape == (50, -(-words.width // 8))
        for row, numbers in zip(data, values.tolist(), strict=True):
            expected = sum((v & ((1 << words.type.width) - 1)) << (words.type.width * k) for k, v in enumerate(numbers))
            assert int.from_bytes(row.tobytes(), "little") == expected
        np.testing.assert_array_equal(from_bytes(data, words), values)


@contextlib.contextmanager
def terminal(board: SimulatedBoard) -> Iterator[str]:
    """A pseudo terminal with the board at its other end."""
    host_side, board_side = os.openpty()
    tty.setraw(host_side)
    tty.setraw(board_side)
    os.set_blocking(host_side, False)
    ends = threading.Event()

    def pump() -> None:
        while not ends.is_set():
            with contextlib.suppress(BlockingIOError):
                board.write(os.read(host_side, 4096))
            found = board.run(20_000)
            while found:
                with contextlib.suppress(BlockingIOError):
                    found = found[os.write(host_side, found) :]

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield os.ttyname(board_side)
    finally:
        ends.set()
        thread.join()
        os.close(board_side)
        os.close(host_side)


def test_serial_port(board):
    """pyserial, on a pseudo terminal whose other end is the simulated board."""
    pytest.importorskip("serial", reason="pyserial is not installed (extra board)")
    project = xor_project()
    with terminal(board) as port, project.connect(port, timeout=20) as chip:
        np.testing.assert_array_equal(chip.predict(X[:500], raw=True), reference(project, X[:500]))
        assert chip.chip.name == port


def test_ports_that_cannot_be_opened(tmp_path):
    pytest.importorskip("serial", reason="pyserial is not installed (extra board)")
    with pytest.raises(LinkError, match=r"nothing: cannot be opened .*group dialout"):
        xor_project().connect(str(tmp_path / "nothing"))


def test_without_pyserial(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ConfigError, match=r"needs pyserial: pip install 'hlsgen\[board\]'"):
        xor_project().connect("/dev/ttyUSB0")
