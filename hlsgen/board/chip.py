"""A network on a board, from the host: samples go, results come, and what is lost on the way is sent again."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from hlsgen.board.about import About, unpacked
from hlsgen.board.frames import ABOUT, OVERHEAD, QUERY, REASONS, RESULTS, SAMPLES, WRONG, Decoder, Frame, encoded
from hlsgen.board.line import Line
from hlsgen.errors import InputError, LinkError

Bytes = NDArray[np.uint8]
_TRIES = 4
"""How often frames are sent with no success at all before the line is given up."""

_LONG = 1000
"""Bytes: more than a frame without samples has."""
_MOST = 32
"""Frames without answer at a time: far fewer than there are tags, so that a late answer is never taken for another."""


@dataclass(frozen=True)
class _Chunk:
    """Samples of a frame, by their numbers."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first

    @property
    def halves(self) -> tuple[_Chunk, ...]:
        """Two of about the same size; itself, if it is one sample."""
        middle = (self.first + self.last) // 2
        return (self,) if self.count == 1 else (_Chunk(self.first, middle), _Chunk(middle, self.last))


class Chip:
    """The board at the other end of a line, on which ``expected`` has to run.

    ``timeout``: seconds in which an answer has to come. ``repeated``: the frames that were sent again. A context
    manager: closes the line at its end.
    """

    def __init__(self, line: Line, expected: About, *, timeout: float = 2.0) -> None:
        """Ask the board what it is. Raises LinkError if it does not answer, or is another design."""
        self._line, self.about, self.timeout = line, expected, timeout
        self.name = line.name
        self._decoder, self._arrived = Decoder(), deque[Frame]()
        self._tag = 0
        self._longest = 4 * expected.samples_of_frame * expected.result_bytes + _LONG
        self.repeated = 0
        try:
            self._check(self._ask())
        except BaseException:
            line.close()
            raise

    def __enter__(self) -> Chip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    def run(self, x: Bytes) -> Bytes:
        """The results of samples: (samples, bytes of one) as they go over the line, to (samples, bytes of a result).

        Raises LinkError if the board stops answering, InputError for samples of another size.
        """
        if x.ndim != 2 or x.shape[1] != self.about.sample_bytes:
            raise InputError(
                f"run(): found samples of shape {x.shape[1:]}, expected {self.about.sample_bytes} bytes each"
            )
        transfer = _Transfer(self, x)
        y = transfer.run()
        self.repeated += transfer.repeated
        return y

    def send(self, kind: int, payload: bytes) -> int:
        """Send a frame; returns its tag."""
        self._tag = (self._tag + 1) % 256
        self._line.write(encoded(Frame(kind, self._tag, payload)))
        return self._tag

    def receive(self) -> Frame | None:
        """The next frame; None if nothing comes within ``timeout``, or more than frames are, and none of it is one."""
        came = 0
        while not self._arrived:
            data = self._line.read(self.timeout)
            came += len(data)
            if not data or came > self._longest:
                return None
            self._arrived.extend(self._decoder.feed(data))
        return self._arrived.popleft()

    def _ask(self) -> About | None:
        for _ in range(_TRIES):
            tag = self.send(QUERY, b"")
            ends = time.monotonic() + self.timeout
            while (answer := self.receive()) is not None and time.monotonic() < ends:
                if (answer.kind, answer.tag) == (ABOUT, tag):
                    return unpacked(answer.payload)
        raise LinkError(
            f"{self.name}: no answer within {self.timeout:.3g} s, {_TRIES} times. Is a bitstream of hlsgen loaded "
            "(hlsgen bitstream ... --program), is it this port, and is it the baud rate for which it was built?"
        )

    def _check(self, found: About | None) -> None:
        if found == self.about:
            return
        what = "the design of another version of hlsgen"
        if found is not None:
            what = (
                f"a design with {found.x_beats} x {found.x_width} bits in, {found.y_beats} x {found.y_width} bits out, "
                f"digest {found.digest.hex()}"
            )
        mine = self.about
        raise LinkError(
            f"{self.name}: on the board is {what}; expected {mine.x_beats} x {mine.x_width} bits in, {mine.y_beats} x "
            f"{mine.y_width} bits out, digest {mine.digest.hex()}. Build and load this one (hlsgen bitstream ... "
            "--program), or give the configuration of the other"
        )


class _Transfer:
    """Samples on their way to a board and back. The board answers frames in order; two are on it at a time."""

    def __init__(self, chip: Chip, x: Bytes) -> None:
        step = chip.about.samples_of_frame
        self._chip, self._x = chip, x
        self._y = np.zeros((len(x), chip.about.result_bytes), dtype=np.uint8)
        self._to_send = deque(_Chunk(first, min(first + step, len(x))) for first in range(0, len(x), step))
        self._waiting: dict[int, _Chunk] = {}
        self._wrong, self._failures = 0, 0
        self._reason = ""
        self.repeated = 0

    def run(self) -> Bytes:
        """Send and receive until every sample has its result. Raises LinkError."""
        while self._to_send or self._waiting:
            self._send_what_fits()
            answer = self._chip.receive()
            if answer is None:
                self._reason = f"no answer within {self._chip.timeout:.3g} s"
            elif answer.kind == WRONG:
                self._wrong += 1
                self._reason = f"the board was sent {REASONS.get(answer.payload[0], 'something wrong')}"
            elif answer.kind == RESULTS and answer.tag in self._waiting:
                self._take(self._waiting.pop(answer.tag), answer.payload)
            if self._waiting and (answer is None or self._wrong >= len(self._waiting)):
                self._repeat()
            elif not self._waiting:
                self._wrong = 0
        return self._y

    def _send_what_fits(self) -> None:
        """Nothing while a frame was wrong: which one it was is known when the others are answered."""
        while self._to_send and not self._wrong and self._fits(self._to_send[0]):
            chunk = self._to_send.popleft()
            tag = self._chip.send(SAMPLES, self._x[chunk.first : chunk.last].tobytes())
            self._waiting[tag] = chunk

    def _fits(self, another: _Chunk) -> bool:
        """Whether the board has room for one more frame, and its tag is not that of one that waits."""
        chunks = [*self._waiting.values(), another]
        held = sum(OVERHEAD + chunk.count * self._chip.about.sample_bytes for chunk in chunks)
        return held <= self._chip.about.room and len(chunks) <= _MOST

    def _take(self, chunk: _Chunk, payload: bytes) -> None:
        expected = chunk.count * self._chip.about.result_bytes
        if len(payload) != expected:
            raise LinkError(
                f"{self._chip.name}: found {len(payload)} bytes of results for {chunk.count} samples, expected "
                f"{expected}; this is a defect of hlsgen"
            )
        self._y[chunk.first : chunk.last] = np.frombuffer(payload, np.uint8).reshape(chunk.count, -1)
        self._failures = 0

    def _repeat(self) -> None:
        """What has no answer is sent again, in smaller frames, of which fewer are damaged.

        Raises LinkError if that is of no use.
        """
        self._failures += 1
        if self._failures == _TRIES:
            raise LinkError(
                f"{self._chip.name}: {self._reason}, {_TRIES} times in a row. Press the board's button and try again; "
                "if it stays so, look for a bad cable, or build for a lower baud rate (hlsgen bitstream --baud)"
            )
        self.repeated += len(self._waiting)
        self._to_send.extendleft(reversed([half for chunk in self._waiting.values() for half in chunk.halves]))
        self._waiting.clear()
        self._wrong = 0
