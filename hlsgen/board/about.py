"""What a design on a board says of itself when it is asked: which circuit it is, and what its frames hold."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hlsgen.backends.verilog.backend import rtl_files
from hlsgen.backends.verilog.circuit import Circuit, Stream
from hlsgen.board.frames import OVERHEAD
from hlsgen.errors import UnsupportedError
from hlsgen.native.compilation import digest_of

_VERSION = 1
_FORM = struct.Struct("<B16s5I")
_LEAST_ROOM_BITS = 11
"""Of places of 9 bits: one block memory of ECP5, five of iCE40."""
_LARGEST_SAMPLE = 16384


@dataclass(frozen=True)
class About:
    """Of the network: a digest of its Verilog, the bits of its words and how many are a sample. ``room``: bytes of
    frames that the board holds, without their flags, escapes and checksums."""

    digest: bytes
    x_width: int
    x_beats: int
    y_width: int
    y_beats: int
    room: int

    @property
    def sample_bytes(self) -> int:
        return whole_bytes(self.x_width) * self.x_beats

    @property
    def result_bytes(self) -> int:
        return whole_bytes(self.y_width) * self.y_beats

    @property
    def samples_of_frame(self) -> int:
        """As many as let two frames be on the board: one is computed while the next one comes."""
        return (self.room // 2 - OVERHEAD) // self.sample_bytes

    def packed(self) -> bytes:
        """The payload of the answer."""
        return _FORM.pack(_VERSION, self.digest, self.x_width, self.x_beats, self.y_width, self.y_beats, self.room)


def unpacked(payload: bytes) -> About | None:
    """The reverse; None for what another version of hlsgen put on the board."""
    if len(payload) != _FORM.size or payload[0] != _VERSION:
        return None
    return About(*_FORM.unpack(payload)[1:])


def about(circuit: Circuit) -> About:
    """Of a circuit. Raises UnsupportedError for samples that are too large for the memory of frames."""
    x, y = (stream.words for stream in ends(circuit))
    facts = [part for item in sorted(rtl_files(circuit).items()) for part in item]
    found = About(bytes.fromhex(digest_of(circuit.name, *facts)), x.width, x.beats, y.width, y.beats, 0)
    if found.sample_bytes > _LARGEST_SAMPLE:
        raise UnsupportedError(
            f"circuit {circuit.name}: a sample takes {found.sample_bytes:,} bytes on the line, and frames hold at most "
            f"{_LARGEST_SAMPLE:,}; take a smaller input"
        )
    bits = max((2 * (found.sample_bytes + OVERHEAD) - 1).bit_length(), _LEAST_ROOM_BITS)
    return About(found.digest, x.width, x.beats, y.width, y.beats, 1 << bits)


def ends(circuit: Circuit) -> tuple[Stream, Stream]:
    """The one input and the one output. Raises UnsupportedError for a circuit with several."""
    if len(circuit.inputs) > 1 or len(circuit.outputs) > 1:
        names = [", ".join(stream.name for stream in ports) for ports in (circuit.inputs, circuit.outputs)]
        raise UnsupportedError(
            f"circuit {circuit.name}: has the inputs {names[0]} and the outputs {names[1]}, and frames on a board's "
            "line hold one of each; concatenate them in the model"
        )
    return circuit.inputs[0], circuit.outputs[0]


def whole_bytes(width: int) -> int:
    """The bytes of a word of so many bits."""
    return -(-width // 8)
