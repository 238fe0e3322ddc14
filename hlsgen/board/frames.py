"""Frames on the line, as RFC 1662 has them: what the host sends and receives; the board's side is Verilog.

Between two flags (7E): kind, tag, payload, and the CRC-16 of these, its lower byte first. A 7E or 7D in it is sent as
7D and the byte ^ 20. The answer to a frame has its tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

FLAG, ESCAPE, TURNED = 0x7E, 0x7D, 0x20
QUERY, ABOUT = ord("Q"), ord("A")
"""What are you? Payload of the answer: :class:`hlsgen.board.about.About`."""
SAMPLES, RESULTS = ord("S"), ord("R")
"""Whole samples, a word after the other in whole bytes; as many results in the answer."""
WRONG = ord("E")
"""A frame was wrong; its tag is not known, the payload is a byte of :data:`REASONS`."""
REASONS = {
    1: "a damaged frame (checksum, or a byte without stop bit)",
    2: "a frame of another length or kind",
    4: "no room",
}
OVERHEAD = 2
"""Bytes of a frame besides its payload that the board keeps: kind and tag."""
_GOOD = 0xF0B8
"""The CRC of what is followed by its own."""


@dataclass(frozen=True)
class Frame:
    """What is between two flags, without the checksum."""

    kind: int
    tag: int
    payload: bytes = b""


@cache
def _table() -> tuple[int, ...]:
    """What each byte does to a CRC."""
    entries = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


def crc(data: bytes, state: int = 0xFFFF) -> int:
    """CRC-16 of x^16 + x^12 + x^5 + 1, bits reflected, before it is inverted."""
    table = _table()
    for byte in data:
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    return state


def encoded(frame: Frame) -> bytes:
    """The bytes on the line, with both flags."""
    plain = bytes([frame.kind, frame.tag]) + frame.payload
    plain += (crc(plain) ^ 0xFFFF).to_bytes(2, "little")
    for special in (ESCAPE, FLAG):
        plain = plain.replace(bytes([special]), bytes([ESCAPE, special ^ TURNED]))
    return bytes([FLAG]) + plain + bytes([FLAG])


class Decoder:
    """Finds frames in bytes as they come. ``damaged`` counts what was none, between two flags."""

    def __init__(self) -> None:
        self.damaged = 0
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with these bytes."""
        for byte in data:
            if byte != FLAG:
                self._held.append(byte)
                continue
            between, self._held = bytes(self._held), bytearray()
            if between:
                frame = decoded(between)
                if frame is None:
                    self.damaged += 1
                else:
                    yield frame


def decoded(between: bytes) -> Frame | None:
    """The frame between two flags; None if it is damaged."""
    first, *others = between.split(bytes([ESCAPE]))
    if not all(others):  # an escape before an escape, or at the end
        return None
    plain = first + b"".join(bytes([part[0] ^ TURNED]) + part[1:] for part in others)
    if len(plain) < OVERHEAD + 2 or crc(plain) != _GOOD:
        return None
    return Frame(plain[0], plain[1], plain[2:-2])
